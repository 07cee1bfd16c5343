import type { ServerResponse } from 'node:http';
import { HttpError } from '../http/errors.js';

/** A comment is sent at this interval, so that no proxy takes silence for the end. */
const beatMs = 15_000;
/** A client that does not read is disconnected when this much waits for it. */
const mostBytes = 8 * 2 ** 20;

/** Largest number of streams: each has a timer, and reads a log every second. */
const mostStreams = 500;
let streams = 0;

/** Server-sent events of the types in `Events`. */
export class EventStream<Events> {
  readonly #ends: (() => void)[] = [];

  /** @throws HttpError 503 if there are too many streams */
  constructor(private readonly response: ServerResponse) {
    if (streams >= mostStreams) throw new HttpError(503, `More than ${mostStreams} pages are open already.`);
    streams++;
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.write('retry: 2000\n\n');
    const beat = setInterval(() => response.write(':\n\n'), beatMs);
    this.onClose(() => clearInterval(beat));
    response.once('close', () => {
      streams--;
      for (const end of this.#ends) end();
    });
  }

  get isClosed(): boolean {
    return this.response.closed || this.response.destroyed;
  }

  onClose(end: () => void): void {
    this.#ends.push(end);
  }

  send<K extends keyof Events & string>(event: K, data: Events[K]): void {
    if (this.isClosed) return;
    this.response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    if (this.response.writableLength > mostBytes) this.response.destroy();
  }

  end(): void {
    this.response.end();
  }
}
