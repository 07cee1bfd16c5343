import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { HostKeyError } from '../../src/errors.js';
import { openHost } from '../../src/hosts/open.js';
import { ScriptedPrompter } from './prompter.js';
import { makeKey, type Sshd, startSshd } from './sshd.js';

vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

let server: Sshd;
let known: string;
beforeEach(async () => {
  server = await startSshd({ hostKeys: ['ed25519', 'rsa', 'ecdsa'] });
  known = path.join(server.home, '.ssh', 'known_hosts');
});
afterEach(() => server.stop());

const publicKey = (file: string) => readFileSync(`${file}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
const login = async (prompter?: ScriptedPrompter) => {
  const host = await openHost({ kind: 'ssh', host: 'box' }, { env: server.env, prompter });
  await host.run(['true']);
  await host.close();
};
const failure = async (prompter?: ScriptedPrompter): Promise<HostKeyError> => {
  const error = await login(prompter).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(HostKeyError);
  return error as HostKeyError;
};
const print = (file: string) =>
  execFileSync('ssh-keygen', ['-lf', `${file}.pub`], { encoding: 'utf8' }).split(' ')[1] as string;
const configure = (line: string) => writeFileSync(server.configFile, `\nHost *\n  ${line}\n`, { flag: 'a' });

it('refuses an unknown host where nobody can answer, and says what to type', async () => {
  rmSync(known);
  const error = await failure();
  expect(error.message).toContain(print(server.hostKeyFile));
  expect(error.hint).toContain(`ssh-keyscan -p ${server.port} 127.0.0.1`);
  expect(error.hint).toContain(`ssh -p ${server.port} ${server.user}@127.0.0.1`);
});

it('asks about an unknown host as ssh does, and remembers it (0600)', async () => {
  rmSync(known);
  configure('HashKnownHosts no'); // Debian's /etc/ssh/ssh_config says yes
  const prompter = new ScriptedPrompter([]);
  await login(prompter);
  expect(prompter.asked[0]).toContain(print(server.hostKeyFile));
  expect(readFileSync(known, 'utf8')).toBe(`[127.0.0.1]:${server.port} ${publicKey(server.hostKeyFile)}\n`);
  expect(statSync(known).mode & 0o777).toBe(0o600);
  await login();
});

it('takes no for an answer', async () => {
  rmSync(known);
  await failure(new ScriptedPrompter([], false));
});

it('adds to a file that lacks its last newline', async () => {
  writeFileSync(known, `other.example.org ${publicKey(server.hostKeyFile)}`);
  await login(new ScriptedPrompter([]));
  expect(readFileSync(known, 'utf8').split('\n')).toHaveLength(3);
});

it('writes and reads hashed names, as ssh-keygen does', async () => {
  rmSync(known);
  configure('HashKnownHosts yes');
  await login(new ScriptedPrompter([]));
  expect(readFileSync(known, 'utf8')).toMatch(/^\|1\|/);
  const found = execFileSync('ssh-keygen', ['-F', `[127.0.0.1]:${server.port}`, '-f', known], { encoding: 'utf8' });
  expect(found).toContain('found: line 1');
  await login();
  writeFileSync(known, `[127.0.0.1]:${server.port} ${publicKey(server.hostKeyFile)}\n`);
  execFileSync('ssh-keygen', ['-H', '-f', known], { stdio: 'ignore' });
  await login();
});

it('refuses a changed key always, with both fingerprints and the line', async () => {
  const old = makeKey(path.join(server.dir, 'old'), 'ed25519');
  writeFileSync(known, `# comment\n[127.0.0.1]:${server.port} ${publicKey(old)}\n`);
  configure('StrictHostKeyChecking no');
  const error = await failure(new ScriptedPrompter([]));
  expect(error.message).toContain(print(old));
  expect(error.message).toContain(print(server.hostKeyFile));
  expect(error.message).toContain(`${known}:2`);
  expect(error.hint).toMatch(/only if the site confirms it: ssh-keygen -R '\[127\.0\.0\.1\]:\d+' -f /);
});

it('refuses a revoked key', async () => {
  writeFileSync(known, `@revoked * ${publicKey(server.hostKeyFile)}\n`, { flag: 'a' });
  expect((await failure(new ScriptedPrompter([]))).message).toContain('revoked');
});

it.each(['rsa', 'ecdsa'])('asks a server with several keys for the %s key that is known', async type => {
  writeFileSync(known, `[127.0.0.1]:${server.port} ${publicKey(path.join(server.dir, `host_${type}`))}\n`);
  await login();
});

it('knows wildcards, negation, bare names for other ports, and skips authorities', async () => {
  const key = publicKey(server.hostKeyFile);
  const other = publicKey(makeKey(path.join(server.dir, 'ca'), 'ed25519'));
  writeFileSync(known, `@cert-authority * ${other}\n[127.0.0.*]:* ${key}\n`);
  await login();
  writeFileSync(known, `127.0.0.1 ${key}\n`);
  await login();
  writeFileSync(known, `[127.0.0.*]:*,![127.0.0.1]:${server.port} ${key}\n`);
  await failure();
});

it('accepts new hosts without a question only when told so', async () => {
  rmSync(known);
  configure('StrictHostKeyChecking accept-new');
  await login();
  expect(readFileSync(known, 'utf8')).toContain(publicKey(server.hostKeyFile));
});

it('never asks with StrictHostKeyChecking yes', async () => {
  rmSync(known);
  configure('StrictHostKeyChecking yes');
  const prompter = new ScriptedPrompter([]);
  await failure(prompter);
  expect(prompter.asked).toEqual([]);
});

it('looks a host up by its HostKeyAlias', async () => {
  writeFileSync(known, `alias.example.org ${publicKey(server.hostKeyFile)}\n`);
  configure('HostKeyAlias alias.example.org');
  await login();
});
