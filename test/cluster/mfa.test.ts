import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { type Codes, equip } from '../lab/mfa.js';
import { password, secrets, wrongCode } from '../secrets.js';
import { onTerminal, Terminal } from '../terminal.js';
import { scailfin } from './helpers/cluster.js';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const reason = labUnavailable();
const root = { user: 'root' };
const site = 'lab-slurm';

/** After the key, the site wants the password and a code of the token, from each connection. */
const policy = `PAMServiceName sshd-mfa
KbdInteractiveAuthentication yes
AuthenticationMethods publickey,keyboard-interactive
`;

describe.skipIf(reason !== undefined)(`a site with a second factor${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  let codes: Codes;
  const used: string[] = [];
  beforeAll(async () => {
    lab = await Lab.up();
    codes = await equip((argv, options) => lab.exec('login', argv, options), ['alice']);
    await lab.write('login', '/etc/ssh/sshd_config.d/00-mfa.conf', policy, root);
    const restart = 'kill "$(cat /run/sshd.pid)"; sleep 0.5; exec /usr/sbin/sshd -E /var/log/sshd.log';
    await lab.exec('login', ['sh', '-c', restart], root);
  });
  afterAll(() => lab?.down());

  const typing = (args: readonly string[]): Terminal =>
    new Terminal(lab.spawn('laptop', onTerminal(['scailfin', ...args]), { env: { TERM: 'xterm' } }));
  /** Answers as a person does, once. @returns all that was on the screen */
  const answered = async (args: readonly string[]): Promise<string> => {
    const terminal = typing(args);
    await terminal.until(/\(alice@login\) Password:/);
    terminal.type(`${password}\r`);
    await terminal.until(/\(alice@login\) One-time password \(OATH\) for `alice':/);
    const code = await codes.next();
    used.push(code);
    terminal.type(`${code}\r`);
    const status = await terminal.end(150_000);
    const { shown } = terminal;
    for (const secret of [...secrets, ...used]) expect(shown).not.toContain(secret);
    expect({ status, shown }).toMatchObject({ status: 0 });
    return shown;
  };
  const logins = async (): Promise<number> => {
    const { stdout } = await lab.exec('login', ['cat', '/var/log/sshd.log'], root);
    expect(stdout).not.toContain('Failed keyboard-interactive');
    return stdout.match(/Accepted keyboard-interactive\/pam for alice/g)?.length ?? 0;
  };

  test('without a terminal: the error names the question, and what to type', async () => {
    const args = ['up', '--site', site, '--headnode', 'login', '--nodes', '1', '--walltime', '10m'];
    const { exitCode, stderr } = await scailfin(lab, 'laptop', args, { check: false });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('it asks alice for "Password:", and nobody can answer');
    expect(stderr).toContain('scailfin login alice@login');
  });

  test('up asks once, for the one connection it makes', async () => {
    const shown = await answered(['up', '--site', site, '--headnode', 'login', '--nodes', '1', '--walltime', '10m']);
    expect(shown).toContain('running. 1 of 1 glide-ins has joined');
    expect(await logins()).toBe(1);
  });

  test('a login that is kept is asked once for all later commands', async () => {
    await answered(['login', site]);
    expect((await scailfin(lab, 'laptop', ['status', site])).stdout).toContain('1 of 1');
    await scailfin(lab, 'laptop', ['down', site]);
    expect(await logins()).toBe(2);
    await scailfin(lab, 'laptop', ['logout', site]);
    // the process that kept it takes a moment to go
    await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
  });

  test('a wrong code: the person is told, and asked anew; Ctrl-C ends it', async () => {
    const terminal = typing(['login', site]);
    await terminal.until(/\(alice@login\) Password:/);
    terminal.type(`${password}\r`);
    await terminal.until(/One-time password/);
    terminal.type(`${wrongCode}\r`);
    await terminal.until(/That was not accepted; try again\.\n.*\(alice@login\) Password:/);
    terminal.type('\u0003');
    expect(await terminal.end()).toBe(130);
    expect(terminal.shown).not.toContain(wrongCode);
  });

  test('nothing that was typed is in any file', async () => {
    const words = [...secrets, ...used].flatMap(word => ['-e', word]);
    for (const host of ['laptop', 'login'] as const) {
      const search = ['grep', '-rlF', ...words, '/home', '/tmp', '/run', '/var/log', '/root'];
      const { stdout } = await lab.exec(host, search, { ...root, check: false });
      expect(stdout).toBe('');
    }
  });
});
