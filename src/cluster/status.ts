import { secondsLeft } from '../credentials/credential.js';
import { messageOf } from '../errors.js';
import { UnreachedError } from '../hosts/pinned.js';
import { type PoolStatus, queryPool } from '../htcondor/query.js';
import { type BatchJobStatus, isOver } from '../schedulers/job.js';
import { schedulerFor } from '../schedulers/registry.js';
import { listJobsAnd } from '../schedulers/runner.js';
import type { Connections } from './connections.js';
import { jobQuery, knownIds, poolDir, siteDir } from './context.js';
import { dependences } from './credentials.js';
import { askFrameworks, type FrameworkStatus } from './framework.js';
import { matchGlideins, unaskedGlideins } from './glideins.js';
import { headnodeName } from './headnodes.js';
import { type Answer, judge, type SiteStatus } from './judgement.js';
import { headHost, restartedMachine, siteHost } from './machines.js';
import { hoursOf, type NodeHours, sumOf } from './nodehours.js';
import type { ClusterRecord, ClusterState, SiteRecord } from './record.js';
import { parseRefusals, type Refusal, refusalsCommand } from './refusals.js';
import { relayOf } from './relaystatus.js';
import { type Stranger, strangersIn } from './strangers.js';

/** The state of a cluster, from its scheduler and its pool; what could not be asked is *unknown*, with a reason. */
export interface ClusterStatus {
  readonly name: string;
  readonly state: ClusterState | 'unknown';
  /** One sentence. */
  readonly reason: string;
  readonly created: string;
  readonly headnode: {
    readonly kind: string;
    readonly host: string;
    readonly address: string;
    readonly pool: 'alive' | 'dead' | 'none' | 'unknown';
    readonly error?: string;
    /** Why compute nodes can reach all of the user's files on the headnode; absent if there is a fence. */
    readonly unfenced?: string;
  };
  readonly sites: readonly SiteStatus[];
  /** Counted in cores. */
  readonly slots: { readonly total: number; readonly busy: number; readonly idle: number } | undefined;
  readonly jobs: PoolStatus['jobs'];
  /** Whose jobs they are, if the cluster is shared. */
  readonly people?: PoolStatus['people'];
  /** Of all jobs that the sites' schedulers still remember. */
  readonly nodeHours: NodeHours;
  readonly credentials: readonly CredentialStatus[];
  /** Machines in the pool that belong to no batch job of the cluster. */
  readonly strangers: readonly Stranger[];
  /** What the cluster offers in addition to its pool. */
  readonly frameworks: readonly FrameworkStatus[];
}

/** A credential that the cluster needs. */
export interface CredentialStatus {
  /** `the proxy /tmp/x509up_u1000`. */
  readonly what: string;
  /** Its purpose: `to log in to bluewaters`. */
  readonly need: string;
  /** ISO 8601, UTC; absent if there is none that can be used. */
  readonly end?: string;
  /** 0 if it has ended or can't be used. */
  readonly secondsLeft: number;
  readonly problem?: string;
}

/**
 * Asks the sites and the headnode at the same time, with one round trip each. Never throws for a host that can't be
 * asked.
 */
export async function clusterStatus(record: ClusterRecord, connections: Connections): Promise<ClusterStatus> {
  const asked = Promise.all(record.sites.map(site => askSite(record, site, connections)));
  const pool = askPool(record, connections);
  const inPool = pool.then(answer => ('value' in answer ? answer.value : undefined));
  const frameworks = askFrameworks(record, connections, inPool);
  return assemble(record, await pool, await asked, await frameworks);
}

interface SiteAnswer {
  readonly jobs: readonly BatchJobStatus[];
  readonly refused: readonly Refusal[];
}

