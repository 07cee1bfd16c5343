import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../errors.js';
import { description, type Place, type Row } from './description.js';
import type { Hashes } from './hashes.js';
import { prepare } from './inputs.js';
import type { Ledger } from './ledger.js';
import type { Manifests } from './manifests.js';
import type { JobQueue } from './queue.js';
import { isInPool, type StepRecord } from './record.js';

/** Largest number of steps in one condor_submit. */
const AT_ONCE = 500;
/** How often a schedd that answers must refuse a step before the step fails. */
const REFUSALS = 3;
const RETRY_MS = [500, 1000, 2000, 5000, 10_000, 20_000, 30_000];

/** Submits steps as they come; steps that come while HTCondor is busy are submitted together. */
export class Submitter {
  readonly #waiting = new Set<string>();
  /** Steps of which it is not known at this moment whether their jobs are in the pool. */
  readonly busy = new Set<string>();
  /** Steps that HTCondor was asked to accept, without a known answer. */
  readonly #doubtful = new Set<string>();
  readonly #refusals = new Map<string, number>();
  #running: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(
    private readonly ledger: Ledger,
    private readonly queue: JobQueue,
    private readonly place: Place,
    private readonly hashes: Hashes,
    private readonly manifests: Manifests,
  ) {}

  add(ids: Iterable<string>): void {
    for (const id of ids) this.#waiting.add(id);
    this.#start();
  }

  /** Waits for the answer of HTCondor; starts no new submission. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wake?.();
    await this.#running;
  }

  #start(): void {
    if (this.#running || this.#closed || this.#waiting.size === 0) return;
    this.#running = this.#work().finally(() => {
      this.#running = undefined;
      this.#start();
    });
  }

  async #work(): Promise<void> {
    // steps of the same moment are submitted together
    await new Promise(resolve => setImmediate(resolve));
    for (let failures = 0; this.#waiting.size > 0 && !this.#closed; ) {
      const ids = firstOf(this.#waiting, this.#refusals.size > 0 ? 1 : AT_ONCE);
      const done = await this.#submit(ids).catch(error => this.#say(ids, error));
      failures = done ? 0 : failures + 1;
      if (!done) await this.#pause(RETRY_MS[Math.min(failures, RETRY_MS.length) - 1] as number);
    }
  }

  /** @returns whether HTCondor could be asked */
  async #submit(ids: readonly string[]): Promise<boolean> {
    for (const id of ids) this.busy.add(id);
    try {
      const steps = ids.map(id => this.ledger.get(id)).filter(isToSubmit);
      const { rows, refused } = await prepare(this.place, steps, this.hashes, this.manifests);
      for (const { step, error } of refused) await this.#fail(step.id, messageOf(error));
      const wanted = rows.filter(row => isToSubmit(this.ledger.get(row.id)));
      if (wanted.length > 0 && !(await this.#hand(wanted))) return false;
      for (const id of ids) this.#waiting.delete(id);
      await this.#dropStopped(ids);
      return true;
    } finally {
      for (const id of ids) this.busy.delete(id);
    }
  }

  async #dropStopped(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const step = this.ledger.get(id);
      if (!step?.stopping || step.job !== undefined || !isInPool(step) || this.#doubtful.has(id)) continue;
      await this.ledger.change(id, { state: 'stopped', ended: Date.now(), reason: 'stopped' });
    }
  }

  async #hand(rows: readonly Row[]): Promise<boolean> {
    const file = join(this.place.dir, `${(rows[0] as Row).id}.submit`);
    await writeFile(file, description(this.place, rows), { mode: 0o600 });
    for (const { id } of rows) this.#doubtful.add(id);
    try {
      const jobs = await this.queue.submit(file);
      await Promise.all(rows.map(({ id }, i) => this.#submitted(id, jobs[i] as string)));
      return true;
    } catch (error) {
      return await this.#refused(rows, error);
    } finally {
      await rm(file, { force: true });
    }
  }

  async #submitted(id: string, job: string): Promise<void> {
    this.#refusals.delete(id);
    this.#doubtful.delete(id);
    const step = this.ledger.get(id);
    if (step && step.job !== job) await this.ledger.change(id, { job, reason: undefined });
    // it was stopped while HTCondor accepted it
    if (step?.stopping) await this.queue.remove([job]).catch(() => {});
  }

  /** The error may be about any of the steps, or about the schedd; and steps may be in the queue nevertheless. */
  async #refused(rows: readonly Row[], error: unknown): Promise<boolean> {
    const there = new Map((await this.queue.jobs()).map(({ step, job }) => [step, job]));
    for (const { id } of rows) {
      this.#doubtful.delete(id);
      const job = there.get(id);
      const refusals = (this.#refusals.get(id) ?? 0) + 1;
      if (job !== undefined) {
        await this.#submitted(id, job);
        this.#waiting.delete(id);
      } else if (refusals >= REFUSALS) {
        await this.#fail(id, `HTCondor refused it: ${messageOf(error)}`);
        this.#waiting.delete(id);
        this.#refusals.delete(id);
      } else {
        // from now on each is submitted alone, so that a refused one does not delay the others
        this.#refusals.set(id, rows.length === 1 ? refusals : 1);
      }
    }
    return false;
  }

  async #say(ids: readonly string[], error: unknown): Promise<boolean> {
    const reason = `the pool does not take it yet: ${messageOf(error)}`;
    for (const id of ids) {
      const step = this.ledger.get(id);
      if (step && isInPool(step) && step.reason !== reason) await this.ledger.change(id, { reason });
    }
    return false;
  }

  async #fail(id: string, reason: string): Promise<void> {
    await this.ledger.change(id, { state: 'failed', ended: Date.now(), reason });
    this.#waiting.delete(id);
  }

  #pause(ms: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#closed) this.#wake();
    });
  }
}

function firstOf(all: Iterable<string>, most: number): string[] {
  const some: string[] = [];
  for (const each of all) if (some.push(each) === most) break;
  return some;
}

const isToSubmit = (step: StepRecord | undefined): step is StepRecord =>
  step !== undefined && isInPool(step) && step.job === undefined && !step.stopping;
