import type { PoolGlidein, PoolStatus } from '../htcondor/query.js';
import { isOver } from '../schedulers/scheduler.js';
import type { SiteRecord } from './record.js';
import type { GlideinStatus, SiteStatus } from './status.js';

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
  /** A few words. */
  readonly why: string;
}

/** A live one is heard every 20 s. */
const LATELY = 20;

/** Compares what is in the pool with what the batch systems say; a site that can't be asked accounts for all that names it. */
export function strangersIn(
  pool: PoolStatus | undefined,
  sites: readonly SiteStatus[],
  records: readonly SiteRecord[],
): Stranger[] {
  return (pool?.glideins ?? []).flatMap(ad => {
    const why = suspicion(ad, pool as PoolStatus, sites, records);
    const { name, node, site, cores, bearer } = ad;
    return why === undefined ? [] : [{ name, node, site, cores, token: bearer, why }];
  });
}

function suspicion(
  ad: PoolGlidein,
  pool: PoolStatus,
  sites: readonly SiteStatus[],
  records: readonly SiteRecord[],
): string | undefined {
  const token = pool.tokens.find(t => t.id === ad.bearer);
  if (token?.revoked) return ad.silent < LATELY ? 'its token was revoked' : undefined;
  if (token && token.id !== 'old' && token.site !== ad.site)
    return `its token is for ${token.site}, and it says it is at ${ad.site || 'no site'}`;
  const site = sites.find(s => s.site === ad.site);
  if (!site) return `it says it is at ${ad.site || 'no site'}, where this cluster is not`;
  if (site.error) return undefined;
  const job = site.glideins.find(g => g.id === ad.id);
  if (!job) return `no batch job ${ad.id || 'of that name'} of this cluster is at ${ad.site}`;
  if (isOver(job.state)) return ad.silent < LATELY ? `its batch job ${ad.id} is over` : undefined;
  if (
    token &&
    submissionOf(
      job,
      records.find(r => r.spec.site === ad.site),
    ) !== token.label
  )
    return `its token is not that of batch job ${ad.id}`;
  if (pool.glideins.some(other => other !== ad && other.id === ad.id && other.site === ad.site))
    return `several machines say that they are batch job ${ad.id}`;
  if (isElsewhere(ad, job, site, pool)) return `it says it is batch job ${ad.id}, which runs on ${job.node}`;
  return undefined;
}

/** The label of the token that a batch job was given; undefined where the journal does not know the job. */
function submissionOf(job: GlideinStatus, record: SiteRecord | undefined): string | undefined {
  const batch = record?.batches.find(b => b.jobIds.some(id => isPartOf(job.id, id)));
  // what the headnode submitted by itself is on no record
  return batch ? batch.token : record?.batches.find(b => b.jobIds.length === 0 && b.token)?.token;
}

/** Whether a batch job is one of an array's, or that job itself. */
export const isPartOf = (id: string, jobId: string): boolean =>
  id === jobId || [`${jobId}_`, `${jobId}[`, `${jobId}.`].some(start => id.startsWith(start)) || arrayOf(id) === jobId;

/** Torque and PBS write `12[3].server` for a part of `12[].server`. */
const arrayOf = (id: string): string => id.replace(/\[\d+\]/, '[]');

/** Where batch systems and nodes call nodes alike, which the other glide-ins tell, and these two do not. */
function isElsewhere(ad: PoolGlidein, job: GlideinStatus, site: SiteStatus, pool: PoolStatus): boolean {
  if (job.state !== 'running' || job.node === undefined) return false;
  const isAt = (node: string, g: GlideinStatus): boolean => short(node) === short(g.node ?? '');
  if (isAt(ad.node, job)) return false;
  return pool.glideins.some(other => site.glideins.some(g => g.id === other.id && isAt(other.node, g)));
}

const short = (node: string): string => node.split('.')[0] ?? '';
