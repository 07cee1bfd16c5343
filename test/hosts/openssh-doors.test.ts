import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { AuthError } from '../../src/errors.js';
import { openHost } from '../../src/hosts/open.js';
import { GridHost } from '../credentials/grid.js';
import { inLab } from '../lab/bundled.js';
import { writeFile } from '../lab/files.js';
import { giveCertificate, gsiPort, openGsiDoor, type Place } from '../lab/gsi.js';
import { labUnavailable } from '../lab/unavailable.js';
import { passphrase, password, secrets, wrongCode } from '../secrets.js';
import { Grid } from './gsi-sshd.js';
import { type Door, PamHost } from './pam.js';
import { ScriptedPrompter } from './prompter.js';
import { makeKey } from './sshd.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const reason = labUnavailable();
const skipped = reason ? ` (skipped: ${reason})` : '';

/** A real sshd over real pam_unix and pam_oath. */
describe.skipIf(reason !== undefined)(`the system's ssh and a second factor${skipped}`, () => {
  let pam: PamHost;
  let home: string;
  let doors: Record<'code' | 'keyAndCode', Door>;
  beforeAll(async () => {
    pam = await PamHost.boot();
    doors = {
      code: await pam.door('keyboard-interactive', 'sshd-mfa', ['Banner /etc/hostname']),
      keyAndCode: await pam.door('publickey,keyboard-interactive', 'sshd-token'),
    };
    home = mkdtempSync(path.join(os.tmpdir(), 'scailfin-doors-'));
    const ssh = path.join(home, '.ssh');
    mkdirSync(ssh);
    const key = makeKey(path.join(ssh, 'id_ed25519'), 'ed25519', passphrase);
    await pam.trust(readFileSync(`${key}.pub`, 'utf8'));
    const lines = Object.entries(doors).map(([name, { port }]) => `Host ${name}\n Port ${port}\n`);
    writeFileSync(path.join(ssh, 'config'), `${lines.join('')}Host *\n HostName 127.0.0.1\n User alice\n`);
    const known = Object.values(doors).map(({ port }) => `[127.0.0.1]:${port} ${pam.hostKey}\n`);
    writeFileSync(path.join(ssh, 'known_hosts'), known.join(''));
  });
  afterAll(async () => {
    await pam?.down();
    if (home) rmSync(home, { recursive: true });
  });

  const login = async (host: string, prompter?: ScriptedPrompter): Promise<void> => {
    const env = { PATH: process.env.PATH, HOME: home };
    const opened = await openHost({ kind: 'ssh', host, transport: 'openssh' }, { env, prompter });
    expect((await opened.run(['id', '-un'])).stdout).toBe('alice\n');
    await opened.close();
  };
  const failure = async (host: string, prompter?: ScriptedPrompter): Promise<AuthError> => {
    const error = await login(host, prompter).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(AuthError);
    const told = JSON.stringify(error) + String((error as Error).stack);
    for (const secret of [...secrets, wrongCode]) expect(told).not.toContain(secret);
    return error as AuthError;
  };
  const asks = (prompter: ScriptedPrompter): string[] => prompter.asked.map(text => text.trim());
  const asksCode = "(alice@127.0.0.1) One-time password (OATH) for `alice':";

  it('password and code are asked in the words of PAM, unseen, each once', async () => {
    const prompter = new ScriptedPrompter([password, await pam.codes.next()]);
    await login('code', prompter);
    expect(asks(prompter)).toEqual(['pam\n(alice@127.0.0.1) Password:', asksCode]);
    expect(prompter.echoed).toEqual([false, false]);
  });

  it('a key goes first, and the code after it', async () => {
    const prompter = new ScriptedPrompter([passphrase, await pam.codes.next()]);
    await login('keyAndCode', prompter);
    expect(prompter.asked[0]).toContain('Enter passphrase for key');
    expect(asks(prompter).slice(1)).toEqual([asksCode]);
  });

  it('a wrong code is typed anew, with the password', async () => {
    const right = await pam.codes.next();
    const prompter = new ScriptedPrompter([password, wrongCode, password, right]);
    await login('code', prompter);
    expect(prompter.asked).toHaveLength(4);
  });

  it('without anybody to answer the error names the question, and nothing was answered', async () => {
    const error = await failure('code');
    expect(error.message).toContain('it asks alice for "(alice@127.0.0.1) Password:", and nobody can answer');
    expect(error.hint).toContain(`scailfin login alice@code:${doors.code.port}`);
    const wrong = await failure('code', new ScriptedPrompter(Array(3).fill([password, wrongCode]).flat()));
    expect(wrong.message).toContain('tried: keyboard-interactive');
    // only the wrong ones were heard
    const failed = async () => (await doors.code.log()).match(/Failed keyboard-interactive\/pam/g)?.length;
    await expect.poll(failed).toBe(4);
  });
});

