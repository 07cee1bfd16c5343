import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { sshSettings } from '../../src/hosts/sshconfig.js';
import { parseTarget } from '../../src/hosts/target.js';

let home: string;
beforeEach(() => {
  home = mkdtempSync(path.join(os.tmpdir(), 'scailfin-home-'));
  mkdirSync(path.join(home, '.ssh', 'conf.d'), { recursive: true });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const write = (text: string, file = 'config') => writeFileSync(path.join(home, '.ssh', file), text);
const settings = (host: string, more: object = {}, env: NodeJS.ProcessEnv = {}) =>
  sshSettings({ host, ...more }, { env: { HOME: home, ...env } });

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

it('never runs Match exec, and honours Match host and user', () => {
  const mark = path.join(home, 'ran');
  write(`Match exec "touch ${mark}"\n  User evil\nMatch originalhost a user alice\n  Port 99\n`);
  expect(settings('a', { user: 'alice' }).port).toBe(99);
  expect(settings('a', { user: 'bob' }).port).toBe(22);
  expect(() => rmSync(mark)).toThrow();
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
  expect(() => settings('a')).toThrow(/Port must be a whole number/);
  write('Host a\n HostName "unclosed\n');
  expect(() => settings('a')).toThrow(/\.ssh\/config/);
});

it.each(['', '-oProxyCommand=x', 'a b@', 'h:0', 'h:99999', 'h:x'])('does not take %j for a host', text => {
  expect(() => parseTarget(text)).toThrow(UsageError);
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