async function askSite(record: ClusterRecord, site: SiteRecord, connections: Connections): Promise<Answer<SiteAnswer>> {
  if (!site.facts) return { value: { jobs: [], refused: [] } };
  try {
    const host = await siteHost(connections, record, site);
    const scheduler = schedulerFor(site.spec.profile.scheduler.type);
    const query = jobQuery(record.name, site.facts, knownIds(site), site.spec);
    const more = [refusalsCommand(siteDir(site.facts.base, record.name))];
    const { jobs, outputs } = await listJobsAnd(host, scheduler, query, more);
    return { value: { jobs, refused: parseRefusals(outputs[0]?.stdout ?? '', site) } };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

async function askPool(record: ClusterRecord, connections: Connections): Promise<Answer<PoolStatus>> {
  if (!record.head) return { value: { pool: 'none', glideins: [], tokens: [], jobs: undefined } };
  try {
    const host = await headHost(connections, record);
    const value = await queryPool(host, poolDir(record.head.base, record.name));
    return { value, restarted: restartedMachine(host) };
  } catch (error) {
    const hint = error instanceof UnreachedError ? `; ${error.hint}` : '';
    return { error: `${messageOf(error)}${hint}` };
  }
}

function assemble(
  record: ClusterRecord,
  pool: Answer<PoolStatus>,
  answers: Answer<SiteAnswer>[],
  frameworks: readonly FrameworkStatus[],
): ClusterStatus {
  const inPool = 'value' in pool ? pool.value : undefined;
  const sites = record.sites.map((site, n): SiteStatus => {
    const answer = answers[n] as Answer<SiteAnswer>;
    const wanted = site.spec.nodes;
    const grown = inPool?.growth?.find(g => g.site === site.spec.site);
    const { maxNodeHours } = site.spec;
    const growth = {
      ...(grown ? { growth: grown } : {}),
      ...(maxNodeHours === undefined ? {} : { maxNodeHours }),
      ...relayOf(record, site, inPool),
    };
    if ('error' in answer)
      return {
        site: site.spec.site,
        wanted,
        ...unaskedGlideins(site, knownIds(site), inPool),
        error: answer.error,
        ...growth,
      };
    const { jobs, refused } = answer.value;
    const unfit = refused.length > 0 ? { refused } : {};
    return { site: site.spec.site, wanted, ...matchGlideins(site, jobs, inPool), ...growth, ...unfit };
  });
  const live = sites.flatMap(s => s.glideins).filter(g => g.joined && !isOver(g.state));
  const total = live.reduce((sum, g) => sum + (g.cores ?? 0), 0);
  const busy = live.reduce((sum, g) => sum + (g.busy ?? 0), 0);
  return {
    name: record.name,
    ...judge(record, pool, sites),
    created: record.created,
    headnode: {
      kind: headnodeName(record.spec.headnode),
      host: record.head?.host ?? '',
      address: record.head ? `${record.head.address}:${record.head.port}` : '',
      pool: inPool?.pool ?? 'unknown',
      ...('error' in pool ? { error: pool.error } : {}),
      ...(record.head?.unfenced === undefined ? {} : { unfenced: record.head.unfenced }),
    },
    sites,
    slots: inPool ? { total, busy, idle: total - busy } : undefined,
    jobs: inPool?.jobs,
    ...(inPool?.people ? { people: inPool.people } : {}),
    nodeHours: sumOf(record.sites.map((site, n) => hoursOf(site, sites[n]?.batchJobs ?? []))),
    credentials: credentialsOf(record),
    strangers: strangersIn(inPool, sites, record.sites),
    frameworks,
  };
}

function credentialsOf(record: ClusterRecord): CredentialStatus[] {
  const all = dependences(
    record.spec,
    record.sites.map(s => s.spec),
  );
  return all.map(({ what, need, end, problem }) => ({
    ...{ what, need, secondsLeft: end ? secondsLeft({ end }) : 0 },
    ...(end ? { end: end.toISOString() } : {}),
    ...(problem === undefined ? {} : { problem }),
  }));
}
