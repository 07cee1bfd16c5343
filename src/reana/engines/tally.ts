import type { Step, StepState } from '../jobs/step.js';
import type { Progress } from '../run.js';

type Counted = 'running' | 'finished' | 'failed';

const counted: Readonly<Partial<Record<StepState, Counted>>> = {
  ...{ running: 'running', finished: 'finished', failed: 'failed', stopped: 'failed' },
};

/** How many steps of a run are in which state. */
export type Counts = { readonly [K in keyof Progress]: number };

/**
 * The progress of a run while it goes on: a change of one step costs the same however many there are. Lists of ids, which
 * are long, are made when somebody asks for them.
 */
export class Tally {
  readonly #in: Readonly<Record<Counted, Set<string>>> = { running: new Set(), finished: new Set(), failed: new Set() };
  readonly #seen = new Set<string>();
  #total = 0;

  /** The number of steps, as far as it is known: at least those that were seen. */
  set total(total: number) {
    this.#total = total;
  }

  /** @returns whether anything is different now */
  see({ id, state }: Pick<Step, 'id' | 'state'>): boolean {
    const isNew = !this.#seen.has(id);
    if (isNew) this.#seen.add(id);
    const now = counted[state];
    if (now !== undefined && this.#in[now].has(id)) return false;
    let isOut = false;
    for (const list of Object.values(this.#in)) isOut = list.delete(id) || isOut;
    if (now !== undefined) this.#in[now].add(id);
    return isNew || isOut || now !== undefined;
  }

  get counts(): Counts {
    const { running, finished, failed } = this.#in;
    const total = Math.max(this.#total, this.#seen.size);
    return { total, running: running.size, finished: finished.size, failed: failed.size };
  }

  get progress(): Progress {
    const { running, finished, failed } = this.#in;
    return { total: this.counts.total, running: [...running], finished: [...finished], failed: [...failed] };
  }
}

/** The same of lists, such as those that a run keeps when it is over. */
export const countsOf = ({ total, running, finished, failed }: Progress): Counts => ({
  ...{ total, running: running.length, finished: finished.length, failed: failed.length },
});
