import { isIP } from 'node:net';
import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { AuthError, ConnectionError, messageOf, type ScailfinError, TimeoutError } from '../../errors.js';
import { type Peer, verifyPeer } from './peer.js';
import { toPem } from './pem.js';
import { CertificateError } from './problem.js';
import type { Trust } from './trust.js';
import type { Identity } from './user.js';

export interface ChannelOptions extends Peer {
  readonly port: number;
  readonly trust: Trust;
  /** The certificate to show, with its key; undefined: none. */
  readonly own?: Identity | undefined;
  /** How long to wait for each answer; default 30 000. */
  readonly timeoutMs?: number;
}

/** More than any answer of these servers. */
const longest = 4 * 1024 * 1024;

/** A TLS connection to a grid service. It is open only if the server is the one that was meant. */
export class Channel {
  readonly #socket: TLSSocket;
  readonly #name: string;
  readonly #timeoutMs: number;
  #buffer: Buffer = Buffer.alloc(0);
  #ended: ScailfinError | undefined;
  #wake: () => void = () => {};

  private constructor(socket: TLSSocket, name: string, timeoutMs: number) {
    this.#socket = socket;
    this.#name = name;
    this.#timeoutMs = timeoutMs;
    socket.on('data', (data: Buffer) => {
      this.#buffer = Buffer.concat([this.#buffer, data]);
      this.#wake();
    });
    socket.on('error', error => this.#end(trouble(name, error)));
    socket.on('close', () => this.#end(new ConnectionError(`${name} closed the connection`)));
  }

  /** @throws ConnectionError, TimeoutError, CertificateError if it is another server, before anything is sent */
  static async open(options: ChannelOptions): Promise<Channel> {
    const { host, port, own, timeoutMs = 30_000 } = options;
    const name = `${host}:${port}`;
    const socket = connect({
      host,
      port,
      // the chain is verified below, by the rules of the grid, which TLS libraries do not have
      rejectUnauthorized: false,
      servername: isIP(host) === 0 ? host : '',
      ...(own && {
        cert: own.certificates.map(c => toPem('CERTIFICATE', c.der)).join(''),
        key: own.key.export({ type: 'pkcs8', format: 'pem' }),
      }),
    });
    const channel = new Channel(socket, name, timeoutMs);
    try {
      let secure = false;
      socket.once('secureConnect', () => {
        secure = true;
        channel.#wake();
      });
      await channel.#until(() => secure);
      verifyPeer(shownBy(socket), options, options.trust);
      return channel;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  /** `TLSv1.2`, `TLSv1.3`. */
  get protocol(): string | null {
    return this.#socket.getProtocol();
  }

  write(data: Buffer | string): void {
    this.#socket.write(data);
  }

  /** Exactly this many bytes, in whatever pieces they arrive. */
  async read(count: number): Promise<Buffer> {
    await this.#until(() => this.#buffer.length >= count);
    return this.#take(count);
  }

  /** All bytes up to a given byte, which is left out. */
  async readTo(byte: number): Promise<Buffer> {
    await this.#until(() => this.#buffer.includes(byte));
    const found = this.#take(this.#buffer.indexOf(byte) + 1);
    return found.subarray(0, -1);
  }

  /** One DER value, whose length is in its header. */
  async readDer(): Promise<Buffer> {
    await this.#until(() => this.#buffer.length >= 2);
    const first = this.#buffer[1] as number;
    const digits = first < 0x80 ? 0 : first & 0x7f;
    if (digits > 4) throw new CertificateError('malformed', `${this.#name} sent something that is not a certificate`);
    await this.#until(() => this.#buffer.length >= 2 + digits);
    const length = digits === 0 ? first : this.#buffer.readUIntBE(2, digits);
    return this.read(2 + digits + length);
  }

  /** Everything until the server closes the connection, with or without a TLS close message. */
  async readAll(): Promise<Buffer> {
    await this.#until(() => this.#ended !== undefined);
    if (this.#buffer.length === 0) throw this.#ended;
    return this.#take(this.#buffer.length);
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(count: number): Buffer {
    const taken = Buffer.from(this.#buffer.subarray(0, count));
    this.#buffer = this.#buffer.subarray(count);
    return taken;
  }

  #end(why: ScailfinError): void {
    this.#ended ??= why;
    this.#wake();
  }

  async #until(met: () => boolean): Promise<void> {
    const { promise: late, cancel } = deadline(this.#timeoutMs, this.#name);
    try {
      while (!met()) {
        if (this.#ended) throw this.#ended;
        if (this.#buffer.length > longest) throw new ConnectionError(`${this.#name} sent too much data`);
        const news = new Promise<void>(resolve => {
          this.#wake = resolve;
        });
        await Promise.race([news, late]);
      }
    } finally {
      cancel();
    }
  }
}

function deadline(ms: number, name: string): { promise: Promise<never>; cancel: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const promise = new Promise<never>((_, reject) => {
    const error = new TimeoutError(`${name} did not answer within ${ms / 1000} s`);
    timer = setTimeout(() => reject(error), ms);
  });
  promise.catch(() => {});
  return { promise, cancel: () => clearTimeout(timer) };
}

/** The chain as the server sent it, its own certificate first. */
function shownBy(socket: TLSSocket): Buffer[] {
  const chain: Buffer[] = [];
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (next?.raw && !chain.some(der => der.equals(next?.raw as Buffer))) {
    chain.push(next.raw);
    next = next.issuerCertificate;
  }
  return chain;
}

/** A TLS alert of the server about our certificate says what is wrong. */
function trouble(name: string, error: Error & { code?: string }): ScailfinError {
  const alert = /ALERT_(.*(?:CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR).*)$/.exec(error.code ?? '')?.[1];
  if (alert === undefined) {
    // a host with several addresses has an error for each
    const all = error instanceof AggregateError ? error.errors.map(messageOf) : [messageOf(error)];
    return new ConnectionError(`${name} could not be asked: ${all.join(', ')}`, { hint: 'check host and port' });
  }
  return new AuthError(`${name} does not accept our certificate: ${alert.toLowerCase().replaceAll('_', ' ')}`, {
    hint: 'to see which proxy is shown: scailfin proxy info',
  });
}
