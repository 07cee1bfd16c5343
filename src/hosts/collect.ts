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
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}
