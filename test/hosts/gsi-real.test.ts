import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type ConnectionOptions, TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { AuthError } from '../../src/errors.js';
import { openHost } from '../../src/hosts/open.js';
import { Grid } from './gsi-sshd.js';
import { freePort, makeKey } from './sshd.js';
import { hostSuite } from './suite.js';

vi.setConfig({ testTimeout: 20_000, hookTimeout: 30_000 });

/** The path of a gsisshd of the Grid Community Toolkit, of which Debian has no package. */
const program = process.env.SCAILFIN_TEST_GSISSHD;
const why = program ? '' : ' (skipped: SCAILFIN_TEST_GSISSHD names none)';

const suites = [
  { version: 'TLSv1.3', ciphers: 'TLS_AES_256_GCM_SHA384' },
  { version: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' },
  { version: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES256-GCM-SHA384' },
  { version: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' },
  { version: 'TLSv1.2', ciphers: 'AES256-GCM-SHA384' },
  { version: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' },
] as const;

/** This server heeds no setting of its own about suites, so our client is made to offer less. */
const offered = vi.hoisted((): { tls: object } => {
  // files share their modules: those here get the client, and no other file's does
  vi.resetModules();
  return { tls: {} };
});
vi.mock('node:tls', async original => {
  const tls = await original<typeof import('node:tls')>();
  return { ...tls, connect: (options: ConnectionOptions) => tls.connect({ ...options, ...offered.tls }) };
});
afterAll(() => {
  vi.doUnmock('node:tls');
  vi.resetModules();
});

interface Server {
  readonly env: NodeJS.ProcessEnv;
  log(): string;
  stop(): Promise<void>;
}

interface ServerOptions {
  /** More lines of its configuration; default: no keys. */
  readonly config?: readonly string[];
  /** The CAs it trusts, if not the grid's. */
  readonly certificates?: string;
}

async function startGsisshd(grid: Grid, options: ServerOptions = {}): Promise<Server> {
  const dir = mkdtempSync(join(grid.dir, 'gsisshd-'));
  const issued = grid.ca.issueHost('gsi.test');
  const [port, user] = [await freePort(), userInfo().username];
  const [config, log, ssh] = [join(dir, 'config'), join(dir, 'log'), join(dir, 'home', '.ssh')];
  const lines = [
    ...[`Port ${port}`, 'ListenAddress 127.0.0.1', `HostKey ${grid.hostKey}`, `PidFile ${dir}/pid`],
    ...['GSSAPIAuthentication yes', 'PermitRootLogin yes', 'StrictModes no', 'UsePAM no'],
    ...['PasswordAuthentication no', 'KbdInteractiveAuthentication no', 'PerSourcePenalties no', 'MaxStartups 100'],
    ...['Subsystem sftp internal-sftp', ...(options.config ?? ['PubkeyAuthentication no'])],
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const security = { GRIDMAP: grid.gridmap, X509_CERT_DIR: options.certificates ?? grid.certificates };
  const host = { X509_USER_CERT: issued.cert, X509_USER_KEY: issued.key };
  const child = spawn(program as string, ['-D', '-f', config, '-E', log], {
    env: { PATH: process.env.PATH, ...security, ...host },
    stdio: 'ignore',
  });
  const ended = new Promise(resolve => child.once('exit', resolve));
  mkdirSync(ssh, { recursive: true });
  writeFileSync(join(ssh, 'known_hosts'), `[127.0.0.1]:${port} ${readFileSync(`${grid.hostKey}.pub`, 'utf8')}`);
  const box = ['Host box', 'HostName 127.0.0.1', `Port ${port}`, `User ${user}`, 'GSSAPIServerIdentity gsi.test'];
  writeFileSync(join(ssh, 'config'), `${box.join('\n  ')}\n`);
  const said = (): string => (existsSync(log) ? readFileSync(log, 'utf8') : '');
  for (let i = 0; i < 100 && !said().includes('listening'); i++) await pause(50);
  return {
    env: { PATH: process.env.PATH, HOME: join(dir, 'home'), X509_CERT_DIR: grid.certificates },
    log: said,
    stop: async () => {
      child.kill();
      await ended;
    },
  };
}

describe.skipIf(!program)(`the Grid Community Toolkit's gsisshd${why}`, () => {
  let grid: Grid;
  let proxy: string;
  const running: Server[] = [];
  const sessions: string[] = [];
  beforeAll(() => {
    grid = new Grid();
    proxy = grid.proxy('proxy');
  });
  beforeEach(() => {
    // where the MIC's key is taken, the session is as the two sides have agreed
    const own = TLSSocket.prototype.exportKeyingMaterial;
    vi.spyOn(TLSSocket.prototype, 'exportKeyingMaterial').mockImplementation(function (this: TLSSocket, ...args) {
      sessions.push(`${this.getProtocol()} ${this.getCipher().name}`);
      return own.apply(this, args);
    });
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    sessions.length = 0;
    offered.tls = {};
    for (const server of running.splice(0)) await server.stop();
  });
  let lasting: Server | undefined;
  afterAll(async () => {
    await lasting?.stop();
    grid?.remove();
  });

  const serve = async (options?: ServerOptions): Promise<Server> => {
    const server = await startGsisshd(grid, options);
    running.push(server);
    return server;
  };
  const open = (server: Server, file = proxy, delegate = false) =>
    openHost(
      { kind: 'ssh', host: 'box', gsi: { delegate } },
      { env: { ...server.env, X509_USER_PROXY: file }, connectTimeoutMs: 8_000 },
    );
  const failure = async (server: Server, file: string): Promise<AuthError> => {
    const error = await open(server, file).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(AuthError);
    return error as AuthError;
  };

  it.each(suites.flatMap(suite => [false, true].map(delegate => ({ ...suite, delegate }))))(
    'lets us in over $version $ciphers, delegation $delegate',
    async ({ version, ciphers, delegate }) => {
      const server = await serve();
      offered.tls = { maxVersion: version, minVersion: version, ciphers };
      const host = await open(server, proxy, delegate);
      const { stdout } = await host.run(['sh', '-c', 'test ! -e "$X509_USER_PROXY" || stat -c %a "$X509_USER_PROXY"']);
      expect(stdout).toBe(delegate ? '600\n' : '');
      expect(sessions.at(-1)).toBe(`${version} ${ciphers}`);
      await host.close();
    },
  );

  it('says why it does not: an unknown CA', async () => {
    const elsewhere = mkdtempSync(join(grid.dir, 'nobody-'));
    const error = await failure(await serve({ certificates: elsewhere }), proxy);
    expect(error.message).toMatch(/box refused the proxy .*: .*Cannot find trusted CA certificate with hash/);
    expect(error.hint).toContain('ask the site which CAs it accepts');
  });

  it('refuses limited proxies, and accounts that the map does not give', async () => {
    const server = await serve();
    expect((await failure(server, grid.proxy('limited', { limited: true }))).message).toContain('the limited proxy');
    const stranger = grid.ca.issue({ subject: '/O=Grid/OU=Test/CN=Stranger' });
    const { message } = await failure(server, grid.proxy('stranger', { holder: stranger }));
    expect(message).toContain('does not let /O=Grid/OU=Test/CN=Stranger in as');
  });

  it.each(['publickey,gssapi-with-mic', 'gssapi-with-mic,publickey'])(
    'is one of two that must agree: %s',
    async both => {
      const key = makeKey(join(mkdtempSync(join(grid.dir, 'key-')), 'id_ed25519'), 'ed25519');
      const config = [`AuthenticationMethods ${both}`, `AuthorizedKeysFile ${key}.pub`];
      const server = await serve({ config });
      appendFileSync(join(server.env.HOME as string, '.ssh', 'config'), `  IdentityFile ${key}\n`);
      const host = await open(server);
      expect((await host.run(['echo', 'in'])).stdout).toBe('in\n');
      await host.close();
    },
  );

  const openLasting = async () => {
    lasting = await startGsisshd(grid);
    return open(lasting);
  };
  hostSuite('over it', openLasting, { brief: true });
});
