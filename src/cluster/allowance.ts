import { UsageError } from '../errors.js';
import { type BatchJobState, isOver } from '../schedulers/job.js';

/** What of a site's specification a limit depends on. */
export interface Limited {
  /** Node-hours; absent: no limit. */
  readonly maxNodeHours?: number;
  readonly nodesPerJob?: number;
  /** Of each job, seconds. */
  readonly walltime: number;
}

/** What of a submission counts. */
export interface Promised {
  readonly count: number;
  /** Of each job; absent: one. */
  readonly nodes?: number;
  readonly outcome: string;
}

/** What of a job counts that the batch system shows. */
export interface Shown {
  readonly state: BatchJobState;
  readonly nodes: number;
  /** Seconds that it ran. */
  readonly elapsed?: number | undefined;
}

/** A glide-in needs so long to be of any use. Seconds. */
const SHORTEST = 120;

/**
 * The walltime with which `nodes` glide-ins together stay within a limit. Seconds.
 * @param walltime what each would have without the limit, seconds
 * @param limit node-hours
 * @throws UsageError if nothing useful remains
 */
export function walltimeWithin(walltime: number, nodes: number, limit: number | undefined): number {
  if (limit === undefined) return walltime;
  const each = Math.min(walltime, Math.floor((limit * 3600) / nodes));
  if (each >= SHORTEST) return each;
  const least = Math.ceil((100 * nodes * SHORTEST) / 3600) / 100;
  throw new UsageError(
    `${limit} node-hours are ${each} s for each of ${nodes} glide-in${nodes === 1 ? '' : 's'}, too short to work`,
    { hint: `ask for fewer nodes, or give --max-node-hours ${least} or more` },
  );
}

/**
 * The node-hours that a site's jobs have used or may still use. A job counts with its whole walltime, whether it waits, runs
 * or was forgotten, unless the batch system says that it is over and how long it ran.
 * @param jobs what the batch system still shows
 */
export function committed(batches: readonly Promised[], jobs: readonly Shown[], walltime: number): number {
  const whole = batches
    .filter(batch => batch.outcome !== 'refused')
    .reduce((sum, { count, nodes = 1 }) => sum + count * nodes * walltime, 0);
  const unused = jobs
    .filter(job => isOver(job.state) && job.elapsed !== undefined)
    .reduce((sum, job) => sum + job.nodes * Math.max(0, walltime - (job.elapsed ?? 0)), 0);
  return Math.max(0, whole - unused) / 3600;
}

/** How many more batch jobs may be submitted; Infinity if there is no limit. @param used node-hours, see `committed` */
export function jobsLeft(site: Limited, used: number): number {
  if (site.maxNodeHours === undefined) return Number.POSITIVE_INFINITY;
  const seconds = (site.maxNodeHours - used) * 3600;
  // a rounding error must not cost a job
  return Math.max(0, Math.floor((seconds + 0.5) / (site.walltime * (site.nodesPerJob ?? 1))));
}

/** How many glide-ins the headnode may submit at a site in all; undefined if there is no limit. */
export function mostGrown(site: Limited): number | undefined {
  return site.maxNodeHours === undefined ? undefined : jobsLeft(site, 0);
}
