import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { passphrase, wrongPassphrase } from '../secrets.js';
import { Terminal } from '../terminal.js';
import { ec, temporaryCa } from './ca.js';

const bin = fileURLToPath(new URL('../../bin/scailfin.js', import.meta.url));

let grid: ReturnType<typeof temporaryCa>;
beforeAll(() => {
  grid = temporaryCa(ec);
});
afterAll(() => grid.dispose());

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(grid.dir, 'home-'));
  mkdirSync(join(home, '.globus'));
  const { cert, key } = grid.ca.issue({ subject: '/O=Grid/CN=Scail User' });
  const export_ = ['pkcs12', '-export', '-in', cert, '-inkey', key, '-out', join(home, '.globus/usercred.p12')];
  const { status } = spawnSync('openssl', [...export_, '-passout', 'stdin'], { input: `${passphrase}\n` });
  expect(status).toBe(0);
});
afterEach(() => rmSync(home, { recursive: true }));

const started = (...argv: string[]): Terminal =>
  Terminal.start([process.execPath, bin, 'proxy', ...argv], {
    ...{ PATH: process.env.PATH, HOME: home, LOGNAME: 'jdoe' },
    ...{ X509_CERT_DIR: grid.trust, X509_USER_PROXY: join(home, 'proxy') },
  });

describe('at a terminal', () => {
  it('a passphrase is asked for, again when it is wrong, and never shown', async () => {
    const terminal = started('init');
    await terminal.until(/\? Enter passphrase for \S+usercred\.p12:/);
    terminal.type(`${wrongPassphrase}\r`);
    // the prompt is drawn anew for each key, and what is typed between two prompts is echoed by the terminal itself
    await terminal.until(/✔ Enter passphrase[^?]+\? Enter passphrase for \S+usercred\.p12:/);
    terminal.type(`${passphrase}\r`);
    expect(await terminal.end()).toBe(0);
    expect(terminal.shown).toContain('proxy of /O=Grid/CN=Scail User\n');
    expect(terminal.shown).not.toMatch(/kx-/);
    expect(readFileSync(join(home, 'proxy'), 'latin1')).toContain('BEGIN CERTIFICATE');
  });

  it('Ctrl-C leaves nothing', async () => {
    const terminal = started('init');
    await terminal.until(/Enter passphrase/);
    terminal.type('\u0003');
    expect(await terminal.end()).not.toBe(0);
    expect(existsSync(join(home, 'proxy'))).toBe(false);
    expect(terminal.shown).not.toContain('bug in scailfin');
  });

  it('a new passphrase is typed twice, and a short one not sent', async () => {
    const differing = started('store', '--server', 'localhost:1');
    await differing.until(/Enter passphrase for/);
    differing.type(`${passphrase}\r`);
    await differing.until(/Enter a new passphrase for jdoe at localhost:/);
    differing.type(`${passphrase}\r`);
    await differing.until(/Again:/);
    differing.type(`${wrongPassphrase}\r`);
    expect(await differing.end()).toBe(1);
    expect(differing.shown).toContain('the two passphrases differ');

    const short = started('logon', '--server', 'localhost:1');
    await short.until(/Enter MyProxy passphrase of jdoe at localhost:/);
    short.type('12345\r');
    expect(await short.end()).toBe(2);
    expect(short.shown).toContain('at least 6 characters');
  });
});
