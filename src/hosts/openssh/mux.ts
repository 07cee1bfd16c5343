import { once } from 'node:events';
import net from 'node:net';
import { sshString, sshUint32, WireReader } from '../../credentials/ssh/wire.js';
import { ScailfinError } from '../../errors.js';

/** OpenSSH's PROTOCOL.mux, section 11; requests begin with 1, answers with 8. */
const message = { hello: 1, alive: 0x10000004, proxy: 0x1000000f } as const;
const answered = { alive: 0x80000005, proxy: 0x8000000f } as const;
const version = 4;
/** A master on this machine answers at once, or hangs. */
const answerMs = 5_000;

/**
 * The client's side of the socket of an ssh that runs as ControlMaster. Every message is an SSH `string`: its length,
 * then its bytes.
 */
export class MuxSocket {
  #held: Buffer = Buffer.alloc(0);
  readonly #asked: ((answer: Buffer) => void)[] = [];
  #onMessage: (message: Buffer) => void = body => this.#asked.shift()?.(body);
  readonly #gone: Promise<never>;

  private constructor(private readonly socket: net.Socket) {
    this.#gone = new Promise((_, reject) => {
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('it closed the connection')));
    });
    this.#gone.catch(() => {});
    socket.on('data', (piece: Buffer) => this.#take(piece));
  }

  /** @throws Error if nobody answers there */
  static async connect(path: string): Promise<MuxSocket> {
    const socket = net.connect(path);
    await once(socket, 'connect');
    const mux = new MuxSocket(socket);
    const hello = new WireReader(await mux.#ask(sshUint32(message.hello), sshUint32(version)));
    const [type, theirs] = [hello.uint32(), hello.uint32()];
    if (type === message.hello && theirs === version) return mux;
    socket.destroy();
    throw new ScailfinError(`ssh speaks version ${theirs} of its multiplexing protocol, not ${version}`);
  }

  /** The process id of the master. */
  async pid(): Promise<number> {
    const answer = await this.#request(message.alive);
    const [type, , pid] = [answer.uint32(), answer.uint32(), answer.uint32()];
    if (type !== answered.alive) throw new ScailfinError('ssh does not tell its process id');
    return pid as number;
  }

  /**
   * From now on messages of the SSH connection protocol (RFC 4254) pass unencrypted; channel numbers are this client's
   * own. @throws ScailfinError if this ssh does not support it: OpenSSH 7.4 (2016) was the first */
  async proxy(onMessage: (message: Buffer) => void): Promise<void> {
    const answer = await this.#request(message.proxy);
    if (answer.uint32() !== answered.proxy) {
      throw new ScailfinError('this ssh is older than OpenSSH 7.4: its connections can not be shared with programs', {
        hint: 'put a newer ssh first in PATH, or use --transport ssh2',
      });
    }
    // each message begins with a padding length, which is 0
    this.#onMessage = body => onMessage(body.subarray(1));
  }

  /** Once in proxy mode. @param sent called when the message has left this process */
  send(payload: Buffer, sent?: () => void): void {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(payload.length + 1);
    this.socket.cork();
    this.socket.write(head);
    this.socket.write(payload, () => sent?.());
    this.socket.uncork();
  }

  /** Resolves when the master is gone. */
  async gone(): Promise<void> {
    await this.#gone.catch(() => {});
  }

  async #request(type: number): Promise<WireReader> {
    return new WireReader(await this.#ask(sshUint32(type), sshUint32(0)));
  }

  async #ask(...body: Buffer[]): Promise<Buffer> {
    const answer = new Promise<Buffer>(resolve => this.#asked.push(resolve));
    this.socket.write(sshString(Buffer.concat(body)));
    const late = setTimeout(() => this.socket.destroy(new Error(`no answer in ${answerMs / 1000} s`)), answerMs);
    return Promise.race([answer, this.#gone]).finally(() => clearTimeout(late));
  }

  #take(piece: Buffer): void {
    let bytes = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE()) {
      const end = 4 + bytes.readUInt32BE();
      const body = bytes.subarray(4, end);
      bytes = bytes.subarray(end);
      this.#onMessage(body);
    }
    this.#held = bytes;
  }
}
