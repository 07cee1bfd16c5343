import type { Readable } from 'node:stream';
import { ScailfinError } from '../errors.js';
import { abridged } from '../text.js';

/** Largest output of one command on either stream; more is an error, so that memory does not fill up; 64 MiB. */
export const longestOutput = 64 * 1024 * 1024;

/** Collects the output of a stream. */
export class Collector {
  /** The bytes received, in a buffer that doubles: a host that sends single bytes must not cost an object for each. */
  #held: Buffer = Buffer.allocUnsafe(8 * 1024);
  #length = 0;
  /** When the last byte came, in ms of performance.now(). */
  lastByte = performance.now();
  /** Rejects if there are more than `most` bytes; never resolves. */
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
        const hint = 'let the command write to a file, and download the file';
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

/** After the end of a command, children that keep its output open may be silent for this long; ms. */
const lingerMs = 2_000;

/**
 * Resolves like `exited` when a command has ended but a child in the background keeps its outputs open and writes
 * nothing. Never resolves if the command ends completely (`ended`) first.
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
