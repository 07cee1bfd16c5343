import type { StepRecord } from './record.js';
import { isStepOver } from './step.js';

const none: ReadonlyMap<string, StepRecord> = new Map();

/**
 * The steps of a ledger, found without looking at all of them: there may be a hundred thousand, most of them over. In each
 * of its lists the oldest comes first, as long as a step stays in it.
 */
export class StepIndex {
  readonly #all = new Map<string, StepRecord>();
  readonly #runs = new Map<string, Map<string, StepRecord>>();
  readonly #queued = new Map<string, StepRecord>();
  readonly #running = new Map<string, StepRecord>();

  constructor(steps: Iterable<StepRecord>) {
    for (const step of steps) this.set(step);
  }

  get all(): ReadonlyMap<string, StepRecord> {
    return this.#all;
  }

  get queued(): ReadonlyMap<string, StepRecord> {
    return this.#queued;
  }

  get running(): ReadonlyMap<string, StepRecord> {
    return this.#running;
  }

  /** Those that are not over: they may have a job in the pool. */
  *left(): Generator<StepRecord> {
    yield* this.#running.values();
    yield* this.#queued.values();
  }

  of(workflow: string): ReadonlyMap<string, StepRecord> {
    return this.#runs.get(workflow) ?? none;
  }

  set(step: StepRecord): void {
    const { id, state, request } = step;
    this.#all.set(id, step);
    const run = this.#runs.get(request.workflow) ?? new Map<string, StepRecord>();
    this.#runs.set(request.workflow, run.set(id, step));
    for (const [list, isIn] of [
      [this.#queued, state === 'queued'],
      [this.#running, !isStepOver(state) && state !== 'queued'],
    ] as const) {
      if (isIn) list.set(id, step);
      else list.delete(id);
    }
  }

  delete(id: string): void {
    const run = this.#all.get(id)?.request.workflow ?? '';
    for (const list of [this.#all, this.#queued, this.#running, this.#runs.get(run)]) list?.delete(id);
    if (this.#runs.get(run)?.size === 0) this.#runs.delete(run);
  }
}