/** gss/mech(5): how any OpenSSH of Debian's learns of Globus' mechanism. */
const mechanisms = 'globus-gsi-micv2 1.3.6.1.4.1.3536.1.1.1 /usr/lib/x86_64-linux-gnu/libglobus_gssapi_gsi.so.4\n';
/** Debian has no gsissh; its ssh with Globus' library is one. */
const gsissh = '#!/bin/sh\nexec ssh -o GSSAPIAuthentication=yes -o PreferredAuthentications=gssapi-with-mic "$@"\n';
const script = `const { openHost } = await import('/opt/scailfin/src/hosts/open.ts');
const target = { kind: 'ssh', host: 'grid', user: 'alice', port: ${gsiPort}, transport: 'gsissh' };
try {
  const host = await openHost(target);
  process.stdout.write((await host.run(['sh', '-c', 'id -un; kill -KILL $$'], { check: false })).stdout);
  await host.close();
} catch (error) {
  process.stdout.write(JSON.stringify(error));
}`;

describe.skipIf(reason !== undefined)(`gsissh${skipped}`, () => {
  let grid: Grid;
  let there: GridHost;
  beforeAll(async () => {
    grid = new Grid('alice,bob');
    there = await GridHost.up();
    const { host } = there;
    const place: Place = {
      write: (file, content, options) => writeFile(host, file, content, options),
      exec: (argv, options) => host.exec(argv, options),
    };
    await openGsiDoor(place, grid, { name: 'grid', address: '127.0.0.1', doors: [{ port: gsiPort }] });
    await giveCertificate(place, grid);
    await place.write('mech', mechanisms);
    await place.write('/usr/local/bin/gsissh', gsissh, { user: 'root', mode: 0o755 });
    const known = `mkdir -p .ssh; echo "[grid]:${gsiPort} $(cat /etc/ssh/ssh_host_ed25519_key.pub)" >.ssh/known_hosts`;
    await place.exec(['sh', '-c', known]);
  });
  afterAll(async () => {
    await there?.down();
    grid?.remove();
  });

  const enter = async (more: Record<string, string> = {}): Promise<string> => {
    const env = { GSS_MECH_CONFIG: '/home/scail/mech', ...more };
    return (await there.exec(await inLab(script), { env })).stdout;
  };

  it('without a proxy is refused, in the words of Globus', async () => {
    const error = JSON.parse(await enter({ X509_USER_CERT: '/none', X509_USER_KEY: '/none' })) as {
      error: string;
      message: string;
      hint: string;
    };
    expect(error.error).toBe('AuthError');
    expect(error.message).toContain('grid did not accept alice');
    expect(error.message).toMatch(/GSSAPI: .*credential/i);
    expect(error.hint).toContain('gsissh -v');
  });

  it('logs in with a proxy', async () => {
    await there.exec(['grid-proxy-init', '-q']);
    expect(await enter()).toBe('alice\n');
  });
});
