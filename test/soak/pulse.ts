/** When something ended last, and the longest time in which nothing did. Seconds. */
export class Pulse {
  #last = now();
  #longest = 0;

  beat(): void {
    this.#longest = this.longest;
    this.#last = now();
  }

  get longest(): number {
    return Math.max(this.#longest, now() - this.#last);
  }
}

/** Of a clock that nobody sets. */
const now = (): number => performance.now() / 1000;
