import { chownSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import ssh2, { type Client, type Connection, type Server } from 'ssh2';
import { sshString, sshUint32, WireReader } from '../../../src/credentials/ssh/wire.js';
import { RawAuth } from '../../../src/hosts/rawauth.js';
import { Acceptor, type AcceptorOptions } from './acceptor.js';
import { accountsOf, globusError, identify, isLimited } from './identity.js';
import { accountOf, serveSessions } from './session.js';

export interface GsiServerOptions extends AcceptorOptions {
  readonly hostKey: string;
  /** Directory of the CAs it trusts. */
  readonly certificates: string;
  /** `"/O=Grid/CN=Somebody" alice,bob` a line. */
  readonly gridmap: string;
  /** Told what happens: a login, a refusal, a proxy. */
  readonly log?: (line: string) => void;
  /** Its GSSAPI knows no GSI, as a Kerberos site's. */
  readonly kerberosOnly?: boolean;
  /** For all sessions. */
  readonly env?: Readonly<Record<string, string>>;
  /** It ends the connection where it should find the account of the proxy, as version 10 with PAM does. */
  readonly wantsAccount?: boolean;
  /** Methods that are named to who asks; GSI is answered even if it isn't among them. */
  readonly methods?: readonly string[];
}

type Protocol = {
  _authsQueue: string[];
  _handlers: Record<
    'USERAUTH_REQUEST',
    (p: Protocol, user: string, service: string, method: string, data: Buffer | null) => void
  >;
  authFailure(methods: readonly string[]): void;
};

/** The mechanism of GSI with OpenSSL 1.1 or later: 1.3.6.1.4.1.3536.1.1.1 */
const oid = '060a2b060104019b50010101';
const number = { response: 60, token: 61, error: 64, mic: 66 };

/**
 * Stands in for a login node's gsisshd (OpenSSH with the Grid Community Toolkit's patch), of which Debian has no
 * package: gssapi-with-mic over GSI with grid map file, delegation and empty user names, and sessions by real programs
 * as the mapped user. Its protocol is proved by stock OpenSSH with Globus' own library logging in to it
 * (gsi-stock.test.ts). Not like the original: no PAM, no other method, one process for all, its openssl checks no
 * signing policies; error texts have the original's form.
 */
export class GsiServer {
  readonly #server: Server;
  readonly #options: GsiServerOptions;
  readonly #clients = new Set<Connection>();

  constructor(options: GsiServerOptions) {
    this.#options = options;
    this.#server = new ssh2.Server(
      { hostKeys: [options.hostKey], ident: 'Double_of_gsisshd' },
      (client, { ip, port }) => {
        this.#clients.add(client);
        client.on('error', () => {});
        client.on('close', () => this.#clients.delete(client));
        this.#admit(client, `${ip} ${port}`);
      },
    );
  }

  async listen(port: number, address: string): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, address, resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends all connections, too. */
  async close(): Promise<void> {
    for (const client of this.#clients) client.end();
    await new Promise<void>(resolve => this.#server.close(() => resolve()));
  }

  #admit(client: Connection, from: string): void {
    const { methods = ['gssapi-with-mic'], log = () => {} } = this.#options;
    const protocol = (client as unknown as { _protocol: Protocol })._protocol;
    const own = protocol._handlers.USERAUTH_REQUEST;
    let first: string | undefined;
    let login: GsiAuth | undefined;
    let isIn = false;
    client.on('close', () => login?.abandon());
    client.on('authentication', context => (isIn ? context.accept() : context.reject([...methods] as never)));
    protocol._handlers.USERAUTH_REQUEST = (p, user, service, method, data) => {
      first ??= user;
      if (login) {
        // a new request ends the one before without an answer (RFC 4252, 5)
        login.abandon();
        login = undefined;
        p._authsQueue.shift();
      }
      if (method !== 'gssapi-with-mic') return own(p, first, service, 'none', null);
      const wire = new RawAuth(client as unknown as Client, method);
      const attempt = new GsiAuth(wire, user, this.#options);
      login = attempt;
      const over = (): void => {
        wire.abandon();
        login = undefined;
      };
      attempt.run(data ?? Buffer.alloc(0)).then(
        ({ account, identity, session, proxy }) => {
          over();
          isIn = true;
          log(`${identity} is ${account}, over ${session}${proxy ? ', delegating' : ''}`);
          client.once('ready', () => this.#serve(client, account, from, proxy));
          own(p, first as string, service, 'none', null);
        },
        (error: Error) => {
          log(`refused, shown ${attempt.shown} certificates: ${error.message.trim().split('\n').at(-1)}`);
          if (attempt.isAbandoned) return;
          if (error instanceof Mismatch) return void client.end();
          over();
          p.authFailure(methods);
        },
      );
    };
  }

  #serve(client: Connection, account: string, from: string, proxy: string | undefined): void {
    const { localAddress, localPort } = (client as unknown as { _sock: Socket })._sock;
    const env: Record<string, string> = {
      ...this.#options.env,
      SSH_CONNECTION: `${from} ${localAddress} ${localPort}`,
      SSH_CLIENT: `${from} ${localPort}`,
    };
    if (proxy !== undefined) {
      const file = `/tmp/x509up_p${process.pid}.${Math.random().toString(36).slice(2)}`;
      writeFileSync(file, proxy, { mode: 0o600, flag: 'wx' });
      chownSync(file, accountOf(account).uid, -1);
      client.once('close', () => rmSync(file, { force: true }));
      env.X509_USER_PROXY = file;
    }
    serveSessions(client, account, env);
  }
}

class Mismatch extends Error {}

/** One exchange of RFC 4462, section 3, the server's part. */
class GsiAuth {
  isAbandoned = false;
  readonly #acceptor: Acceptor;

  constructor(
    private readonly wire: RawAuth,
    private readonly user: string,
    private readonly options: GsiServerOptions,
  ) {
    this.#acceptor = new Acceptor(options);
  }

  /** How many certificates the client has shown. */
  get shown(): number {
    return this.#acceptor.shown.length;
  }

  abandon(): void {
    this.isAbandoned = true;
    this.wire.abandon();
  }

  async run(
    request: Buffer,
  ): Promise<{ account: string; identity: string; session: string; proxy: string | undefined }> {
    try {
      this.#choose(new WireReader(request));
      const identity = await this.#establish();
      const mic = await this.#receive(number.mic);
      const names = [this.user, 'ssh-connection', 'gssapi-with-mic'].map(sshString);
      const signed = Buffer.concat([sshString(this.wire.sessionId), Buffer.of(50), ...names]);
      const fault = this.#acceptor.faultOf(signed, mic);
      if (fault) throw new Error(fault);
      if (this.options.wantsAccount && this.user === '') throw new Mismatch('PAM user mismatch');
      const accounts = accountsOf(identity, this.options.gridmap);
      const account = this.user === '' ? accounts[0] : accounts.find(a => a === this.user);
      if (account === undefined) throw new Error(`${identity} is not mapped to ${this.user || 'anybody'}`);
      // as the original does: without a word
      if (isLimited(this.#acceptor.shown)) throw new Error('a limited proxy');
      return { account, identity, session: this.#acceptor.session, proxy: this.#acceptor.delegated };
    } finally {
      this.#acceptor.close();
    }
  }

  #choose(request: WireReader): void {
    for (let left = request.uint32(); left > 0; left--) {
      const wanted = request.string();
      if (wanted.toString('hex') !== oid || this.options.kerberosOnly) continue;
      this.wire.send(Buffer.concat([Buffer.of(number.response), sshString(wanted)]));
      return;
    }
    throw new Error('no mechanism in common');
  }

  async #establish(): Promise<string> {
    let identity = '';
    const verify = async (shown: readonly Buffer[]): Promise<void> => {
      identity = await identify(shown, this.options.certificates);
    };
    for (;;) {
      const token = await this.#receive(number.token);
      const step = await this.#acceptor.accept(token, verify).catch((error: Error) => {
        const text = error.message.startsWith('GSS') ? error.message : globusError(error.message).message;
        this.wire.send(
          Buffer.concat([Buffer.of(number.error), sshUint32(0xd0000), sshUint32(1), sshString(text), sshString('')]),
        );
        throw error;
      });
      if (step.token.length > 0) this.wire.send(Buffer.concat([Buffer.of(number.token), sshString(step.token)]));
      if (step.done) return identity;
    }
  }

  async #receive(type: number): Promise<Buffer> {
    const payload = await this.wire.receive();
    if (payload?.[0] !== type) throw new Error(`message ${payload?.[0]} where ${type} belongs`);
    return new WireReader(payload.subarray(1)).string();
  }
}
