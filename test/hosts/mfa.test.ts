import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { AuthError } from '../../src/errors.js';
import { openHost } from '../../src/hosts/open.js';
import { labUnavailable } from '../lab/lab.js';
import { passphrase, password, secrets, wrongCode, wrongPassword } from '../secrets.js';
import { type Door, PamHost } from './pam.js';
import { ScriptedPrompter } from './prompter.js';
import { makeKey } from './sshd.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const unavailable = labUnavailable();

/** A real sshd over real pam_unix and pam_oath; the codes come from oathtool. */
describe.skipIf(unavailable)(`with a second factor${unavailable ? ` (skipped: ${unavailable})` : ''}`, () => {
  let pam: PamHost;
  let home: string;
  let key: string;
  let doors: Record<'code' | 'anything' | 'keyAndCode' | 'keyAndPassword' | 'keyThenBoth' | 'impatient', Door>;
  beforeAll(async () => {
    pam = await PamHost.boot();
    doors = {
      code: await pam.door('keyboard-interactive', 'sshd-mfa', ['Banner /etc/hostname']),
      anything: await pam.door('any', 'sshd-mfa'),
      keyAndCode: await pam.door('publickey,keyboard-interactive', 'sshd-token'),
      keyAndPassword: await pam.door('publickey,password', 'sshd-password'),
      keyThenBoth: await pam.door('publickey,password,keyboard-interactive', 'sshd-password'),
      impatient: await pam.door('keyboard-interactive', 'sshd-mfa', ['MaxAuthTries 2']),
    };
  });
  afterAll(() => pam?.down());
  beforeEach(async () => {
    home = mkdtempSync(path.join(os.tmpdir(), 'scailfin-mfa-'));
    mkdirSync(path.join(home, '.ssh'));
    key = makeKey(path.join(home, '.ssh', 'id_ed25519'), 'ed25519', passphrase);
    await pam.trust(readFileSync(`${key}.pub`, 'utf8'));
    const known = Object.values(doors).flatMap(({ port, inside }) => [port, inside]);
    writeFileSync(
      path.join(home, '.ssh', 'known_hosts'),
      known.map(port => `[127.0.0.1]:${port} ${pam.hostKey}\n`).join(''),
    );
    const hosts = Object.entries(doors).map(([name, { port }]) => `Host ${name}\n Port ${port}\n`);
    writeFileSync(path.join(home, '.ssh', 'config'), `${hosts.join('')}Host *\n HostName 127.0.0.1\n User alice\n`);
  });
  afterEach(() => rmSync(home, { recursive: true }));

  const login = async (name: string, prompter?: ScriptedPrompter): Promise<void> => {
    const host = await openHost({ kind: 'ssh', host: name }, { env: { HOME: home }, prompter });
    expect((await host.run(['id', '-un'])).stdout).toBe('alice\n');
    await host.close();
  };
  /** The error; none of the secrets is in it. */
  const failure = async (name: string, prompter?: ScriptedPrompter): Promise<AuthError> => {
    const error = await login(name, prompter).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(AuthError);
    const told = JSON.stringify(error) + String((error as Error).stack);
    for (const secret of [...secrets, wrongCode]) expect(told).not.toContain(secret);
    return error as AuthError;
  };
  const configure = (text: string) =>
    writeFileSync(path.join(home, '.ssh', 'config'), `${text}\n${readFileSync(path.join(home, '.ssh', 'config'))}`);
  const says = (host: string, prompt: string) => `(alice@${host}) ${prompt}`;
  const asksPassword = says('127.0.0.1', 'Password: ');
  const asksCode = says('127.0.0.1', "One-time password (OATH) for `alice': ");

  it('password and code are asked in the words of PAM, unseen, each once', async () => {
    const prompter = new ScriptedPrompter([password, await pam.codes.next()]);
    await login('code', prompter);
    expect(prompter.asked).toEqual([asksPassword, asksCode]);
    expect(prompter.echoed).toEqual([false, false]);
  });

  it('a key goes first, and the code after it', async () => {
    const prompter = new ScriptedPrompter([passphrase, await pam.codes.next()]);
    await login('keyAndCode', prompter);
    expect(prompter.asked).toEqual([`Enter passphrase for key '${key}': `, asksCode]);
    expect(await doors.keyAndCode.log()).toMatch(/Partial publickey for alice/);
  });

  it('a key and a password', async () => {
    const prompter = new ScriptedPrompter([passphrase, password]);
    await login('keyAndPassword', prompter);
    expect(prompter.asked[1]).toBe("alice@127.0.0.1's password: ");
  });

  it('a key, a password, and what PAM asks: three in a row', async () => {
    const prompter = new ScriptedPrompter([passphrase, password, password]);
    await login('keyThenBoth', prompter);
    expect(prompter.asked).toHaveLength(3);
  });

  it('a key that is not known: nobody is asked for a code', async () => {
    await pam.trust('');
    const prompter = new ScriptedPrompter([]);
    const error = await failure('keyAndCode', prompter);
    expect(error.message).toContain('the server takes: publickey');
    expect(prompter.asked).toEqual([]);
  });

  it('a wrong code is not sent again: the person types everything anew', async () => {
    const right = await pam.codes.next();
    const prompter = new ScriptedPrompter([password, wrongCode, password, right]);
    await login('code', prompter);
    expect(prompter.asked).toEqual([
      asksPassword,
      asksCode,
      `That was not accepted; try again.\n${asksPassword}`,
      asksCode,
    ]);
  });

  let rounds = 0;
  it.each([
    ['code', [password, wrongCode]],
    ['password', [wrongPassword, '123456']],
  ])('a wrong %s, three times: no more is asked, nothing is tried as a password', async (_what, answers) => {
    await pam.trust('');
    const error = await failure('anything', new ScriptedPrompter([...answers, ...answers, ...answers]));
    expect(error.message).toContain('the server takes: publickey, password, keyboard-interactive');
    expect(error.message).toContain(`tried: key ${key}, keyboard-interactive`);
    expect(error.hint).toContain('ssh -v');
    const failed = async () => (await doors.anything.log()).match(/Failed keyboard-interactive\/pam/g)?.length;
    await expect.poll(failed).toBe(3 * ++rounds);
    expect(await doors.anything.log()).not.toMatch(/method password/);
  });

  it('a code that was used is refused by the site, and an answer is typed for each round', async () => {
    const used = await pam.codes.next();
    await login('code', new ScriptedPrompter([password, used]));
    const prompter = new ScriptedPrompter([password, used, password, await pam.codes.next()]);
    await login('code', prompter);
    expect(prompter.asked).toHaveLength(4);
  });

  it('a server that hangs up after too many tries: the error is its own words', async () => {
    const prompter = new ScriptedPrompter([password, wrongCode, password, wrongCode, password, wrongCode]);
    const error = await failure('impatient', prompter);
    expect(error.message).toMatch(/Too many authentication failures/);
  });

  it('without a terminal the error names the question, and nothing was answered', async () => {
    const before = (await doors.code.log()).length;
    const error = await failure('code');
    expect(error.message).toContain('it asks alice for "Password:", and nobody can answer');
    expect(error.message).toContain('the server says: pam');
    expect(error.hint).toBe(
      `on a terminal, scailfin login alice@code:${doors.code.port} asks once for all later commands; or name a key with IdentityFile in ~/.ssh/config`,
    );
    expect((await doors.code.log()).slice(before)).not.toContain('Failed keyboard-interactive/pam');
  });

  it.each([
    ['the gate', 'keyAndCode', 'keyAndPassword'],
    ['the host behind it', 'keyAndPassword', 'code'],
  ] as const)('on the way through a gate: %s asks for a code', async (_where, gate, inner) => {
    configure(`Host inner\n Port ${doors[inner].inside}\n ProxyJump ${gate}\n`);
    execFileSync('ssh-keygen', ['-q', '-p', '-P', passphrase, '-N', '', '-f', key], { stdio: 'ignore' });
    const answers = {
      keyAndCode: async () => [await pam.codes.next()],
      keyAndPassword: async () => [password],
      code: async () => [password, await pam.codes.next()],
    };
    const prompter = new ScriptedPrompter([...(await answers[gate]()), ...(await answers[inner]())]);
    await login('inner', prompter);
    const wanted = {
      keyAndCode: [asksCode],
      keyAndPassword: ["alice@127.0.0.1's password: "],
      code: [asksPassword, asksCode],
    };
    expect(prompter.asked).toEqual([...wanted[gate], ...wanted[inner]]);
  });

  it('an account that has ended: the server says why', async () => {
    await pam.host.exec(['usermod', '--expiredate', '1', 'bob'], { user: 'root' });
    configure('Host code\n User bob\n');
    const error = await failure(
      'code',
      new ScriptedPrompter([password, await pam.codes.next(), ...Array(9).fill('x')]),
    );
    expect(error.message).toContain('the server says: Your account has expired');
  });
});
