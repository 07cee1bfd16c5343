import { Duplex } from 'node:stream';
import type { Wire } from '../../jobs/wire.js';
import { isObject } from '../http/call.js';
import { type Frame, frame, framesOf, kinds } from './frames.js';

/** So much of one connection may be on its way that the other side has not taken yet, in each direction. Bytes. */
const WINDOW = 512 * 1024;
/** Bytes of one batch. */
const BATCH = 256 * 1024;
/** Connections to one Jupyter at once: a browser opens some, each kernel and terminal has one. */
const mostStreams = 200;

/** What the program beside Jupyter says about the session. */
export interface Words {
  readonly hello?: unknown;
  readonly ready?: unknown;
  /** What `save` frames have brought is whole, and these files, in base64, are gone. */
  readonly saved?: unknown;
}

/**
 * Connections of the edge to a session's Jupyter over its wire. What comes from there is hostile: it may end or fill its own
 * connections, and nothing else.
 */
export class Mux {
  readonly #streams = new Map<number, Stream>();
  // those of an earlier edge are not these
  #next = 1 + Math.floor(Math.random() * 2 ** 30);
  #frames: Buffer[] = [];
  #size = 0;
  #isSending = false;
  #onRoom: (() => void)[] = [];

  constructor(
    private readonly wire: Wire,
    private readonly onWords: (words: Words) => void,
    private readonly onSave: (data: Buffer) => void = () => {},
  ) {}

  /** @returns a connection to Jupyter, as net.connect would */
  connect(): Duplex {
    const stream = new Stream(this, this.#next++);
    if (this.#streams.size >= mostStreams) {
      stream.destroy(new Error('this session has too many connections'));
      return stream;
    }
    this.#streams.set(stream.id, stream);
    this.put(stream.id, kinds.open);
    return stream;
  }

  say(words: object): void {
    this.put(0, kinds.control, Buffer.from(JSON.stringify(words)));
  }

  /** @throws ScailfinError if it is not made of frames */
  take(batch: Buffer): void {
    for (const each of framesOf(batch)) {
      if (each.kind === kinds.control) this.#hear(each.data);
      else if (each.kind === kinds.save) this.onSave(each.data);
      else this.#streams.get(each.stream)?.accept(each);
    }
  }

  /** Ends all connections: the other side is not there any more. */
  reset(): void {
    for (const stream of this.#streams.values()) stream.destroy();
    this.#streams.clear();
    this.#frames = [];
    this.#size = 0;
    for (const go of this.#onRoom.splice(0)) go();
  }

  put(id: number, kind: number, data?: Buffer): void {
    const bytes = frame(id, kind, data);
    this.#frames.push(bytes);
    this.#size += bytes.length;
    if (this.#isSending) return;
    this.#isSending = true;
    // what comes in the same moment goes together
    setImmediate(() => void this.#send());
  }

  /** Calls back when there is room for more. */
  whenRoom(go: () => void): void {
    if (this.#size < BATCH) go();
    else this.#onRoom.push(go);
  }

  forget(id: number): void {
    this.#streams.delete(id);
  }

  async #send(): Promise<void> {
    while (this.#frames.length > 0) {
      const batch = Buffer.concat(this.#frames);
      this.#frames = [];
      this.#size = 0;
      for (const go of this.#onRoom.splice(0)) go();
      await this.wire.send(batch).catch(() => this.reset());
    }
    this.#isSending = false;
  }

  #hear(data: Buffer): void {
    try {
      const words: unknown = JSON.parse(data.toString('utf8'));
      if (isObject(words)) this.onWords(words);
    } catch {
      // it is of no use to us
    }
  }
}

class Stream extends Duplex {
  #credit = WINDOW;
  /** Bytes that came, and those that were read and are paid back. */
  #came = 0;
  #credited = 0;
  #waiting: (() => void) | undefined;
  #isOver = false;

  constructor(
    private readonly mux: Mux,
    readonly id: number,
  ) {
    super({ allowHalfOpen: true });
    this.on('error', () => {});
  }

  accept({ kind, data }: Frame): void {
    if (kind === kinds.data) {
      this.#came += data.length;
      // it may not send more than it was allowed to
      if (this.#came > this.#credited + WINDOW) this.destroy(new Error('the session sent more than it may'));
      else this.push(data);
      this.#settle();
    } else if (kind === kinds.end) this.push(null);
    else if (kind === kinds.credit && data.length === 4) {
      this.#credit = Math.min(WINDOW, this.#credit + data.readUInt32BE(0));
      const go = this.#waiting;
      this.#waiting = undefined;
      go?.();
    } else if (kind === kinds.abort) {
      this.#isOver = true;
      this.destroy(new Error('the session ended the connection'));
    }
  }

  override read(size?: number): unknown {
    const data = super.read(size);
    this.#settle();
    return data;
  }

  override _read(): void {}

  /** Allows the other side to send as much again as was read. */
  #settle(): void {
    const more = this.#came - this.readableLength - this.#credited;
    if (this.destroyed || more < WINDOW / 8) return;
    this.#credited += more;
    const credit = Buffer.allocUnsafe(4);
    credit.writeUInt32BE(more);
    this.mux.put(this.id, kinds.credit, credit);
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.#credit <= 0) {
      this.#waiting = () => this._write(chunk, _encoding, done);
      return;
    }
    const part = chunk.subarray(0, Math.min(this.#credit, 65_536));
    this.#credit -= part.length;
    this.mux.put(this.id, kinds.data, part);
    const rest = chunk.subarray(part.length);
    this.mux.whenRoom(() => (rest.length > 0 ? this._write(rest, _encoding, done) : done()));
  }

  override _final(done: () => void): void {
    this.mux.put(this.id, kinds.end);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.mux.forget(this.id);
    const isEnded = this.readableEnded && this.writableFinished;
    if (!this.#isOver && !isEnded) this.mux.put(this.id, kinds.abort);
    this.#waiting = undefined;
    done(error);
  }

  // what http expects of a socket
  setTimeout(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}
