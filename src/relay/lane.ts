import { Duplex } from 'node:stream';

/** What may wait in a lane before it has no more room. Bytes; more would only make others wait longer. */
const room = 128 * 1024;

/** How long what was written last may take to leave after one side has ended: half a connection of SSH is of no use. */
const lingerMs = 1000;

/**
 * A stream that carries another SSH connection, over a stream below it. ssh2 writes each packet in several pieces and never
 * waits; here, what is written in one go is passed on as one piece, and whoever has much to send can ask for room. All who
 * wait get it in turn, so that no transfer keeps the others waiting for long.
 */
export class Lane extends Duplex {
  #isHeld = false;
  readonly #waiting: (() => void)[] = [];

  /** @param outer carries the stream below, among others */
  constructor(
    private readonly below: Duplex,
    private readonly outer?: Lane,
  ) {
    super({ writableHighWaterMark: room });
    below.on('data', (data: Buffer) => this.push(data) || below.pause());
    below.once('end', () => this.push(null));
    below.once('close', () => this.destroy());
    below.on('error', () => this.destroy());
    this.on('error', () => {}); // `close` follows, and says all there is to say
    this.on('drain', () => this.#serve());
    this.once('close', () => this.#serve());
    this.once('finish', () => void setTimeout(() => this.destroy(), lingerMs).unref());
  }

  /** What came from below and was not taken yet. Bytes. */
  get held(): number {
    return this.readableLength + this.below.readableLength;
  }

  /** Calls back when something can be sent, or no more can because the lane is closed. */
  whenRoom(callback: () => void): void {
    this.#waiting.push(callback);
    this.#serve();
  }

  #serve(): void {
    while (this.#waiting.length > 0 && (this.destroyed || !this.writableNeedDrain)) this.#waiting.shift()?.();
  }

  // biome-ignore lint/suspicious/noExplicitAny: the signature of Writable.write
  override write(...args: any[]): boolean {
    if (!this.#isHeld) {
      this.#isHeld = true;
      this.cork();
      process.nextTick(() => {
        this.#isHeld = false;
        this.uncork();
      });
    }
    return super.write(...(args as [Buffer]));
  }

  override _write(data: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const send = (): void => void this.below.write(data, done);
    if (this.outer) this.outer.whenRoom(send);
    else send();
  }

  override _writev(pieces: readonly { readonly chunk: Buffer }[], done: () => void): void {
    this._write(Buffer.concat(pieces.map(piece => piece.chunk)), 'binary', done);
  }

  override _final(done: () => void): void {
    this.below.end();
    done();
  }

  override _read(): void {
    this.below.resume();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // a channel of ssh2 counts as closed only when all that came on it has been read
    this.below.resume();
    this.below.destroy();
    done(error);
  }
}
