import type { PseudoTtyOptions } from 'ssh2';
import { sshString, sshUint32, WireReader } from '../../credentials/ssh/wire.js';
import type { MuxSocket } from './mux.js';
import { MuxChannel, message, windowSize } from './muxchannel.js';

/** Of one message; as in ssh2. */
const packetSize = 32 * 1024;

/** The server does not open such a channel, or no further one. */
export class OpenFailure extends Error {}

/**
 * Channels over the socket of a ControlMaster: the part of the SSH connection protocol that commands and tunnels need.
 */
export class Sessions {
  readonly #channels = new Map<number, MuxChannel>();
  readonly #opening = new Map<number, { opened: (channel: MuxChannel) => void; failed: (error: Error) => void }>();
  #next = 0;

  constructor(private readonly socket: MuxSocket) {}

  /** To be awaited before anything else. @throws ScailfinError if this ssh is too old */
  begin(): Promise<void> {
    return this.socket.proxy(body => this.#receive(body));
  }

  /**
   * Starts a command line on its own session. `started` is called before anything else of it is read.
   * @param failed gets an OpenFailure if there is no free session, another error if the command is refused
   */
  exec(
    line: string,
    pty: PseudoTtyOptions | undefined,
    started: (channel: MuxChannel) => void,
    failed: (error: Error) => void,
  ): void {
    const opened = (channel: MuxChannel): void => {
      if (pty) channel.request('pty-req', terminal(pty));
      channel.request('exec', sshString(line), accepted => {
        if (accepted) return started(channel);
        channel.close();
        failed(new Error('it does not run commands'));
      });
    };
    this.#open('session', Buffer.alloc(0), opened, failed);
  }

  /** A TCP connection that leaves from the far host. @throws OpenFailure with the server's reason */
  tunnel(host: string, port: number): Promise<MuxChannel> {
    const from = [sshString('127.0.0.1'), sshUint32(0)];
    const body = Buffer.concat([sshString(host), sshUint32(port), ...from]);
    return new Promise((resolve, reject) => {
      const opened = (channel: MuxChannel): void => {
        channel.stderr.resume(); // a tunnel has none, but the stream must be read to its end
        resolve(channel);
      };
      this.#open('direct-tcpip', body, opened, reject);
    });
  }

  /** No more messages come for any channel. */
  ended(): void {
    for (const { failed } of this.#opening.values()) failed(new Error('the connection is gone'));
    this.#opening.clear();
    for (const channel of this.#channels.values()) channel.ended();
  }

  #open(type: string, body: Buffer, opened: (channel: MuxChannel) => void, failed: (error: Error) => void): void {
    const id = this.#next++;
    this.#opening.set(id, { opened, failed });
    const numbers = [id, windowSize, packetSize].map(sshUint32);
    this.socket.send(Buffer.concat([Buffer.of(message.open), sshString(type), ...numbers, body]));
  }

  #receive(body: Buffer): void {
    const type = body[0];
    const reader = new WireReader(body.subarray(1));
    const id = reader.uint32();
    const opening = this.#opening.get(id);
    if (type === message.openConfirmation && opening) {
      const [remote, window, packet] = [reader.uint32(), reader.uint32(), reader.uint32()];
      const send = this.socket.send.bind(this.socket);
      const channel = new MuxChannel(remote, window, packet, send, () => this.#channels.delete(id));
      this.#opening.delete(id);
      this.#channels.set(id, channel);
      opening.opened(channel);
    } else if (type === message.openFailure && opening) {
      this.#opening.delete(id);
      const [reason, text] = [reader.uint32(), reader.text()];
      opening.failed(new OpenFailure(text || `reason ${reason}`));
    } else if (type !== undefined) this.#channels.get(id)?.receive(type, reader);
  }
}

/** The request for a terminal, without modes: the defaults of the far side are right. */
function terminal({ term, cols, rows, width, height }: PseudoTtyOptions): Buffer {
  const size = [cols ?? 80, rows ?? 24, width ?? 0, height ?? 0].map(sshUint32);
  return Buffer.concat([sshString(term ?? 'vt100'), ...size, sshString(Buffer.of(0))]);
}
