import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { Certificate } from '../../src/credentials/x509/certificate.js';
import { issueProxy } from '../../src/credentials/x509/issue.js';
import { proxyText } from '../../src/credentials/x509/proxy.js';
import { type Issued, TestCa } from '../credentials/ca.js';
import { GsiServer, type GsiServerOptions } from './gsi/server.js';
import { makeKey } from './sshd.js';

/** A grid's CA, its trust directory, a user and a proxy of his: what a client has, and what servers are made of. */
export class Grid {
  readonly dir = mkdtempSync(join(tmpdir(), 'scailfin-gsi-'));
  readonly ca = TestCa.make(this.dir);
  readonly certificates = join(this.dir, 'certificates');
  readonly user: Issued;
  readonly identity = '/O=Grid/OU=Test/CN=Scail User';
  readonly gridmap = join(this.dir, 'grid-mapfile');
  readonly hostKey: string;

  constructor(account = userInfo().username) {
    this.ca.install(this.certificates);
    this.user = this.ca.issue({ subject: this.identity });
    writeFileSync(this.gridmap, `"${this.identity}" ${account}\n`);
    this.hostKey = makeKey(join(this.dir, 'ssh_host'), 'ed25519');
  }

  /** Writes a proxy file. @param end seconds from now */
  proxy(name: string, options: ProxyOptions = {}): string {
    const { holder = this.user, limited = false, begin = 0, end = 3600, mode = 0o600, bits = 2048 } = options;
    const certificate = new Certificate(new X509Certificate(readFileSync(holder.cert)).raw);
    const key = createPrivateKey(readFileSync(holder.key));
    const pair = generateKeyPairSync('rsa', { modulusLength: bits });
    const [from, to] = [begin, end].map(seconds => new Date(Date.now() + seconds * 1000)) as [Date, Date];
    const der = issueProxy({ certificate, key }, pair.publicKey, { end: to, limited }, from);
    const file = join(this.dir, name);
    writeFileSync(file, proxyText({ chain: [der, certificate.der], key: pair.privateKey }), { mode });
    chmodSync(file, mode);
    return file;
  }

  /** What a server of that name needs. */
  host(
    name = 'gsi.test',
    issued = this.ca.issueHost(name),
  ): Pick<GsiServerOptions, 'certificate' | 'key' | 'hostKey' | 'certificates' | 'gridmap'> {
    return {
      certificate: readFileSync(issued.cert, 'utf8'),
      key: readFileSync(issued.key, 'utf8'),
      hostKey: readFileSync(this.hostKey, 'utf8'),
      certificates: this.certificates,
      gridmap: this.gridmap,
    };
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

interface ProxyOptions {
  readonly holder?: Issued;
  readonly limited?: boolean;
  /** Seconds from now. */
  readonly begin?: number;
  readonly end?: number;
  readonly mode?: number;
  readonly bits?: number;
}

export interface GsiSshd {
  readonly port: number;
  /** For openHost: HOME with known_hosts and a configuration in which `box` is the server, and the grid's environment. */
  readonly env: NodeJS.ProcessEnv;
  readonly configFile: string;
  /** What happened, a line each. */
  readonly log: readonly string[];
  stop(): Promise<void>;
}

/** Starts a double of gsisshd (see server.ts) on a loopback port, and a home directory for its client. */
export async function startGsiSshd(grid: Grid, options: Partial<GsiServerOptions> = {}): Promise<GsiSshd> {
  const dir = mkdtempSync(join(grid.dir, 'sshd-'));
  const [home, there] = [join(dir, 'home'), join(dir, 'there')];
  mkdirSync(join(home, '.ssh'), { recursive: true, mode: 0o700 });
  mkdirSync(there);
  const log: string[] = [];
  const server = new GsiServer({ ...grid.host(), env: { HOME: there }, log: line => log.push(line), ...options });
  const port = await server.listen(0, '127.0.0.1');
  const known = readFileSync(`${grid.hostKey}.pub`, 'utf8');
  writeFileSync(join(home, '.ssh', 'known_hosts'), `[127.0.0.1]:${port} ${known}`, { mode: 0o600 });
  const configFile = join(home, '.ssh', 'config');
  const lines = [
    'Host box',
    'HostName 127.0.0.1',
    `Port ${port}`,
    `User ${userInfo().username}`,
    'GSSAPIAuthentication yes',
    'GSSAPIServerIdentity gsi.test',
  ];
  writeFileSync(configFile, `${lines.join('\n  ')}\n`);
  const env = { PATH: process.env.PATH, HOME: home, X509_CERT_DIR: grid.certificates };
  return { port, env, configFile, log, stop: () => server.close() };
}
