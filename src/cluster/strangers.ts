import type { PoolGlidein, PoolStatus } from '../htcondor/query.js';
import type { TokenFacts } from '../htcondor/tokens.js';
import { isOver, ownId } from '../schedulers/job.js';
import type { AskedSite } from './glideins.js';
import type { SiteRecord } from './record.js';
import { submissionOf } from './submissions.js';

/**
 * A machine in the pool that belongs to none of the cluster's batch jobs: perhaps somebody else has one of its tokens.
 */
export interface Stranger {
  /** Its name in the pool. */
  readonly name: string;
  /** The node that it claims to be on. */
  readonly node: string;
  readonly site: string;
  readonly cores: number;
  /** The token that it used: `scailfin token revoke CLUSTER TOKEN`. */
  readonly token: string;
  /** If true, it gets no more jobs. */
  readonly revoked: boolean;
  /** The reason in a few words. */
  readonly why: string;
}

/** A live one sends an update every 20 s; one that is silent for longer gets no jobs. */
const [LATELY, SILENCE] = [20, 50];

/** Compares the pool with the batch systems; if a site can't be asked, every machine that names it counts as its own. */
export function strangersIn(
  pool: PoolStatus | undefined,
  sites: readonly AskedSite[],
  records: readonly SiteRecord[],
): Stranger[] {
  if (!pool) return [];
  // the ads of glide-ins that left are no machines, and get no jobs
  const live = pool.glideins.filter(
    ad => ad.silent <= SILENCE && (ad.silent < LATELY || !isGone(ad, pool.tokens, sites)),
  );
  const first = new Map(live.map(ad => [ad, suspicion(ad, pool.tokens, sites, records)] as const));
  // a machine that can't be a glide-in does not make the real one suspicious
  const plausible = live.filter(ad => first.get(ad) === undefined);
  return live.flatMap(ad => {
    // a batch job that runs again, here or on another node, leaves the ad of its first run for a moment
    const why = first.get(ad) ?? (ad.silent < LATELY ? amongOthers(ad, plausible, sites) : undefined);
    const { name, node, site, cores, bearer } = ad;
    const revoked = pool.tokens.some(t => t.id === bearer && t.revoked);
    return why === undefined ? [] : [{ name, node, site, cores, token: bearer, revoked, why }];
  });
}

/** Its token was revoked, or its batch job is over. */
function isGone(ad: PoolGlidein, tokens: readonly TokenFacts[], sites: readonly AskedSite[]): boolean {
  const job = sites.find(s => s.site === ad.site)?.batchJobs.find(j => ownId(j.id) === ad.job);
  return tokens.some(t => t.id === ad.bearer && t.revoked) || (job !== undefined && isOver(job.state));
}

/** Why a machine alone is suspicious. */
function suspicion(
  ad: PoolGlidein,
  tokens: readonly TokenFacts[],
  sites: readonly AskedSite[],
  records: readonly SiteRecord[],
): string | undefined {
  const token = tokens.find(t => t.id === ad.bearer);
  if (token?.revoked) return 'its token was revoked';
  if (token && token.id !== 'old' && token.site !== ad.site)
    return `its token is for ${token.site}, but it claims to be at ${ad.site || 'no site'}`;
  const site = sites.find(s => s.site === ad.site);
  if (!site) return `it claims to be at ${ad.site || 'no site'}, which is not a site of this cluster`;
  if (site.error) return undefined;
  const job = site.batchJobs.find(j => ownId(j.id) === ad.job);
  if (!job) return `this cluster has no batch job ${ad.job || 'of that name'} at ${ad.site}`;
  if (isOver(job.state)) return `its batch job ${ad.job} is over`;
  const record = records.find(r => r.spec.site === ad.site);
  // a batch job of an older scailfin has no label
  if (token && (submissionOf(record, job.id)?.token ?? '') !== token.label)
    return `its token does not belong to batch job ${ad.job}`;
  return undefined;
}

/** Why a machine is suspicious compared with others, each of which could be a glide-in. */
function amongOthers(
  ad: PoolGlidein,
  plausible: readonly PoolGlidein[],
  sites: readonly AskedSite[],
): string | undefined {
  const site = sites.find(s => s.site === ad.site);
  const job = site?.batchJobs.find(j => ownId(j.id) === ad.job);
  if (!site || !job) return undefined;
  const nodesOf = (id: string): string[] => {
    const all = site.glideins
      .filter(g => ownId(g.job) === id)
      .slice(0, site.batchJobs.find(j => ownId(j.id) === id)?.nodes);
    return all.flatMap(g => g.node ?? []);
  };
  const isAtHome = (one: PoolGlidein): boolean => nodesOf(one.job).some(node => short(node) === short(one.node));
  // only if batch systems and nodes use the same node names, which the other glide-ins show
  const alike = plausible.some(isAtHome);
  const nodes = nodesOf(ad.job);
  if (job.state === 'running' && nodes.length > 0 && alike && !isAtHome(ad))
    return `it claims to be batch job ${ad.job}, which runs on ${nodes.join(', ')}`;
  const twins = plausible.filter(other => other !== ad && other.job === ad.job && other.site === ad.site);
  // a job has one machine on each of its nodes
  if (twins.filter(twin => !alike || isAtHome(twin)).length >= job.nodes)
    return `several machines claim to be batch job ${ad.job}`;
  return undefined;
}

const short = (node: string): string => node.split('.')[0] ?? '';
