import { execFile, execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Connections } from '../../src/cluster/connections.js';
import { writeKey } from '../../src/credentials/keypair.js';
import { requestKey } from '../../src/credentials/sshproxy.js';
import { AuthError, ScailfinError, TimeoutError } from '../../src/errors.js';
import { loadSite } from '../../src/sites/catalog.js';
import { RealAgent } from '../hosts/ca.js';
import { makeKey, type Sshd, startSshd } from '../hosts/sshd.js';
import { code, password } from '../secrets.js';
import { Terminal } from '../terminal.js';
import { SshproxyServer } from './sshproxy-server.js';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const bin = fileURLToPath(new URL('../../bin/scailfin.js', import.meta.url));
const secret = `${password}${code}`;
const question = /Password followed by one-time code \(root at localhost:\d+\):/;

let service: SshproxyServer;
let home: string;
beforeAll(async () => {
  service = await SshproxyServer.start();
});
afterAll(() => service.stop());
beforeEach(() => {
  const own = mkdtempSync(path.join(os.tmpdir(), 'scailfin-home-'));
  home = own;
  service.asked.length = 0;
  service.answer = undefined;
  service.validity = '-5m:+24h';
  service.keyType = 'rsa';
  site(home);
  return () => rmSync(own, { recursive: true, force: true });
});

/** A site `box` whose keys come from the service. */
function site(dir: string): void {
  mkdirSync(path.join(dir, '.config/scailfin/sites'), { recursive: true });
  const lines = [
    'name: box',
    'title: Box',
    'login:',
    '  hosts: [box]',
    '  user: root',
    `  certificates: {sshproxy: "${service.url}", key: ~/.ssh/box}`,
    'scheduler: {type: slurm}',
  ];
  writeFileSync(path.join(dir, '.config/scailfin/sites/box.yaml'), `${lines.join('\n')}\n`);
}

const environment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: home,
  NODE_EXTRA_CA_CERTS: service.tlsFile,
  ...more,
});
/** As a person does it: the command on a terminal, the answer typed when it is asked for. */
async function typed(args: string[], more?: NodeJS.ProcessEnv): Promise<{ status: number | null; shown: string }> {
  const terminal = Terminal.start([process.execPath, bin, 'sshproxy', '--site', 'box', ...args], environment(more));
  await terminal.until(question);
  terminal.type(`${secret}\r`);
  const status = await terminal.end();
  expect(terminal.shown).not.toContain(password);
  expect(terminal.shown).not.toContain(code);
  return { status, shown: terminal.shown };
}
/** Without a terminal. */
const quiet = (args: string[], more?: NodeJS.ProcessEnv) =>
  new Promise<{ status: unknown; stderr: string }>(resolve => {
    const argv = [bin, 'sshproxy', '--site', 'box', ...args];
    execFile(process.execPath, argv, { env: environment(more) }, (error, _stdout, stderr) =>
      resolve({ status: error?.code ?? 0, stderr }),
    );
  });
const file = (name: string): string => path.join(home, '.ssh', name);
const mode = (name: string): string => (statSync(file(name)).mode & 0o777).toString(8);

describe('a key', () => {
  let server: Sshd;
  beforeEach(async () => {
    server = await startSshd({ config: [`TrustedUserCAKeys ${service.authorityFile}`] });
    rmSync(server.clientKey);
    site(server.home);
    home = server.home;
    vi.stubEnv('HOME', home);
    vi.stubEnv('XDG_CONFIG_HOME', path.join(home, '.config'));
    vi.stubEnv('SSH_AUTH_SOCK', '');
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await server.stop();
  });
  const login = async (): Promise<string> => {
    const { profile } = await loadSite('box');
    const connections = new Connections(undefined);
    try {
      const host = await connections.site({ profile, user: undefined });
      return (await host.run(['echo', 'in'])).stdout;
    } finally {
      await connections.close();
    }
  };

  it.each(['rsa', 'ed25519'] as const)('of type %s is asked for once, written for ssh, and lets in', async type => {
    service.keyType = type;
    const { status, shown } = await typed([]);
    expect(status).toBe(0);
    expect(shown).toMatch(/\.ssh\/box: a key for root, valid until 20\d\d-\d\d-\d\d \d\d:\d\d\n/);
    expect(service.asked).toEqual([{ method: 'POST', url: '/create_pair/default/', user: 'root', secret, body: '' }]);
    expect(['box', 'box-cert.pub', 'box.pub'].map(mode)).toEqual(['600', '644', '644']);
    const derived = execFileSync('ssh-keygen', ['-y', '-f', file('box')], { encoding: 'utf8' });
    expect(readFileSync(file('box.pub'), 'utf8').split(' ').slice(0, 2)).toEqual(derived.trim().split(' ').slice(0, 2));
    expect(execFileSync('ssh-keygen', ['-Lf', file('box-cert.pub')], { encoding: 'utf8' })).toContain('kx-issued');
    expect(readdirSync(path.join(home, '.ssh')).filter(name => name.startsWith('box'))).toHaveLength(3);
    expect(await login()).toBe('in\n');
    expect(server.log()).toMatch(/Accepted publickey for root .*-CERT .*kx-issued/);
  });

  it('that has expired: the login says so, and what to type', async () => {
    service.validity = '-3h:-1h';
    await typed([]);
    const error = await login().catch((e: unknown) => e as AuthError);
    expect(error).toBeInstanceOf(AuthError);
    expect(String(error)).toContain(`certificate ${file('box-cert.pub')} expired 60 minutes ago`);
    expect((error as AuthError).hint).toBe('to get a new one: scailfin sshproxy --site box');
  });

  it('that is not there yet: the login says so, and what to type', async () => {
    const error = await login().catch((e: unknown) => e as AuthError);
    expect((error as AuthError).hint).toBe('to get a key: scailfin sshproxy --site box');
  });

  it('replaces the one before, whose certificate goes with it', async () => {
    await typed([]);
    const before = readFileSync(file('box'), 'utf8');
    await typed([]);
    expect(readFileSync(file('box'), 'utf8')).not.toBe(before);
    expect(await login()).toBe('in\n');
  });
});

