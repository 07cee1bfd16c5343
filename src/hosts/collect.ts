import type { Readable } from 'node:stream';
import { ScailfinError } from '../errors.js';

/** More output than this from one command is an error, not a full memory; 64 MiB. */
export const longestOutput = 64 * 1024 * 1024;

/** Gathers what a stream says. */
export class Collector {
  readonly #chunks: Buffer[] = [];
  #length = 0;
  /** When the last byte came, in ms of performance.now(). */
  lastByte = performance.now();
  /** Rejects when there is more than `longestOutput`; never resolves. */
  readonly tooMuch: Promise<never>;

  constructor(stream: Readable, what: string) {
    this.tooMuch = new Promise((_, reject) => {
      stream.on('data', (chunk: Buffer) => {
        this.lastByte = performance.now();
        this.#length += chunk.length;
        if (this.#length <= longestOutput) this.#chunks.push(chunk);
        else {
          this.#chunks.length = 0;
          reject(
            new ScailfinError(`${what} printed more than ${longestOutput / 1024 / 1024} MiB`, {
              hint: 'let it write to a file and download that',
            }),
          );
        }
      });
    });
    this.tooMuch.catch(() => {});
  }

  get text(): string {
    const whole = Buffer.concat(this.#chunks);
    // the pieces are no longer needed beside it
    this.#chunks.splice(0, Infinity, whole);
    return whole.toString('utf8');
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
