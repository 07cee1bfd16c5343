import type { PoolGlidein, PoolStatus } from '../htcondor/query.js';
import { type BatchJobState, type BatchJobStatus, isOver, ownId } from '../schedulers/job.js';
import { nodesOfEach } from '../schedulers/nodes.js';
import type { SiteRecord } from './record.js';
import { isPartOf, nodesOf, submissionOf } from './submissions.js';

/** A batch job of the cluster: its state in the scheduler, and the part of it that is in the pool. */
export interface SiteJob extends BatchJobStatus {
  /** Number of its nodes, each of which brings one glide-in. */
  readonly nodes: number;
  /** How many of its glide-ins advertise themselves in the pool; undefined if the pool could not be asked. */
  readonly joined: number | undefined;
}

/** One node that a batch job brings into the pool. */
export interface GlideinStatus {
  /** The id of its batch job, followed by a number if the job has several nodes: `17_2`, `17_2/1`. */
  readonly id: string;
  /** The id of its batch job. */
  readonly job: string;
  /** The node of its batch job. */
  readonly state: BatchJobState;
  /** The scheduler's own word for the batch job. */
  readonly word: string;
  readonly reason?: string;
  readonly node?: string;
  /** Seconds until it ends or is ended. */
  readonly secondsLeft?: number;
  /** It advertises itself in the pool; undefined if the pool could not be asked. */
  readonly joined: boolean | undefined;
  /** Seconds since the pool's last news of it, if that is longer than it should be. */
  readonly silent?: number;
  readonly cores?: number;
  readonly busy?: number;
  readonly exitCode?: number;
}

/** A site's batch jobs with their glide-ins, which may also be in the pool. */
export interface SiteGlideins {
  readonly batchJobs: readonly SiteJob[];
  readonly glideins: readonly GlideinStatus[];
}

/** A site's answer; what could not be asked is *unknown*, with a reason. */
export interface AskedSite extends SiteGlideins {
  readonly site: string;
  readonly error?: string;
}

/** Two updates are missing: the ad of a node that died suddenly stays for a while. Seconds. */
const SILENCE = 50;

/** A site's batch jobs from the scheduler, combined with the pool's facts about their glide-ins. */
export function matchGlideins(
  site: SiteRecord,
  jobs: readonly BatchJobStatus[],
  pool: PoolStatus | undefined,
): SiteGlideins {
  return collect(
    pool,
    shown(site, jobs, pool).map(({ job, nodes }) => {
      const ads = isOver(job.state) ? [] : (pool?.glideins ?? []).filter(ad => ad.job === ownId(job.id));
      const mine = onNodes(job, nodes, ads);
      return { job, nodes, glideins: mine.map((at, n) => matched(job, nodes, n, at, pool)) };
    }),
  );
}

/** The jobs and their nodes; of a missing array, the tasks that are in the pool are jobs of their own. */
function shown(
  site: SiteRecord,
  jobs: readonly BatchJobStatus[],
  pool: PoolStatus | undefined,
): { readonly job: BatchJobStatus; readonly nodes: number }[] {
  return jobs.flatMap(job => {
    const [nodes, each] = [nodesOf(site, job), nodesOfEach(submissionOf(site, job.id))];
    if (!job.missing || nodes <= each) return [{ job, nodes }];
    const ads = (pool?.glideins ?? []).filter(ad => ad.site === site.spec.site && isPartOf(ad.job, job.id));
    const cluster = job.id.slice(ownId(job.id).length);
    const tasks = [...new Set(ads.map(ad => ad.job + cluster))].slice(0, nodes / each);
    const rest = nodes - tasks.length * each;
    return [...tasks.map(id => ({ job: { ...job, id }, nodes: each })), ...(rest > 0 ? [{ job, nodes: rest }] : [])];
  });
}

/** A node of a job, as far as it is known, and the machine in the pool that is on it. */
interface NodeOfJob {
  readonly node?: string | undefined;
  readonly ad?: PoolGlidein | undefined;
}

/**
 * The nodes of a job, each with its machine. If other machines claim to belong to the job, too, those on its own nodes come
 * first. A machine that is elsewhere is where it says: on a Cray, the batch system may name the node of the job's script, from
 * which aprun took the glide-in to a compute node.
 */
function onNodes(job: BatchJobStatus, nodes: number, ads: readonly PoolGlidein[]): NodeOfJob[] {
  const known = job.allNodes ?? (job.node === undefined ? [] : [job.node]);
  const places = known.slice(0, nodes);
  const there = places.map(node => ads.find(ad => short(ad.node) === short(node)));
  const others = ads.filter(ad => !there.includes(ad));
  return Array.from({ length: nodes }, (_, n) => {
    const ad = there[n] ?? others.shift();
    return { node: there[n] ? places[n] : (ad?.node ?? places[n]), ad };
  });
}

const short = (node: string): string => node.split('.')[0] ?? '';

/** The glide-in on the n-th node of a job, with its own facts if it is in the pool. */
function matched(
  { id, state, word, reason, secondsLeft, exitCode }: BatchJobStatus,
  nodes: number,
  n: number,
  { node: place, ad }: NodeOfJob,
  pool: PoolStatus | undefined,
): GlideinStatus {
  return {
    id: glideinId(id, nodes, n),
    job: id,
    state,
    word,
    joined: pool ? ad !== undefined && ad.silent <= SILENCE : undefined,
    ...(reason === undefined ? {} : { reason }),
    ...(place === undefined ? {} : { node: place }),
    ...(secondsLeft === undefined ? {} : { secondsLeft }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(ad ? { cores: ad.cores, busy: ad.busy } : {}),
    ...(ad && ad.silent > SILENCE ? { silent: ad.silent } : {}),
  };
}

/** The scheduler can't be asked: the glide-ins that the pool knows, with unknown job states. */
export function unaskedGlideins(site: SiteRecord, ids: readonly string[], pool: PoolStatus | undefined): SiteGlideins {
  const seen = (pool?.glideins ?? []).filter(ad => ad.site === site.spec.site);
  const inPool = [...new Set(seen.map(ad => ad.job))];
  const silent = ids.filter(id => !inPool.some(job => isPartOf(job, id)));
  return collect(
    pool,
    [...inPool, ...silent].map(id => {
      const job: BatchJobStatus = { id, jobId: id.split('_')[0] ?? id, state: 'unknown', word: '' };
      const ads = seen.filter(ad => ad.job === id);
      const nodes = nodesOfEach(submissionOf(site, id));
      // more machines than nodes are shown, too: one of them is a stranger
      const glideins = Array.from({ length: Math.max(ads.length, nodes) }, (_, n): GlideinStatus => {
        const ad = ads[n];
        const own = { id: glideinId(id, nodes, n), job: id, state: job.state, word: job.word };
        if (!ad) return { ...own, joined: pool ? false : undefined };
        return { ...own, joined: true, node: ad.node, cores: ad.cores, busy: ad.busy };
      });
      return { job, nodes, glideins };
    }),
  );
}

const glideinId = (job: string, nodes: number, n: number): string => (nodes === 1 ? job : `${job}/${n}`);

function collect(
  pool: PoolStatus | undefined,
  all: readonly {
    readonly job: BatchJobStatus;
    readonly nodes: number;
    readonly glideins: readonly GlideinStatus[];
  }[],
): SiteGlideins {
  return {
    batchJobs: all.map(({ job, nodes, glideins }) => ({
      ...{ ...job, nodes },
      joined: pool ? glideins.filter(g => g.joined).length : undefined,
    })),
    glideins: all.flatMap(one => one.glideins),
  };
}
