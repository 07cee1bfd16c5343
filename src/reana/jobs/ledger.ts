import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Journal } from './journal.js';
import { type Change, fold, type StepRecord } from './record.js';
import { isStepOver, type Step } from './step.js';

/** All steps with their records, on disk and in memory; tells listeners about each change. */
export class Ledger {
  readonly #listeners = new Set<(step: Step) => void>();

  private constructor(
    private readonly journal: Journal,
    readonly steps: Map<string, StepRecord>,
    /** How far HTCondor's log had been read when the journal was written, in bytes. */
    readonly read: number,
  ) {}

  static async open(dir: string): Promise<Ledger> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const path = join(dir, 'journal.jsonl');
    const { steps, read } = fold(await Journal.read(path));
    const entries = [...steps.values()].map(step => ({ id: step.id, set: step }));
    return new Ledger(await Journal.begin(path, [...entries, { read }]), steps, read);
  }

  get(id: string): StepRecord | undefined {
    return this.steps.get(id);
  }

  /**
   * Resolves when the step is on the disk; in memory it is at once. @param read how far HTCondor's log is read after this
   * change
   */
  async add(step: StepRecord): Promise<void> {
    this.steps.set(step.id, step);
    const written = this.journal.append({ id: step.id, set: step });
    this.#tell(step);
    await written;
  }

  async change(id: string, set: Change, read?: number): Promise<void> {
    const step = this.steps.get(id);
    if (!step) return;
    const changed = { ...step, ...set };
    this.steps.set(id, changed);
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

  /** Resolves when a step is over. */
  ended(id: string, signal?: AbortSignal): Promise<StepRecord> {
    return new Promise((resolve, reject) => {
      const look = (): boolean => {
        const step = this.steps.get(id);
        if (!step || !isStepOver(step.state)) return false;
        resolve(step);
        return true;
      };
      if (look()) return;
      const off = this.onChange(step => {
        if (step.id === id && look()) off();
      });
      signal?.addEventListener('abort', () => {
        off();
        reject(signal.reason);
      });
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
  }
}
