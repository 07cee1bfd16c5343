import { type BatchJobState, type BatchJobStatus, isOver } from '../schedulers/job.js';
import { nodesOfEach } from '../schedulers/nodes.js';
import type { SiteRecord } from './record.js';
import { nodesOf } from './submissions.js';

/** What of a batch job its cost depends on. */
export interface JobTime {
  readonly state: BatchJobState;
  readonly nodes: number;
  /** Seconds that it ran, by the scheduler. */
  readonly elapsed?: number | undefined;
  /** Seconds until the scheduler ends it. */
  readonly secondsLeft?: number | undefined;
}

/** Node-hours: nodes × hours. */
export interface NodeHours {
  /** Used so far. */
  readonly used: number;
  /** True if more may have been used: it is not known how long some jobs ran. */
  readonly usedAtLeast: boolean;
  /** What the jobs that wait or run may still use, at most. */
  readonly bound: number;
}

/**
 * What jobs have used, and what they may still use. The scheduler's own time counts; a running job without one has used its
 * walltime but for the time that is left.
 * @param walltime seconds that each job asked for
 */
export function nodeHours(jobs: readonly JobTime[], walltime: number): NodeHours {
  let [used, bound, usedAtLeast] = [0, 0, false];
  for (const { state, nodes, elapsed, secondsLeft } of jobs) {
    const waits = state === 'queued' || state === 'held';
    const ran = elapsed ?? (waits ? 0 : secondsLeft === undefined ? undefined : Math.max(0, walltime - secondsLeft));
    if (ran === undefined) usedAtLeast = true;
    used += nodes * (ran ?? 0);
    if (!isOver(state)) bound += nodes * (secondsLeft ?? Math.max(0, walltime - (ran ?? 0)));
  }
  return { used: used / 3600, usedAtLeast, bound: bound / 3600 };
}

/**
 * What a site's jobs have used. Jobs that the scheduler has forgotten, and those of the headnode's own submissions, have used
 * more than what is shown.
 */
export function hoursOf({ spec, batches }: SiteRecord, jobs: readonly JobTime[]): NodeHours {
  const hours = nodeHours(jobs, spec.walltime);
  const submitted = batches.reduce((sum, b) => sum + (b.outcome === 'refused' ? 0 : b.count * nodesOfEach(b)), 0);
  const shown = jobs.reduce((sum, job) => sum + job.nodes, 0);
  const isWhole = shown >= submitted && batches.every(b => b.outcome === 'refused' || b.jobIds.length > 0);
  return { ...hours, usedAtLeast: hours.usedAtLeast || !isWhole };
}

/** The times of a site's jobs, gathered while they end: a job that has ended may show none any more. */
export class JobTimes {
  readonly #times = new Map<string, JobTime>();

  constructor(private readonly site: SiteRecord) {}

  /** @param jobs all that the batch system shows now */
  see(jobs: readonly BatchJobStatus[]): void {
    for (const job of jobs) {
      const { elapsed, secondsLeft } = { ...this.#times.get(job.id), ...job };
      this.#times.set(job.id, { state: job.state, nodes: nodesOf(this.site, job), elapsed, secondsLeft });
    }
  }

  get hours(): NodeHours {
    return hoursOf(this.site, [...this.#times.values()]);
  }
}

/** In words: `at least 0.52 node-hours`. */
export function hoursText({ used, usedAtLeast }: NodeHours): string {
  if (used > 0 && used < 0.01 && !usedAtLeast) return 'less than 0.01 node-hours';
  return `${usedAtLeast ? 'at least ' : ''}${used.toFixed(2)} node-hours`;
}

/** The sum of several sites' node-hours. */
export function sumOf(all: readonly NodeHours[]): NodeHours {
  return {
    used: all.reduce((sum, one) => sum + one.used, 0),
    usedAtLeast: all.some(one => one.usedAtLeast),
    bound: all.reduce((sum, one) => sum + one.bound, 0),
  };
}
