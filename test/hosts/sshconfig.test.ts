import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { offerOf } from '../../src/hosts/algorithms.js';
import { route } from '../../src/hosts/route.js';
import { sshSettings } from '../../src/hosts/sshconfig.js';
import { parseTarget } from '../../src/hosts/target.js';
import { gone } from './suite.js';

let home: string;
beforeEach(() => {
  home = mkdtempSync(path.join(os.tmpdir(), 'scailfin-home-'));
  mkdirSync(path.join(home, '.ssh', 'conf.d'), { recursive: true });
  vi.stubEnv('XDG_CACHE_HOME', path.join(home, '.cache'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});

const write = (text: string, file = 'config') => writeFileSync(path.join(home, '.ssh', file), text);

/** A PATH in which there is no ssh. */
const without = '/nonexistent';
const readers = [
  { reader: "the system's ssh", path: process.env.PATH, by: { program: 'ssh' } },
  { reader: 'scailfin alone', path: without, by: { none: 'no ssh here can be asked' } },
];

describe.each(readers)('read by $reader', ({ path: PATH, by }) => {
  const settings = (host: string, more: object = {}, env: NodeJS.ProcessEnv = {}) =>
    sshSettings({ host, ...more }, { env: { HOME: home, PATH, ...env } });

  it('knows the defaults', () => {
    const found = settings('login.example.org');
    expect(found).toMatchObject({
      host: 'login.example.org',
      port: 22,
      user: os.userInfo().username,
      jumps: [],
      strict: 'ask',
      identitiesNamed: false,
      agent: undefined,
    });
    expect(found).toMatchObject({ algorithms: {}, readBy: by });
    expect(found.identityFiles).toContain(path.join(home, '.ssh', 'id_ed25519'));
    expect(found.knownHosts[0]).toBe(path.join(home, '.ssh', 'known_hosts'));
  });

  it('takes the first value that fits, and all identity files', () => {
    write(`
Host hpc
  HostName %h.example.org
  User alice
  Port 2222
  IdentityFile ~/.ssh/%r@%h
  IdentityFile "%d/with space"
  IdentitiesOnly yes
  UserKnownHostsFile ~/.ssh/one ~/.ssh/two
  ConnectTimeout 7
  ServerAliveInterval 20
Host *
  User bob
  IdentityFile ~/.ssh/last
  StrictHostKeyChecking no
`);
    expect(settings('hpc')).toMatchObject({
      host: 'hpc.example.org',
      user: 'alice',
      port: 2222,
      identityFiles: [
        path.join(home, '.ssh/alice@hpc.example.org'),
        path.join(home, 'with space'),
        path.join(home, '.ssh/last'),
      ],
      identitiesOnly: true,
      knownHosts: [path.join(home, '.ssh/one'), path.join(home, '.ssh/two')],
      connectTimeoutMs: 7000,
      keepaliveS: 20,
      strict: 'accept-new',
    });
    expect(settings('hpc', { user: 'carol', port: 23 })).toMatchObject({ user: 'carol', port: 23 });
    expect(settings('else').user).toBe('bob');
  });

  it('follows Include in place, within its block, with wildcards', () => {
    write('Include conf.d/*.conf\nUser last\nHost b\n  Include only-b\n  Port 5\n');
    write('Host a\n  User from-a\n', 'conf.d/1.conf');
    write('Host c\n  User from-c\n', 'conf.d/2.conf');
    write('Host c\n  User hidden\n', 'conf.d/.hidden.conf');
    write('Port 77\n', 'only-b');
    expect(settings('a')).toMatchObject({ user: 'from-a', port: 22 });
    expect(settings('c').user).toBe('from-c');
    expect(settings('b')).toMatchObject({ user: 'last', port: 77 });
    write('Include config\n');
    expect(() => settings('a')).toThrow(UsageError);
  });

  it('honours Match host and user', () => {
    write('Match originalhost a user alice\n  Port 99\n');
    expect(settings('a', { user: 'alice' }).port).toBe(99);
    expect(settings('a', { user: 'bob' }).port).toBe(22);
  });

  it('does not go to the jump host by way of itself', () => {
    write('Host *\n ProxyJump gate\n');
    expect(route({ host: 'gate' }, { env: { HOME: home, PATH } }).map(hop => hop.alias)).toEqual(['gate']);
    expect(route({ host: 'far' }, { env: { HOME: home, PATH } }).map(hop => hop.alias)).toEqual(['gate', 'far']);
  });

  it('tells which algorithms are wished for', () => {
    write(`
Host old
  KexAlgorithms +diffie-hellman-group14-sha1
  PubkeyAcceptedKeyTypes +ssh-rsa
  HostKeyAlgorithms ssh-rsa
`);
    expect(settings('other').algorithms).toEqual({});
    const { algorithms } = settings('old');
    expect(Object.keys(algorithms).sort()).toEqual(['hostKeys', 'kex', 'signatures']);
    const offer = offerOf(algorithms);
    expect(offer.kex).toEqual(expect.arrayContaining(['curve25519-sha256', 'diffie-hellman-group14-sha1']));
    expect(offer.signatures).toEqual(expect.arrayContaining(['ssh-ed25519', 'rsa-sha2-512', 'ssh-rsa']));
    expect(offer).toMatchObject({ hostKeys: ['ssh-rsa'], ciphers: undefined, macs: undefined });
  });

  it('reads paths with spaces', () => {
    write('Host a\n UserKnownHostsFile ~/.ssh/one "~/.ssh/the second"\n');
    expect(settings('a').knownHosts).toEqual([path.join(home, '.ssh/one'), path.join(home, '.ssh/the second')]);
    expect(settings('b').knownHosts[0]).toBe(path.join(home, '.ssh/known_hosts'));
  });

  it('reads ProxyJump lists', () => {
    write('Host a\n ProxyJump u@one:2200,ssh://two,[::1]:22\nHost b\n ProxyJump none\nHost *\n ProxyJump gate\n');
    expect(settings('a').jumps).toEqual([
      { user: 'u', host: 'one', port: 2200 },
      { host: 'two' },
      { host: '::1', port: 22 },
    ]);
    expect(settings('b').jumps).toEqual([]);
    expect(settings('c').jumps).toEqual([{ host: 'gate' }]);
  });

  it('finds the agent', () => {
    const env = { SSH_AUTH_SOCK: '/run/agent', MINE: '/run/mine' };
    write('Host a\n IdentityAgent none\nHost b\n IdentityAgent $MINE\nHost c\n IdentityAgent ~/sock\n');
    expect(settings('x', {}, env).agent).toBe('/run/agent');
    expect(settings('a', {}, env).agent).toBeUndefined();
    expect(settings('b', {}, env).agent).toBe('/run/mine');
    expect(settings('c', {}, env).agent).toBe(path.join(home, 'sock'));
  });

  it('says which value it can not use', () => {
    write('Port many\n');
    expect(() => settings('a')).toThrow(/Port must be a whole number|\.ssh\/config line 1: Bad port 'many'/);
    write('Host a\n HostName "unclosed\n');
    expect(() => settings('a')).toThrow(/\.ssh\/config/);
  });

  it('knows which methods may be tried, and in what order', () => {
    write(`
Host token
  PreferredAuthentications keyboard-interactive,publickey
Host keys
  PasswordAuthentication no
  ChallengeResponseAuthentication no
  CertificateFile ~/.ssh/%r-cert.pub
Host words
  PubkeyAuthentication no
  User alice
`);
    expect(settings('other').methods).toEqual(['gssapi-with-mic', 'publickey', 'keyboard-interactive', 'password']);
    expect(settings('token').methods).toEqual(['keyboard-interactive', 'publickey']);
    expect(settings('keys', { user: 'alice' })).toMatchObject({
      methods: ['gssapi-with-mic', 'publickey'],
      certificateFiles: [path.join(home, '.ssh', 'alice-cert.pub')],
    });
    expect(settings('words').methods).toEqual(['gssapi-with-mic', 'keyboard-interactive', 'password']);
  });
});

describe('Match exec', () => {
  const configured = `Match host login.example.org exec "true"
  User execuser
Match host login.example.org exec "false"
  User nobody
Host *
  User default
`;
  const env = () => ({ HOME: home, PATH: process.env.PATH });

  it('is run by ssh where there is one, and what it prints changes nothing', () => {
    write(configured.replace('"true"', '"echo user intruder; echo port 99 >&2"'));
    expect(sshSettings({ host: 'login.example.org' }, { env: env() })).toMatchObject({ user: 'execuser', port: 22 });
    expect(sshSettings({ host: 'other.example.org' }, { env: env() }).user).toBe('default');
  });

  it('counts in an included file, and a mistake there is told with its file', () => {
    write('Include conf.d/*\n');
    write(configured, 'conf.d/1');
    expect(sshSettings({ host: 'login.example.org' }, { env: env() }).user).toBe('execuser');
    write('\nInclude conf.d/*\n');
    write('\nFrobnicate yes\n', 'conf.d/1');
    const told = new RegExp(`^ssh can't use its configuration for x: ${home}/.ssh/conf.d/1: line 2: .*frobnicate$`);
    expect(() => sshSettings({ host: 'x' }, { env: env() })).toThrow(told);
  });

  it('is passed over by our own reader', () => {
    const mark = path.join(home, 'ran');
    write(`Match exec "touch ${mark}"\n  User evil\nHost *\n  User default\n`);
    expect(sshSettings({ host: 'a' }, { env: { HOME: home, PATH: without } }).user).toBe('default');
    expect(() => rmSync(mark)).toThrow();
  });

  it('that hangs is ended with all that it started, and is told', async () => {
    const pids = path.join(home, 'pids');
    write(`Match exec "echo $$ >>${pids}; sleep 300 & echo $! >>${pids}; wait"\n  User late\n`);
    const asked = () => sshSettings({ host: 'slow' }, { env: env(), patienceMs: 500 });
    expect(asked).toThrow(/^ssh did not say in 0\.5 s what its configuration means for slow: a command of Match exec/);
    const started = readFileSync(pids, 'utf8').trim().split('\n').map(Number);
    expect(started).toHaveLength(2);
    await gone(started);
  });
});

it('asks ssh once for a host, and again when its file has changed', () => {
  const count = path.join(home, 'count');
  write(`Match exec "echo x >>${count}"\n  User alice\n`);
  const asked = () => sshSettings({ host: 'often' }, { env: { HOME: home, PATH: process.env.PATH } }).user;
  expect([asked(), asked(), asked()]).toEqual(['alice', 'alice', 'alice']);
  expect(readFileSync(count, 'utf8')).toBe('x\n');
  write('User bob\n');
  expect(asked()).toBe('bob');
});

it.each([
  ['is another client', 'echo "Dropbear SSH client v2022.83"; exit 1'],
  ['is older than -G', 'echo "ssh: illegal option -- G" >&2; exit 255'],
])('reads the files itself if the program named ssh %s', (_, script) => {
  const PATH = programs('ssh', script);
  write('Host a\n  Port 77\n');
  const found = sshSettings({ host: 'a' }, { env: { HOME: home, PATH } });
  expect(found).toMatchObject({ port: 77, readBy: { none: 'no ssh here can be asked' } });
});

/** A directory with a program of that name. */
function programs(name: string, script: string): string {
  const bin = path.join(home, 'bin');
  mkdirSync(bin);
  writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return bin;
}

it('understands the keywords of older versions, and paths that they leave as written', () => {
  const answer = `user alice
hostname login.example.org
port 22
challengeresponseauthentication no
pubkeyauthentication yes
passwordauthentication no
serveraliveinterval 0
pubkeyacceptedkeytypes ssh-ed25519,ssh-rsa
identityfile ~/.ssh/id_rsa
userknownhostsfile ~/.ssh/known_hosts ~/.ssh/known_hosts2`;
  const defaults = answer
    .replace('alice', os.userInfo().username)
    .replace(/(challenge\w+|password\w+) no/g, '$1 yes')
    .replace(',ssh-rsa', '');
  const PATH = programs('ssh', `case "$*" in *localhost) echo '${defaults}' ;; *) echo '${answer}' ;; esac`);
  expect(sshSettings({ host: 'login' }, { env: { HOME: home, PATH } })).toMatchObject({
    host: 'login.example.org',
    user: 'alice',
    methods: ['gssapi-with-mic', 'publickey'],
    algorithms: { signatures: 'ssh-ed25519,ssh-rsa' },
    identitiesNamed: false,
    keepaliveS: undefined,
    knownHosts: [path.join(home, '.ssh/known_hosts'), path.join(home, '.ssh/known_hosts2')],
  });
});

it('reads itself what an ssh without GSSAPI leaves out', () => {
  const PATH = programs('ssh', '/usr/bin/ssh "$@" | /usr/bin/grep -v ^gss');
  write('Host a\n GSSAPIAuthentication yes\n GSSAPIDelegateCredentials yes\n');
  const found = sshSettings({ host: 'a' }, { env: { HOME: home, PATH } });
  expect(found).toMatchObject({ gsi: { delegate: true }, readBy: { program: 'ssh' } });
});

it('asks gsissh for a host that gsissh connects to', () => {
  const PATH = programs('gsissh', 'exec /usr/bin/ssh "$@"');
  write('Port 78\n');
  const found = sshSettings({ host: 'a', transport: 'gsissh' }, { env: { HOME: home, PATH } });
  expect(found).toMatchObject({ port: 78, readBy: { program: 'gsissh' } });
});

it('leaves no copies of the configuration behind', () => {
  write('Port 79\n');
  sshSettings({ host: 'a' }, { env: { HOME: home, PATH: process.env.PATH } });
  expect(readdirSync(path.join(home, '.cache/scailfin/scratch'))).toEqual([]);
});

it.each(['', '-oProxyCommand=x', 'a b@', 'h:0', 'h:99999', 'h:x'])('does not take %j for a host', text => {
  expect(() => parseTarget(text)).toThrow(UsageError);
});
