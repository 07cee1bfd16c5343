import type { Ledger } from './ledger.js';
import { loudOf } from './loud.js';

const TICK_MS = 1000;
/** Time between checks of how much steps have printed. */
const LOUD_MS = 5000;

/** Ends steps that take longer, or print more, than they may. */
export class Limits {
  #listening: Promise<void> | undefined;

  /** @param dir of all steps @param mostPrinted bytes; undefined means loudOf's own limit @param remove takes a job out of the pool */
  constructor(
    private readonly ledger: Ledger,
    private readonly dir: string,
    private readonly mostPrinted: number | undefined,
    private readonly remove: (job: string) => void,
  ) {}

  /** @returns timers, which the caller clears */
  watch(): NodeJS.Timeout[] {
    return [setInterval(() => this.#watchTime(), TICK_MS).unref(), setInterval(() => this.#listen(), LOUD_MS).unref()];
  }

  #watchTime(): void {
    const now = Date.now();
    for (const step of this.ledger.steps.running.values()) {
      const { time } = step.request.resources;
      if (step.ending || time === undefined || step.started === undefined) continue;
      if (now < step.started + 1000 * time) continue;
      this.#end(step.id, `it took longer than its limit of ${time} s`);
    }
  }

  #listen(): void {
    if (this.#listening) return;
    const running = [...this.ledger.steps.running.values()].filter(step => !step.ending);
    const ids = running.map(({ id }) => id);
    this.#listening = loudOf(this.dir, ids, this.mostPrinted)
      .then(loud => {
        for (const { id, reason } of loud) this.#end(id, reason);
      })
      .catch(() => {})
      .finally(() => {
        this.#listening = undefined;
      });
  }

  #end(id: string, reason: string): void {
    const step = this.ledger.get(id);
    if (step?.state !== 'running' || step.ending) return;
    void this.ledger.change(id, { state: 'failed', ended: Date.now(), reason });
    if (step.job) this.remove(step.job);
  }
}
