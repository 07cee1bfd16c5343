import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { StepIndex } from './index.js';
import { Journal } from './journal.js';
import { type Change, type Entry, fold, type StepRecord } from './record.js';
import { isStepOver, type Step } from './step.js';

/** All steps with their records, on disk and in memory; tells listeners about each change. */
export class Ledger {
  readonly #listeners = new Set<(step: Step) => void>();
  /** By step: those who wait for its end. */
  readonly #waiting = new Map<string, Set<(step: StepRecord) => void>>();

  private constructor(
    private readonly journal: Journal,
    readonly steps: StepIndex,
    /** How far HTCondor's log had been read when the journal was written, in bytes. */
    readonly read: number,
  ) {}

  static async open(dir: string): Promise<Ledger> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const path = join(dir, 'journal.jsonl');
    const { steps, read } = await fold(Journal.read(path));
    return new Ledger(await Journal.begin(path, entriesOf(steps, read)), new StepIndex(steps.values()), read);
  }

  get(id: string): StepRecord | undefined {
    return this.steps.all.get(id);
  }

  /**
   * Resolves when the step is on the disk; in memory it is at once. @param read how far HTCondor's log is read after this
   * change
   */
  async add(step: StepRecord): Promise<void> {
    this.steps.set(step);
    const written = this.journal.append({ id: step.id, set: step });
    this.#tell(step);
    await written;
  }

  async change(id: string, set: Change, read?: number): Promise<void> {
    const step = this.get(id);
    if (!step) return;
    const changed = { ...step, ...set };
    this.steps.set(changed);
    const written = this.journal.append({ id, set, ...(read === undefined ? {} : { read }) });
    this.#tell(changed);
    await written;
  }

  async forget(id: string): Promise<void> {
    this.steps.delete(id);
    await this.journal.append({ id, forget: true });
  }

  onChange(listener: (step: Step) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when a step is over; rejects when the signal says that nobody waits any more. */
  ended(id: string, signal?: AbortSignal): Promise<StepRecord> {
    return new Promise((resolve, reject) => {
      const now = this.get(id);
      if (now && isStepOver(now.state)) return resolve(now);
      if (signal?.aborted) return reject(signal.reason);
      const waiting = this.#waiting.get(id) ?? new Set();
      this.#waiting.set(id, waiting);
      const leave = (): void => {
        waiting.delete(over);
        if (waiting.size === 0 && this.#waiting.get(id) === waiting) this.#waiting.delete(id);
        reject(signal?.reason);
      };
      const over = (step: StepRecord): void => {
        signal?.removeEventListener('abort', leave);
        resolve(step);
      };
      waiting.add(over);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  flushed(): Promise<void> {
    return this.journal.flushed();
  }

  close(): Promise<void> {
    return this.journal.close();
  }

  #tell(step: StepRecord): void {
    for (const listener of this.#listeners) listener(step);
    if (!isStepOver(step.state)) return;
    const waiting = this.#waiting.get(step.id) ?? [];
    this.#waiting.delete(step.id);
    for (const over of waiting) over(step);
  }
}

function* entriesOf(steps: ReadonlyMap<string, StepRecord>, read: number): Generator<Entry> {
  for (const step of steps.values()) yield { id: step.id, set: step };
  yield { read };
}
