import { secondsLeft } from '../credentials/credential.js';
import { messageOf } from '../errors.js';
import { UnreachedError } from '../hosts/pinned.js';
import type { Growth } from '../htcondor/growth.js';
import { type PoolStatus, queryPool } from '../htcondor/query.js';
import { type BatchJobStatus, isOver } from '../schedulers/job.js';
import { schedulerFor } from '../schedulers/registry.js';
import { listJobsAnd } from '../schedulers/runner.js';
import { committed, jobsLeft } from './allowance.js';
import type { Connections } from './connections.js';
import { jobQuery, knownIds, poolDir, siteDir } from './context.js';
import { dependences } from './credentials.js';
import { askFramework, type FrameworkStatus } from './framework.js';
import { type AskedSite, matchGlideins, unaskedGlideins } from './glideins.js';
import { headnodeName } from './headnodes.js';
import { headHost, restartedMachine, siteHost } from './machines.js';
import { hoursOf, type NodeHours, sumOf } from './nodehours.js';
import type { ClusterRecord, ClusterState, SiteRecord } from './record.js';
import { parseRefusals, type Refusal, refusalsCommand, whyStopped } from './refusals.js';
import { cutOff, type RelayStatus, relayOf } from './relaystatus.js';
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
  readonly framework?: FrameworkStatus;
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

export interface SiteStatus extends AskedSite {
  /** Number of nodes, each of which brings one glide-in. */
  readonly wanted: number;
  /** The node-hours that all jobs at the site may use together; absent: no limit. */
  readonly maxNodeHours?: number;
  /** Present if the headnode submits by itself, between `growth.min` and `growth.max`. */
  readonly growth?: Growth;
  /** How the site's nodes reach the pool; absent if they need no relay. */
  readonly relay?: RelayStatus;
  /** Glide-ins of the last submission whose nodes were unfit; absent if there is none. */
  readonly refused?: readonly Refusal[];
}

/**
 * Asks the sites and the headnode at the same time, with one round trip each. Never throws for a host that can't be
 * asked.
 */
export async function clusterStatus(record: ClusterRecord, connections: Connections): Promise<ClusterStatus> {
  const asked = Promise.all(record.sites.map(site => askSite(record, site, connections)));
  const pool = askPool(record, connections);
  const inPool = pool.then(answer => ('value' in answer ? answer.value : undefined));
  const framework = askFramework(record, connections, inPool);
  return assemble(record, await pool, await asked, await framework);
}

type Answer<T> = { readonly value: T; readonly restarted?: string | undefined } | { readonly error: string };

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
  framework: FrameworkStatus | undefined,
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
    ...(framework === undefined ? {} : { framework }),
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

function judge(
  record: ClusterRecord,
  pool: Answer<PoolStatus>,
  sites: SiteStatus[],
): { state: ClusterState | 'unknown'; reason: string } {
  if (!['pending', 'running', 'initializing'].includes(record.state))
    return { state: record.state, reason: record.reason };
  const lost = sites.filter(s => s.error !== undefined).map(s => s.site);
  if ('error' in pool || lost.length > 0) {
    const machine = record.machine?.name ?? record.head?.host;
    const headnode = machine === undefined ? 'the headnode' : `the headnode (${machine})`;
    const who = ['error' in pool ? headnode : '', ...lost].filter(Boolean).join(' and ');
    return { state: 'unknown', reason: `Could not ask ${who}; what runs there is unknown.` };
  }
  if (!record.head || record.state === 'initializing') return { state: record.state, reason: record.reason };
  if (pool.value.pool !== 'alive') {
    return {
      state: 'failed',
      reason: `${pool.restarted ? `${pool.restarted} was restarted, so the pool has ended` : 'The pool is not running on the headnode'}; \`scailfin up ${record.name}\` starts it again.`,
    };
  }
  const all = sites.flatMap(s => s.glideins);
  const active = all.filter(g => !isOver(g.state));
  const wanted = sites.reduce((sum, s) => sum + s.wanted, 0);
  const joined = active.filter(g => g.joined).length;
  const queued = active.filter(g => g.state === 'queued' || g.state === 'held').length;
  const failed = all.filter(g => g.state === 'failed').length;
  const missing = sites.reduce((sum, s, n) => sum + absent(s, record.sites[n]), 0);
  const unseen = sites.flatMap(s => s.batchJobs).reduce((sum, job) => sum + (job.missing ? job.nodes : 0), 0);
  const also = [
    unseen > 0 ? `${unseen} ${unseen === 1 ? 'is' : 'are'} missing from the batch system's answers` : '',
    queued > 0 ? `${queued} wait in the queue` : '',
    failed > 0 ? `${failed} failed` : '',
    ...sites.flatMap(s => cutOff(s)),
    missing > 0 ? `${missing} running in the batch system ${missing === 1 ? 'is' : 'are'} not in the pool` : '',
  ].filter(Boolean);
  const tail = also.length > 0 ? `; ${also.join(', ')}` : '';
  if (joined > 0)
    return {
      state: 'running',
      reason: `${joined} of ${sites.some(s => s.growth) ? 'at most ' : ''}${wanted} glide-ins ${wanted === 1 ? 'has' : 'have'} joined${tail}.`,
    };
  const [stopped] = sites.flatMap(s => whyStopped(s) ?? []);
  if (stopped) return { state: 'failed', reason: `${stopped}${tail}.` };
  if (active.length > 0) return { state: 'pending', reason: `No glide-in has joined yet${tail}.` };
  const growing = sites.flatMap(s => s.growth ?? []);
  if (growing.some(g => g.state === 'alive')) {
    const stuck = growing.find(g => g.reason);
    if (stuck) return { state: 'pending', reason: `${stuck.site}: ${stuck.reason}` };
    return { state: 'running', reason: 'No glide-in is there, as no job needs one; they come when jobs wait.' };
  }
  const spent = sites.flatMap((site, n) => whatIsSpent(record.sites[n] as SiteRecord, site));
  if (spent.length > 0)
    return {
      state: 'pending',
      reason: `No glide-in is queued or running${tail}, as ${spent.join(' and ')}; to allow more: \`scailfin scale ${record.name} --max-node-hours H\`.`,
    };
  return {
    state: 'pending',
    reason: `No glide-in is queued or running${tail}; \`scailfin up ${record.name}\` submits new ones.`,
  };
}

/** Says that the limit of node-hours at a site allows no more jobs, where that is so. */
function whatIsSpent({ spec, batches }: SiteRecord, { batchJobs }: SiteStatus): string[] {
  if (spec.maxNodeHours === undefined || spec.submit === 'bosco') return [];
  const used = committed(batches, batchJobs, spec.walltime);
  return jobsLeft(spec, used) > 0
    ? []
    : [`the limit of ${spec.maxNodeHours} node-hours at ${spec.site} allows no more`];
}

/** A glide-in normally joins within seconds. */
const JOINING = 90;

/** How many glide-ins of a site have run for longer than it takes to join, and are not in the pool. */
function absent({ glideins }: SiteStatus, record: SiteRecord | undefined): number {
  const late = (record?.spec.walltime ?? 0) - JOINING;
  return glideins.filter(g => g.state === 'running' && g.joined === false && (g.secondsLeft ?? late) < late).length;
}
