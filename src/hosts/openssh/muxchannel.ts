import { Duplex, Readable } from 'node:stream';
import { sshString, sshUint32, type WireReader } from '../../credentials/ssh/wire.js';
import type { Channel } from '../link.js';

/** RFC 4254, section 9. */
export const message = {
  ...{ open: 90, openConfirmation: 91, openFailure: 92, windowAdjust: 93, data: 94, extendedData: 95 },
  ...{ eof: 96, close: 97, request: 98, success: 99, failure: 100 },
} as const;

/** How much a channel lets the other side send before it must allow more; as in ssh2. */
export const windowSize = 2 * 1024 * 1024;

type Send = (payload: Buffer, sent?: () => void) => void;

/** One channel of the SSH connection protocol (RFC 4254, section 5), as a stream. */
export class MuxChannel extends Duplex implements Channel {
  readonly stderr: Readable;
  /** Bytes received since more was last allowed. */
  #received = 0;
  /** Outputs that nobody reads at the moment. */
  readonly #full = new Set<Readable>();
  /** What waits until the other side accepts more. */
  #waiting: { bytes: Buffer; done: () => void } | undefined;
  readonly #requests: ((accepted: boolean) => void)[] = [];
  readonly #receivers: Readonly<Record<number, (body: WireReader) => void>> = {
    [message.data]: body => this.#take(this, body.string()),
    [message.extendedData]: body => {
      body.uint32(); // stderr is the only type
      this.#take(this.stderr, body.string());
    },
    [message.windowAdjust]: body => {
      this.window += body.uint32();
      this.#flush();
    },
    [message.eof]: () => this.#endOutput(),
    [message.close]: () => {
      this.close();
      this.ended();
    },
    [message.request]: body => this.#asked(body.text(), body.boolean(), body),
    [message.success]: () => this.#requests.shift()?.(true),
    [message.failure]: () => this.#requests.shift()?.(false),
  };
  #isClosed = false;
  #hasEnded = false;

  /**
   * @param remote the other side's channel number
   * @param window bytes that the other side accepts now
   * @param packet bytes that it accepts in one message
   */
  constructor(
    private readonly remote: number,
    private window: number,
    private readonly packet: number,
    private readonly transmit: Send,
    private readonly forget: () => void,
  ) {
    super({ autoDestroy: false, emitClose: false });
    this.stderr = new Readable({ read: () => this.#drained(this.stderr) });
  }

  /** @param accepted given if an answer is wanted; answers come in the order of the requests */
  request(type: string, body: Buffer, accepted?: (yes: boolean) => void): void {
    if (accepted) this.#requests.push(accepted);
    this.#say(message.request, sshString(type), Buffer.of(accepted ? 1 : 0), body);
  }

  signal(name: string): void {
    this.request('signal', sshString(name));
  }

  setWindow(rows: number, columns: number, height: number, width: number): void {
    this.request('window-change', Buffer.concat([columns, rows, width, height].map(sshUint32)));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#say(message.close);
    this.#isClosed = true;
    this.#letGo();
  }

  /** Handles a message of the other side about this channel. */
  receive(type: number, body: WireReader): void {
    this.#receivers[type]?.(body);
  }

  /** No more messages come: the other side has closed the channel, or is gone. */
  ended(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#isClosed = true;
    this.forget();
    this.#letGo();
    for (const refuse of this.#requests.splice(0)) refuse(false);
    this.#endOutput();
    const read = [this, this.stderr].filter(stream => !stream.readableEnded && !stream.destroyed);
    void Promise.all(read.map(stream => new Promise(done => stream.once('end', done).once('close', done)))).then(() =>
      this.emit('close'),
    );
  }

  override _read(): void {
    this.#drained(this);
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#waiting = { bytes, done };
    this.#flush();
  }

  override _final(done: () => void): void {
    this.#say(message.eof);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.close();
    this.stderr.destroy();
    done(error);
  }

  #asked(what: string, wantsReply: boolean, body: WireReader): void {
    if (what === 'exit-status') this.emit('exit', body.uint32());
    else if (what === 'exit-signal') this.emit('exit', null, `SIG${body.text()}`, body.boolean(), body.text());
    else if (wantsReply) this.#say(message.failure);
  }

  #take(stream: Readable, bytes: Buffer): void {
    if (this.#isClosed) return;
    this.#received += bytes.length;
    if (stream.push(bytes)) this.#askForMore();
    else this.#full.add(stream);
  }

  #drained(stream: Readable): void {
    this.#full.delete(stream);
    this.#askForMore();
  }

  #askForMore(): void {
    if (this.#full.size > 0 || this.#received < windowSize / 2) return;
    this.#say(message.windowAdjust, sshUint32(this.#received));
    this.#received = 0;
  }

  #endOutput(): void {
    for (const stream of [this, this.stderr]) if (!stream.readableEnded && !stream.destroyed) stream.push(null);
  }

  #flush(): void {
    while (this.#waiting && this.window > 0 && !this.#isClosed) {
      const { bytes, done } = this.#waiting;
      const size = Math.min(bytes.length, this.window, this.packet);
      const isAll = size === bytes.length;
      this.window -= size;
      this.#waiting = isAll ? undefined : { bytes: bytes.subarray(size), done };
      const text = sshString(bytes.subarray(0, size));
      this.transmit(Buffer.concat([Buffer.of(message.data), sshUint32(this.remote), text]), isAll ? done : undefined);
    }
    if (this.#isClosed) this.#letGo();
  }

  /** Input for a command that has ended is dropped, and is no error. */
  #letGo(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.done();
  }

  #say(type: number, ...body: Buffer[]): void {
    if (!this.#isClosed) this.transmit(Buffer.concat([Buffer.of(type), sshUint32(this.remote), ...body]));
  }
}
