/**
 * Time that passes only when nothing else happens. It takes the place of Date and of the timers, so that the real code waits
 * for minutes in no time.
 */
export class Clock {
  now = Date.UTC(2026, 0, 1);
  #next = 1;
  readonly #due: Timer[] = [];
  readonly #cancelled = new Set<number>();

  /** Calls `work` after so many milliseconds. */
  after(ms: number, work: () => void): number {
    const timer = { at: this.now + Math.max(0, ms), id: this.#next++, work };
    let n = this.#due.length;
    while (n > 0 && (this.#due[n - 1] as Timer).at > timer.at) n -= 1;
    this.#due.splice(n, 0, timer);
    return timer.id;
  }

  cancel(id: number): void {
    this.#cancelled.add(id);
  }

  delay(ms: number): Promise<void> {
    return new Promise(resolve => this.after(ms, resolve));
  }

  /** Goes on to the next moment at which something is due. @returns false if nothing is */
  step(): boolean {
    for (;;) {
      const timer = this.#due.shift();
      if (timer === undefined) return false;
      if (this.#cancelled.delete(timer.id)) continue;
      this.now = timer.at;
      timer.work();
      return true;
    }
  }

  get isIdle(): boolean {
    return this.#due.length === 0;
  }
}

interface Timer {
  readonly at: number;
  readonly id: number;
  readonly work: () => void;
}

const real = { Date, setTimeout, clearTimeout };
const turn = setImmediate;

/** Lets everything happen that waits for nothing but its turn. */
export const settle = (): Promise<void> => new Promise(resolve => turn(resolve));

/** Puts a clock in the place of the machine's. @returns what puts the machine's back */
export function install(clock: Clock): () => void {
  globalThis.Date = class extends real.Date {
    constructor(...given: [] | [number]) {
      super(...((given.length === 0 ? [clock.now] : given) as [number]));
    }
    static override now(): number {
      return clock.now;
    }
  } as DateConstructor;
  globalThis.setTimeout = ((work: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) =>
    timerOf(clock.after(ms, () => work(...given)))) as unknown as typeof setTimeout;
  globalThis.clearTimeout = ((id?: number) => id !== undefined && clock.cancel(Number(id))) as typeof clearTimeout;
  return () => Object.assign(globalThis, real);
}

/** As Node.js has them: what another test has left in this process may go on meanwhile. */
function timerOf(id: number): object {
  const timer = Object.assign(Object(id), { ref: () => timer, unref: () => timer, hasRef: () => true });
  return timer;
}
