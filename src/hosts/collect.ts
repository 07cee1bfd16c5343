import type { Readable } from 'node:stream';
import { ScailfinError } from '../errors.js';
import { abridged } from '../text.js';

/** More output than this from one command, on either stream, is an error, not a full memory; 64 MiB. */
export const longestOutput = 64 * 1024 * 1024;

/** Gathers what a stream says. */
export class Collector {
  /** What came, in a buffer that doubles: a host that sends byte by byte must not cost an object for each. */
  #held: Buffer = Buffer.allocUnsafe(8 * 1024);
  #length = 0;
  /** When the last byte came, in ms of performance.now(). */
  lastByte = performance.now();
  /** Rejects when there is more than `most`; never resolves. */
  readonly tooMuch: Promise<never>;

  /**
   * @param what for the message: `on HOST: COMMAND`
   * @param most bytes
   */
  constructor(stream: Readable, what: string, most = longestOutput) {
    this.tooMuch = new Promise((_, reject) => {
      stream.on('data', (chunk: Buffer) => {
        this.lastByte = performance.now();
        if (this.#length + chunk.length <= most) return this.#add(chunk);
        this.#length = most;
        this.#held = Buffer.alloc(0);
        const limit = most < 1024 * 1024 ? `${Math.round(most / 1024)} KiB` : `${Math.round(most / 1024 / 1024)} MiB`;
        const hint = 'let it write to a file and download that';
        reject(new ScailfinError(`${abridged(what)} printed more than ${limit}, and was ended`, { hint }));
      });
    });
    this.tooMuch.catch(() => {});
  }

  get text(): string {
    return this.#held.toString('utf8', 0, Math.min(this.#length, this.#held.length));
  }

  #add(chunk: Buffer): void {
    const length = this.#length + chunk.length;
    if (length > this.#held.length) {
      const more = Buffer.allocUnsafe(Math.max(length, 2 * this.#held.length));
      this.#held.copy(more, 0, 0, this.#length);
      this.#held = more;
    }
    chunk.copy(this.#held, this.#length);
    this.#length = length;
  }
}

/** After a command's end, children that keep its output open are given this long in silence; ms. */
const lingerMs = 2_000;

/**
 * Resolves like `exited`, once a command is gone though a child of it, left in the background, holds its outputs open
 * and says nothing. Never resolves when the command comes to its full end (`ended`) first.
 */
export async function quietAfter<T>(exited: Promise<T>, ended: Promise<unknown>, outputs: Collector[]): Promise<T> {
  const status = await exited;
  const since = performance.now();
  return new Promise(resolve => {
    const look = setInterval(() => {
      if (performance.now() - Math.max(since, ...outputs.map(o => o.lastByte)) >= lingerMs) done();
    }, 250);
    const stop = (): void => clearInterval(look);
    const done = (): void => {
      stop();
      resolve(status);
    };
    ended.then(stop, stop);
  });
}
