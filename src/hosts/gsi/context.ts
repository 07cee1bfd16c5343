import { constants } from 'node:crypto';
import { type ConnectionOptions, connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { AuthError, messageOf } from '../../errors.js';
import { type MicKeys, micKeys, micToken } from './mic.js';
import { TokenWire } from './records.js';
import { tlsFailure } from './words.js';

/** Only AES-GCM: for other suites some servers, or all, know no MIC. */
const suites = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-GCM-SHA256',
];

/** For OpenSSL to work off a token, which takes it milliseconds: nothing of it waits for the network. */
const patienceMs = 3_000;

export interface ContextOptions {
  /** The server, for messages. */
  readonly server: string;
  /** PEM: the certificate to show and those that vouch for it, itself first. */
  readonly chain: string;
  /** PEM, not encrypted. */
  readonly key: string;
  /** Judges the server by the certificates it shows (DER, its own first). Nothing of ours leaves before. */
  readonly checkServer: (shown: readonly Buffer[]) => void;
  /** Signs the request (PKCS#10, DER) that a server sends for a proxy of its own; absent: it gets none. */
  readonly delegate?: ((request: Buffer) => Buffer) | undefined;
}

export interface Step {
  /** For the other side; absent when there is nothing to say. */
  readonly token?: Buffer;
  /** The context is established, once the token is delivered. */
  readonly done: boolean;
}

/**
 * The initiator's end of a GSI security context (RFC 2743, GSS_Init_sec_context; Globus mechanism "MICv2"): a TLS client
 * whose records travel in tokens, then one byte that says whether a proxy is delegated, then that proxy.
 */
export class SecurityContext {
  readonly #options: ContextOptions;
  readonly #wire = new TokenWire(() => this.#changed());
  readonly #tls: TLSSocket;
  #stage: 'handshake' | 'greeting' | 'request' | 'done' = 'handshake';
  #secure = false;
  #checked = false;
  #failure: AuthError | undefined;
  #received = Buffer.alloc(0);
  #changed = (): void => {};
  #keys: MicKeys | undefined;
  #sequence = 0n;

  /** @throws AuthError when OpenSSL can't use the credential */
  constructor(options: ContextOptions) {
    this.#options = options;
    this.#tls = session(this.#wire, options);
    this.#tls.on('secureConnect', () => {
      this.#secure = true;
      this.#changed();
    });
    this.#tls.on('data', (data: Buffer) => {
      this.#received = Buffer.concat([this.#received, data]);
      this.#changed();
    });
    this.#tls.on('error', error => {
      this.#failure ??= new AuthError(`${options.server} ${tlsFailure(error)}`, { cause: error });
      this.#changed();
    });
  }

  /**
   * Takes the other side's token, none at first, and says what to answer.
   * @throws AuthError: the handshake failed, or what `checkServer` and `delegate` throw
   */
  async step(token?: Buffer): Promise<Step> {
    if (this.#stage === 'done') throw new AuthError(`${this.#options.server} goes on where all was said`);
    if (token !== undefined) this.#wire.socket.push(token);
    if (this.#stage === 'greeting') return this.#greeted();
    if (this.#stage === 'request') return this.#requested();
    return this.#handshake();
  }

  /** The code of the context's next message; the context must be established. */
  mic(message: Buffer): Buffer {
    this.#keys ??= micKeys(this.#tls.getCipher().name, exporter(this.#tls));
    const token = micToken(this.#keys, this.#sequence, message);
    this.#sequence += 1n;
    return token;
  }

  close(): void {
    this.#tls.destroy();
  }

  async #handshake(): Promise<Step> {
    const isOld = (): boolean => this.#tls.getProtocol() === 'TLSv1.2';
    await this.#until(() => this.#wire.endsFlight || (this.#secure && (isOld() || !this.#wire.isEmpty)));
    this.#judge();
    if (this.#secure && isOld()) return this.#open();
    if (this.#secure) this.#stage = 'greeting';
    return { token: this.#wire.take(), done: false };
  }

  /** Before the flight that holds our certificate, in all versions: OpenSSL has seen the server's by then. */
  #judge(): void {
    const shown = certificates(this.#tls.getPeerCertificate(true));
    if (this.#checked || (shown.length === 0 && !this.#secure)) return;
    this.#options.checkServer(shown);
    this.#checked = true;
  }

  /** Over TLS 1.3, where the client is the last to speak, the server says by one zero byte that it is content. */
  async #greeted(): Promise<Step> {
    await this.#until(() => this.#received.length > 0);
    if (this.#received[0] !== 0) throw new AuthError(`${this.#options.server} greets by something unknown`);
    this.#received = this.#received.subarray(1);
    return this.#open();
  }

  async #open(): Promise<Step> {
    const delegates = this.#options.delegate !== undefined;
    this.#stage = delegates ? 'request' : 'done';
    return { token: await this.#seal(Buffer.from(delegates ? 'D' : '0')), done: !delegates };
  }

  async #requested(): Promise<Step> {
    await this.#until(() => isWhole(this.#received));
    const proxy = this.#options.delegate?.(this.#received) as Buffer;
    this.#stage = 'done';
    return { token: await this.#seal(proxy), done: true };
  }

  async #seal(data: Buffer): Promise<Buffer> {
    this.#tls.write(data);
    await this.#until(() => !this.#wire.isEmpty);
    return this.#wire.take();
  }

  /** @throws AuthError when OpenSSL fails, or has nothing more to do and still is not ready: the token was cut */
  async #until(ready: () => boolean): Promise<void> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (ready()) return;
      const late = setTimeout(() => {
        this.#failure ??= new AuthError(`${this.#options.server} sends a token that is not whole`);
        this.#changed();
      }, patienceMs);
      await new Promise<void>(resolve => {
        this.#changed = resolve;
      });
      clearTimeout(late);
    }
  }
}

function session(wire: TokenWire, { chain, key }: ContextOptions): TLSSocket {
  const options: ConnectionOptions = {
    socket: wire.socket,
    cert: chain,
    key,
    ciphers: suites.join(':'),
    minVersion: 'TLSv1.2',
    // the server that was judged stays the one we talk to
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    // the server is judged by checkServer, by the grid's own rules; an empty list spares loading the web's authorities
    rejectUnauthorized: false,
    ca: [],
  };
  try {
    return connect(options);
  } catch (error) {
    throw new AuthError(`the proxy can't be used: ${messageOf(error)}`, { cause: error });
  }
}

/** Without a context value, which is not the same as with an empty one; Node's types know only the latter. */
function exporter(tls: TLSSocket): (length: number, label: string) => Buffer {
  return (length, label) =>
    (tls.exportKeyingMaterial as (length: number, label: string) => Buffer).call(tls, length, label);
}

/** The chain as shown, in order; Node links a root to itself. */
function certificates(leaf: DetailedPeerCertificate): Buffer[] {
  const found: Buffer[] = [];
  for (let each: DetailedPeerCertificate | undefined = leaf; each?.raw; each = each.issuerCertificate) {
    if (found.some(raw => raw.equals((each as DetailedPeerCertificate).raw))) break;
    found.push(each.raw);
  }
  return found;
}

/** Whether a request is there to its end, by the length that it begins with (X.690, 8.1.3); no real one has 64 KiB. */
function isWhole(bytes: Buffer): boolean {
  const [, first = 0, second = 0, third = 0] = bytes;
  if (bytes.length < 4) return false;
  const sizes: Readonly<Record<number, number>> = { 129: 3 + second, 130: 4 + second * 256 + third };
  return bytes.length >= (sizes[first] ?? 2 + (first & 127));
}
