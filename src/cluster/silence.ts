import type { BatchJobStatus } from '../schedulers/job.js';

/** How long it is worth waiting for the batch system's word about a job that it does not show. Seconds. */
const PATIENCE = 135;
/** The same if the site can't remember how long the jobs have been missing: a second run would begin anew. Seconds. */
const UNMARKED_PATIENCE = 330;
/** A new job may be shown a little later: this wait comes first in any case. Seconds. */
const LOOK = 20;

/** The jobs that the batch system does not show, in one run of `down`. */
export class Silence {
  readonly #began = Date.now();
  readonly #first = new Map<string, number>();

  /**
   * @param limit seconds after which a missing job counts as over
   * @param unmarked the site can't remember since when jobs are missing, because the cluster's directory there is gone
   */
  constructor(
    private readonly limit: number,
    private readonly unmarked: boolean,
  ) {}

  /** Whether a job has been missing for longer than the batch system may take, by the site's marks or in this run. */
  isOver(job: BatchJobStatus): boolean {
    if (job.missing && !this.#first.has(job.id)) this.#first.set(job.id, Date.now());
    if (!job.missing) this.#first.delete(job.id);
    return job.missing !== undefined && this.#left(job) <= 0;
  }

  /** Whether to stop waiting for these missing jobs, because their time will not have passed soon. */
  isHopeless(missing: readonly BatchJobStatus[]): boolean {
    const waited = secondsSince(this.#began);
    const left = Math.max(...missing.map(job => this.#left(job)));
    return waited >= LOOK && waited + left > (this.unmarked ? UNMARKED_PATIENCE : PATIENCE);
  }

  /** Seconds until it counts as over. */
  #left({ id, missing }: BatchJobStatus): number {
    return this.limit - Math.max(missing?.seconds ?? 0, secondsSince(this.#first.get(id) ?? Date.now()));
  }
}

const secondsSince = (ms: number): number => (Date.now() - ms) / 1000;
