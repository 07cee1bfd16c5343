import type { PoolGlidein, PoolStatus } from '../htcondor/query.js';
import type { TokenFacts } from '../htcondor/tokens.js';
import { isOver } from '../schedulers/job.js';
import type { AskedSite } from './glideins.js';
import type { SiteRecord } from './record.js';
import { submissionOf } from './submissions.js';

/** A machine in the pool that none of the cluster's batch jobs accounts for: perhaps somebody else has one of its tokens. */
export interface Stranger {
  /** In the pool. */
  readonly name: string;
  /** What it says of itself. */
  readonly node: string;
  readonly site: string;
  readonly cores: number;
  /** Of the token that it came by: `scailfin token revoke CLUSTER TOKEN`. */
  readonly token: string;
  /** Then it gets no more jobs. */
  readonly revoked: boolean;
  /** A few words. */
  readonly why: string;
}

/** A live one is heard every 20 s; what has not been heard for longer gets no jobs. */
const [LATELY, SILENCE] = [20, 50];

/** Compares what is in the pool with what the batch systems say; a site that can't be asked accounts for all that names it. */
export function strangersIn(
  pool: PoolStatus | undefined,
  sites: readonly AskedSite[],
  records: readonly SiteRecord[],
): Stranger[] {
  if (!pool) return [];
  // what is left of those that went is no machine, and gets no jobs
  const live = pool.glideins.filter(
    ad => ad.silent <= SILENCE && (ad.silent < LATELY || !isGone(ad, pool.tokens, sites)),
  );
  const first = new Map(live.map(ad => [ad, suspicion(ad, pool.tokens, sites, records)] as const));
  // who can't be a glide-in casts no doubt on the one that is
  const plausible = live.filter(ad => first.get(ad) === undefined);
  return live.flatMap(ad => {
    const why = first.get(ad) ?? amongOthers(ad, plausible, sites);
    const { name, node, site, cores, bearer } = ad;
    const revoked = pool.tokens.some(t => t.id === bearer && t.revoked);
    return why === undefined ? [] : [{ name, node, site, cores, token: bearer, revoked, why }];
  });
}

/** Its token was revoked, or its batch job is over. */
function isGone(ad: PoolGlidein, tokens: readonly TokenFacts[], sites: readonly AskedSite[]): boolean {
  const job = sites.find(s => s.site === ad.site)?.batchJobs.find(j => j.id === ad.job);
  return tokens.some(t => t.id === ad.bearer && t.revoked) || (job !== undefined && isOver(job.state));
}

/** What is odd about a machine by itself. */
function suspicion(
  ad: PoolGlidein,
  tokens: readonly TokenFacts[],
  sites: readonly AskedSite[],
  records: readonly SiteRecord[],
): string | undefined {
  const token = tokens.find(t => t.id === ad.bearer);
  if (token?.revoked) return 'its token was revoked';
  if (token && token.id !== 'old' && token.site !== ad.site)
    return `its token is for ${token.site}, and it says it is at ${ad.site || 'no site'}`;
  const site = sites.find(s => s.site === ad.site);
  if (!site) return `it says it is at ${ad.site || 'no site'}, where this cluster is not`;
  if (site.error) return undefined;
  const job = site.batchJobs.find(j => j.id === ad.job);
  if (!job) return `no batch job ${ad.job || 'of that name'} of this cluster is at ${ad.site}`;
  if (isOver(job.state)) return `its batch job ${ad.job} is over`;
  const record = records.find(r => r.spec.site === ad.site);
  // that of an older scailfin has no label
  if (token && (submissionOf(record, job.id)?.token ?? '') !== token.label)
    return `its token is not that of batch job ${ad.job}`;
  return undefined;
}

/** What is odd about a machine beside others, each of which could be a glide-in. */
function amongOthers(
  ad: PoolGlidein,
  plausible: readonly PoolGlidein[],
  sites: readonly AskedSite[],
): string | undefined {
  const site = sites.find(s => s.site === ad.site);
  const job = site?.batchJobs.find(j => j.id === ad.job);
  if (!site || !job) return undefined;
  const nodesOf = (id: string): string[] => {
    const all = site.glideins.filter(g => g.job === id).slice(0, site.batchJobs.find(j => j.id === id)?.nodes);
    return all.flatMap(g => g.node ?? []);
  };
  const isAtHome = (one: PoolGlidein): boolean => nodesOf(one.job).some(node => short(node) === short(one.node));
  // where batch systems and nodes call nodes alike, which the other glide-ins tell
  const alike = plausible.some(isAtHome);
  const nodes = nodesOf(ad.job);
  if (job.state === 'running' && nodes.length > 0 && alike && !isAtHome(ad))
    return `it says it is batch job ${ad.job}, which runs on ${nodes.join(', ')}`;
  const twins = plausible.filter(other => other !== ad && other.job === ad.job && other.site === ad.site);
  // a job has a machine on each of its nodes
  if (twins.filter(twin => !alike || isAtHome(twin)).length >= job.nodes)
    return `several machines say that they are batch job ${ad.job}`;
  return undefined;
}

const short = (node: string): string => node.split('.')[0] ?? '';
