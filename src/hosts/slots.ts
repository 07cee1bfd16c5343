/**
 * A queue for a limited number of places. The limit can shrink while in use: sshd(8) refuses sessions beyond its
 * MaxSessions (10 unless the site changed it), and its refusal is the only sign.
 */
export class Slots {
  #limit: number;
  #used = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  /** Waits for a place; the returned function gives it back. */
  async take(): Promise<() => void> {
    if (this.#used >= this.#limit) await new Promise<void>(resolve => this.#waiting.push(resolve));
    else this.#used += 1;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.#used -= 1;
      this.#next();
    };
  }

  /** The other side accepts only `count`. */
  shrinkTo(count: number): void {
    this.#limit = Math.max(1, Math.min(this.#limit, count));
  }

  #next(): void {
    while (this.#used < this.#limit) {
      const resolve = this.#waiting.shift();
      if (resolve === undefined) return;
      this.#used += 1;
      resolve();
    }
  }
}
