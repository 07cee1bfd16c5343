import { constants } from 'node:crypto';
import { type ConnectionOptions, connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { AuthError, messageOf } from '../../errors.js';
import { type MicKeys, micKeys, micToken } from './mic.js';
import { TokenWire } from './records.js';
import { tlsFailure } from './words.js';

/** Only AES-GCM: with other suites some servers, or all of them, can't compute a MIC. */
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

/** The time OpenSSL gets to process a token, which takes milliseconds: nothing in it waits for the network. */
const patienceMs = 3_000;

export interface ContextOptions {
  /** The server, for messages. */
  readonly server: string;
  /** PEM: the certificate to show, followed by the certificates of its issuers. */
  readonly chain: string;
  /** PEM, not encrypted. */
  readonly key: string;
  /** Checks the server by the certificates it shows (DER, its own first). Our certificate is not sent before. */
  readonly checkServer: (shown: readonly Buffer[]) => void;
  /** Signs the request (PKCS#10, DER) that a server sends for its own proxy; if absent, the server gets no proxy. */
  readonly delegate?: ((request: Buffer) => Buffer) | undefined;
}

export interface Step {
  /** The token for the other side; absent if there is nothing to send. */
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
   * Takes the other side's token (none at the beginning), and returns the answer.
   * @throws AuthError: the handshake failed, or what `checkServer` and `delegate` throw
   */
  async step(token?: Buffer): Promise<Step> {
    if (this.#stage === 'done') throw new AuthError(`${this.#options.server} continues after the end of the login`);
    if (token !== undefined) this.#wire.socket.push(token);
    if (this.#stage === 'greeting') return this.#greeted();
    if (this.#stage === 'request') return this.#requested();
    return this.#handshake();
  }

  /** The integrity code of the context's next message; the context must be established. */
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

  /** Runs before the messages that contain our certificate, in all versions of TLS: OpenSSL has the server's by then. */
  #judge(): void {
    const shown = certificates(this.#tls.getPeerCertificate(true));
    if (this.#checked || (shown.length === 0 && !this.#secure)) return;
    this.#options.checkServer(shown);
    this.#checked = true;
  }

  /** In TLS 1.3 the client speaks last, so the server confirms with one zero byte. */
  async #greeted(): Promise<Step> {
    await this.#until(() => this.#received.length > 0);
    if (this.#received[0] !== 0) throw new AuthError(`${this.#options.server} confirms the login with an unknown byte`);
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

  /** @throws AuthError if OpenSSL fails, or stops although it is not ready: the token was cut off */
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
    // the server must stay the one that was checked
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    // checkServer judges the server by the rules of the grid; an empty list avoids loading the web's authorities
    rejectUnauthorized: false,
    ca: [],
  };
  try {
    return connect(options);
  } catch (error) {
    throw new AuthError(`the proxy can't be used: ${messageOf(error)}`, { cause: error });
  }
}

/** Calls the exporter without a context value, which differs from an empty one; Node's types know only the latter. */
function exporter(tls: TLSSocket): (length: number, label: string) => Buffer {
  return (length, label) =>
    (tls.exportKeyingMaterial as (length: number, label: string) => Buffer).call(tls, length, label);
}

/** The chain in the order in which it was shown; Node links a root to itself. */
function certificates(leaf: DetailedPeerCertificate): Buffer[] {
  const found: Buffer[] = [];
  for (let each: DetailedPeerCertificate | undefined = leaf; each?.raw; each = each.issuerCertificate) {
    if (found.some(raw => raw.equals((each as DetailedPeerCertificate).raw))) break;
    found.push(each.raw);
  }
  return found;
}

/** Whether a request is complete, by the length at its beginning (X.690, 8.1.3); no real one has 64 KiB. */
function isWhole(bytes: Buffer): boolean {
  const [, first = 0, second = 0, third = 0] = bytes;
  if (bytes.length < 4) return false;
  const sizes: Readonly<Record<number, number>> = { 129: 3 + second, 130: 4 + second * 256 + third };
  return bytes.length >= (sizes[first] ?? 2 + (first & 127));
}
