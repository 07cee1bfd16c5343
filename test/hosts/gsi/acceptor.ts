import { execFile } from 'node:child_process';
import { createDecipheriv, constants as crypto, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { type DetailedPeerCertificate, type SecureVersion, TLSSocket } from 'node:tls';
import { promisify } from 'node:util';

const run = promisify(execFile);

let made: string | undefined;
/** The key of all proxies that a server is given. A real one makes a key for each; that takes longer than all the rest. */
const proxyKey = (): string => {
  made ??= generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  }) as string;
  return made;
};

export interface AcceptorOptions {
  /** PEM of the host certificate (and those behind it), and of its key. */
  readonly certificate: string;
  readonly key: string;
  readonly tls?: { readonly version?: SecureVersion; readonly ciphers?: string; readonly groups?: string };
}

/**
 * The acceptor's end of a GSI security context, in so far as it can be told from the wire: a TLS server whose records
 * travel in tokens. It has no code in common with src/hosts/gsi; that stock OpenSSH with Globus' library talks to it
 * shows that it is right.
 */
export class Acceptor {
  /** DER of what the client showed, its own certificate first. */
  shown: Buffer[] = [];
  /** A proxy file's text, once one was delegated. */
  delegated: string | undefined;
  readonly #tls: TLSSocket;
  readonly #wire: Duplex;
  #out: Buffer[] = [];
  #in = Buffer.alloc(0);
  #state: 'handshake' | 'greeted' | 'requested' | 'done' = 'handshake';
  #secure = false;
  #error: Error | undefined;
  #keyFile: string | undefined;

  constructor({ certificate, key, tls = {} }: AcceptorOptions) {
    const gather = (chunk: Buffer, _encoding: string, done: () => void): void => {
      this.#out.push(Buffer.from(chunk));
      done();
    };
    this.#wire = new Duplex({ read: () => {}, write: gather });
    this.#tls = new TLSSocket(this.#wire as never, {
      isServer: true,
      cert: certificate,
      key,
      requestCert: true,
      rejectUnauthorized: false,
      secureOptions: crypto.SSL_OP_NO_TICKET,
      ...(tls.version ? { minVersion: tls.version, maxVersion: tls.version } : {}),
      ...(tls.ciphers ? { ciphers: tls.ciphers } : {}),
      ...(tls.groups ? { ecdhCurve: tls.groups } : {}),
    });
    this.#tls.on('secure', () => {
      this.#secure = true;
    });
    this.#tls.on('data', (data: Buffer) => {
      this.#in = Buffer.concat([this.#in, data]);
    });
    this.#tls.on('error', error => {
      this.#error = error;
    });
  }

  /** `TLSv1.3 TLS_AES_256_GCM_SHA384` */
  get session(): string {
    return `${this.#tls.getProtocol()} ${this.#tls.getCipher().name}`;
  }

  /**
   * The answer to a token; `done` once the context is established.
   * @param verify judges the certificates shown @throws what it throws, or Error for a broken handshake
   */
  async accept(
    token: Buffer,
    verify: (shown: readonly Buffer[]) => Promise<void>,
  ): Promise<{ token: Buffer; done: boolean }> {
    this.#wire.push(token);
    await this.#quiet();
    if (this.#error) throw this.#error;
    if (this.#state === 'handshake' && this.#secure) {
      this.shown = chainOf(this.#tls.getPeerCertificate(true));
      await verify(this.shown);
      this.#state = 'greeted';
      if (this.#tls.getProtocol() === 'TLSv1.3') this.#tls.write(Buffer.of(0));
    } else if (this.#state === 'greeted') await this.#flag();
    else if (this.#state === 'requested') await this.#takeProxy();
    await this.#quiet();
    return { token: Buffer.concat(this.#out.splice(0)), done: this.#state === 'done' };
  }

  /** What stands in the way of believing that the client signed this message; undefined when nothing does. */
  faultOf(message: Buffer, mic: Buffer): string | undefined {
    const bits = /128.GCM/.test(this.#tls.getCipher().name) ? 128 : 256;
    const exporter = this.#tls.exportKeyingMaterial.bind(this.#tls) as (length: number, label: string) => Buffer;
    if (mic.length !== 28) return `a MIC of ${mic.length} bytes`;
    const [number, length] = [mic.readUInt32BE(4), mic.readUInt32BE(8)];
    if (mic.readUInt32BE(0) !== 0 || number !== 0) return 'a MIC out of sequence';
    if (length !== message.length) return `a MIC for ${length} bytes, not ${message.length}`;
    const nonce = Buffer.alloc(12);
    mic.copy(nonce, 0, 0, 8);
    exporter(12, 'EXPERIMENTAL-GSI-MAC-IV-FIXED').copy(nonce, 8, 0, 4);
    const key = exporter(bits / 8, 'EXPERIMENTAL-GSI-MAC-KEY');
    const gcm = createDecipheriv(`aes-${bits}-gcm` as 'aes-256-gcm', key, nonce);
    gcm.setAuthTag(mic.subarray(12)).setAAD(message);
    try {
      gcm.final();
      return undefined;
    } catch {
      return 'a MIC that does not fit';
    }
  }

  close(): void {
    this.#tls.destroy();
    this.#forget();
  }

  /** One byte says whether a proxy will follow; it is made for a key of ours. */
  async #flag(): Promise<void> {
    const flag = String(this.#in);
    this.#in = Buffer.alloc(0);
    if (flag === '0') {
      this.#state = 'done';
      return;
    }
    if (flag !== 'D') throw new Error(`neither 0 nor D but ${JSON.stringify(flag)}`);
    this.#keyFile = join(mkdtempSync(join(tmpdir(), 'gsi-key-')), 'key');
    writeFileSync(this.#keyFile, proxyKey(), { mode: 0o600 });
    const argv = ['req', '-new', '-key', this.#keyFile, '-subj', '/CN=proxy', '-outform', 'DER'];
    const { stdout } = await run('openssl', argv, { encoding: 'buffer' });
    this.#tls.write(stdout);
    this.#state = 'requested';
  }

  async #takeProxy(): Promise<void> {
    const key = readFileSync(this.#keyFile as string, 'utf8');
    this.#forget();
    const [proxy, ...behind] = [this.#in, ...this.shown].map(pem);
    this.delegated = [proxy, key, ...behind].join('');
    this.#state = 'done';
  }

  #forget(): void {
    if (this.#keyFile) rmSync(join(this.#keyFile, '..'), { recursive: true, force: true });
    this.#keyFile = undefined;
  }

  /** OpenSSL works off what it has within a few turns of the event loop. */
  async #quiet(): Promise<void> {
    for (let turn = 0; turn < 6; turn++) await setImmediate();
  }
}

function chainOf(leaf: DetailedPeerCertificate): Buffer[] {
  const chain: Buffer[] = [];
  for (let one: DetailedPeerCertificate | undefined = leaf; one?.raw; one = one.issuerCertificate) {
    if (one.raw.equals(chain.at(-1) ?? Buffer.alloc(0))) break;
    chain.push(one.raw);
  }
  return chain;
}

export const pem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/(.{64})(?=.)/g, '$1\n')}\n-----END CERTIFICATE-----\n`;