it('a scope and a shared account name the key, and go to the service', async () => {
  await typed(['--scope', 'workflows']);
  await typed(['--collab', 'team', '--user', 'root']);
  expect(service.asked.map(({ url, body }) => [url, body])).toEqual([
    ['/create_pair/workflows/', ''],
    ['/create_pair/collab/', '{"target_user":"team"}'],
  ]);
  expect(readdirSync(path.join(home, '.ssh')).sort()).toEqual(
    ['team', 'workflows'].flatMap(name => [name, `${name}-cert.pub`, `${name}.pub`]),
  );
});

it('the agent gets it for as long as it is valid', async () => {
  const agent = await RealAgent.start(home);
  try {
    const { status } = await typed(['--agent'], agent.env);
    expect(status).toBe(0);
    const listed = execFileSync('ssh-add', ['-l'], { env: { ...process.env, ...agent.env }, encoding: 'utf8' });
    expect(listed).toContain('RSA-CERT');
  } finally {
    agent.stop();
  }
});

describe('before anything is asked', () => {
  it("somebody's own key is not overwritten", async () => {
    mkdirSync(path.join(home, '.ssh'));
    makeKey(file('id_ed25519'), 'ed25519');
    const { status, stderr } = await quiet(['--out', file('id_ed25519')]);
    expect(status).toBe(2);
    expect(stderr).toContain('has no certificate beside it');
  });

  it.each([
    [['--scope', '../x'], `--scope can't be "../x"`],
    [['--collab', 'a/b'], `--collab can't be "a/b"`],
    [['--user', 'a:b'], `--user can't be "a:b"`],
    [['--site', 'bridges'], 'the profile of bridges names no sshproxy'],
    [['--agent'], 'no SSH agent is running'],
    [[], 'nobody can answer "Password followed by one-time code (root at localhost'],
  ])('%j is seen to be wrong', async (args, message) => {
    const { status, stderr } = await quiet(args);
    expect(status).not.toBe(0);
    expect(stderr).toContain(message);
    expect(service.asked).toEqual([]);
  });
});

describe('a refusal is told in one message, nothing is written, and nothing is tried again:', () => {
  const pem = () =>
    service
      .issue()
      .split('\n')
      .filter(line => !line.includes('-cert-'))
      .join('\n');
  it.each([
    [
      'a wrong code',
      401,
      () => 'Authentication failed. Failed login: root',
      'did not accept the password and one-time code of root: Authentication failed',
      'wait for the next code',
    ],
    [
      'no permission',
      403,
      () => 'not from there',
      'gives root no key for the scope default (403: not from there)',
      'help desk',
    ],
    ['an unknown scope', 404, () => 'Scope not found', 'knows no scope default', 'leave out --scope'],
    ['a fault there', 500, () => '<html>oops</html>', 'failed with status 500', 'try again later'],
    [
      'a detour',
      302,
      () => '',
      'does not answer as an sshproxy does: it answers with status 302',
      'login.certificates.sshproxy',
    ],
    [
      'a web page',
      200,
      () => '<html>Welcome</html>',
      'its answer contains no private key',
      'login.certificates.sshproxy',
    ],
    ['a key alone', 200, pem, 'its answer contains no certificate', 'login.certificates.sshproxy'],
    [
      'a certificate of another key',
      200,
      () => `${pem()}${service.issue().split('\n').at(-2)}\n`,
      'its certificate is for another key',
      'login.certificates.sshproxy',
    ],
    ['what it was told', 401, () => `no: ${secret}`, 'did not accept', 'wait for the next code'],
  ])('%s', async (_what, status, text, message, hint) => {
    service.answer = () => ({ status, text: text() });
    const { status: exit, shown } = await typed([]);
    expect(exit).toBe(status === 404 ? 2 : 1);
    const line = shown.replace(/\n/g, ' ');
    expect(line).toContain(message);
    expect(line).toContain(hint);
    expect(line).not.toContain('PRIVATE KEY');
    expect(service.asked).toHaveLength(1);
    expect(existsSync(path.join(home, '.ssh'))).toBe(false);
  });

  it.each([{ NODE_EXTRA_CA_CERTS: '' }, { NODE_EXTRA_CA_CERTS: '', NODE_TLS_REJECT_UNAUTHORIZED: '0' }])(
    'a service that nobody vouches for, with %j',
    async more => {
      const { status, shown } = await typed([], more);
      expect(status).toBe(1);
      expect(shown).toContain('its TLS certificate is signed by nobody this machine trusts');
      expect(service.asked).toEqual([]);
    },
  );

  it('silence', async () => {
    const silent = net.createServer(socket => socket.on('error', () => {}));
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve));
    const url = `https://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const error = await requestKey({ url, user: 'root', secret, timeoutMs: 300 }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(TimeoutError);
    expect(String(error)).not.toContain(secret);
    silent.close();
  });
});

it('a key that can not be put in place leaves nothing half done', () => {
  const place = path.join(home, 'taken');
  mkdirSync(path.join(place, 'inside'), { recursive: true });
  const certificate = { publicKey: Buffer.from('\0\0\0\u0001x') } as Parameters<typeof writeKey>[1]['certificate'];
  const issued = { privateKey: 'x', certificateLine: 'x', certificate };
  expect(() => writeKey(place, issued)).toThrow(ScailfinError);
  expect(readdirSync(home).sort()).toEqual(['.config', 'taken']);
});
