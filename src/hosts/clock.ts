/** Milliseconds for each step that waits for the network, unless ConnectTimeout or the caller sets another limit. */
export const stepMs = 30_000;
/** A connection without any answer for 15 s × 4 is given up, unless the ServerAlive… settings say otherwise. */
export const keepaliveS = 15;
export const keepaliveCount = 4;

/** A time limit that starts again with each step, and pauses while a person types. */
export class Clock {
  #timer: NodeJS.Timeout | undefined;
  #expire: (() => void) | undefined;
  #pauses = 0;

  /** @param ms for each step */
  constructor(private readonly ms: number) {}

  async within<T>(work: Promise<T>, late: () => Error): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#expire = () => reject(late());
      this.restart();
      work.then(resolve, reject).finally(() => this.stop());
    });
  }

  restart(): void {
    clearTimeout(this.#timer);
    if (this.#expire !== undefined && this.#pauses === 0) this.#timer = setTimeout(this.#expire, this.ms);
  }

  async pausedFor<T>(work: () => Promise<T>): Promise<T> {
    clearTimeout(this.#timer);
    this.#pauses += 1;
    try {
      return await work();
    } finally {
      this.#pauses -= 1;
      this.restart();
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#expire = undefined;
  }
}
