import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { asked, listed } from '../../src/credentials/passphrases.js';
import type { CertificateError } from '../../src/credentials/x509/problem.js';
import { type IdentityFiles, loadIdentity } from '../../src/credentials/x509/user.js';
import { AuthError, ScailfinError } from '../../src/errors.js';
import { ScriptedPrompter } from '../hosts/prompter.js';
import { passphrase, secrets, wrongPassphrase } from '../secrets.js';
import { ec, type Issued, temporaryCa } from './ca.js';
import { derOf, privateKeyOf } from './read.js';

const nobody = asked(undefined, 'run it on a terminal');
const right = () => listed(`${passphrase}\n`, 'the test');
const subject = '/O=Grid/OU=a+UID=scail/CN=Jürgen';

let grid: ReturnType<typeof temporaryCa>;
let user: Issued;
let elliptic: Issued;
beforeAll(() => {
  grid = temporaryCa();
  user = grid.ca.issue({ subject });
  elliptic = grid.ca.issue({ subject, key: ec });
});
afterAll(() => grid.dispose());

let home: string;
let globus: string;
beforeEach(() => {
  home = mkdtempSync(join(grid.dir, 'home-'));
  globus = join(home, '.globus');
  mkdirSync(globus);
});
afterEach(() => rmSync(home, { recursive: true }));

const load = (files: IdentityFiles = {}, passphrases = nobody, env: NodeJS.ProcessEnv = {}) =>
  loadIdentity(files, passphrases, { HOME: home, ...env });

async function failure(...args: Parameters<typeof load>): Promise<ScailfinError> {
  const error = await load(...args).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ScailfinError);
  const text = `${JSON.stringify(error)}${(error as Error).stack}${String((error as Error).cause)}`;
  for (const secret of secrets) expect(text).not.toContain(secret);
  return error as ScailfinError;
}

/** Runs openssl with passphrases that nobody can see. */
function withPassphrase(...args: string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { input: `${passphrase}\n${passphrase}\n`, encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`);
}

const placed = (name: string, from: string): string => {
  copyFileSync(from, join(globus, name));
  chmodSync(join(globus, name), 0o600);
  return join(globus, name);
};

describe('the user’s certificate', () => {
  it('is found where Globus has it', async () => {
    placed('usercert.pem', user.cert);
    placed('userkey.pem', user.key);
    const { certificates, key } = await load();
    expect(certificates.map(c => c.name)).toEqual(['/O=Grid/OU=a+UID=scail/CN=J\\xC3\\xBCrgen']);
    expect(key.equals(privateKeyOf(user.key))).toBe(true);
  });

  it('is found by X509_USER_CERT and X509_USER_KEY, and options go before these', async () => {
    const env = { X509_USER_CERT: user.cert, X509_USER_KEY: user.key };
    expect((await load({}, nobody, env)).certificates[0].der).toEqual(derOf(user.cert));
    const named = await load({ cert: elliptic.cert, key: elliptic.key }, nobody, env);
    expect(named.certificates[0].der).toEqual(derOf(elliptic.cert));
  });

  it('may be in one file with its key, and with CAs: the root is left out', async () => {
    const below = grid.ca.subordinate('/O=Grid/CN=Below');
    const issued = below.issue({ subject: '/O=Grid/CN=Far' });
    const file = placed('all.pem', grid.ca.cert);
    for (const part of [below.cert, issued.key, issued.cert]) appendFileSync(file, readFileSync(part));
    const { certificates } = await load({ cert: file });
    expect(certificates.map(c => c.name)).toEqual(['/O=Grid/CN=Far', '/O=Grid/CN=Below']);
  });

  it('that is not there is said, with the places and what to type', async () => {
    const error = await failure();
    expect(error.message).toBe(`there is no certificate ${globus}/usercert.pem or ${globus}/usercred.p12`);
    expect(error.hint).toContain('--cert FILE');
    placed('usercert.pem', user.cert);
    expect((await failure()).message).toBe(`there is no key ${globus}/userkey.pem`);
    expect((await failure({ cert: '/nonexistent' })).message).toBe('there is no certificate /nonexistent');
    writeFileSync(join(globus, 'usercert.pem'), 'hello');
    expect((await failure()).message).toContain('contains no certificate');
  });

  it('with the key of another is refused', async () => {
    const error = await failure({ cert: user.cert, key: elliptic.key });
    expect((error as CertificateError).reason).toBe('wrong-key');
    expect(error.message).toContain(`${elliptic.key} is not the key of /O=Grid`);
  });

  it('with a key that others may read is refused, with the cure', async () => {
    placed('usercert.pem', user.cert);
    const file = placed('userkey.pem', user.key);
    for (const mode of [0o644, 0o640, 0o604]) {
      chmodSync(file, mode);
      expect(await failure()).toMatchObject({
        message: expect.stringContaining('others may read'),
        hint: `chmod 600 ${file}`,
      });
    }
    chmodSync(file, 0o400);
    expect((await load()).certificates).toHaveLength(1);
  });
});

describe('a key with a passphrase', () => {
  // each as openssl writes it: PKCS#8 of now and of old, with scrypt, and the form before PKCS#8
  it.each([
    ['PKCS#8', ['pkcs8', '-topk8', '-v2', 'aes-256-cbc', '-passout', 'stdin']],
    ['PKCS#8 with 3DES', ['pkcs8', '-topk8', '-v1', 'PBE-SHA1-3DES', '-passout', 'stdin']],
    ['PKCS#8 with scrypt', ['pkcs8', '-topk8', '-scrypt', '-passout', 'stdin']],
    ['PKCS#1', ['rsa', '-traditional', '-aes256', '-passout', 'stdin']],
    ['PKCS#1 with 3DES', ['rsa', '-traditional', '-des3', '-passout', 'stdin']],
  ])('in %s is opened', async (_, [verb, ...how]) => {
    const file = join(globus, 'userkey.pem');
    withPassphrase(verb as string, '-in', user.key, '-out', file, ...how);
    chmodSync(file, 0o600);
    const files = { cert: user.cert, key: file };
    expect((await load(files, right())).key.equals(privateKeyOf(user.key))).toBe(true);
    const wrong = await failure(files, listed(wrongPassphrase, 'the test'));
    expect(wrong).toMatchObject({
      message: `the passphrase of ${file} is not right`,
      hint: `openssl pkey -noout -in ${file}`,
    });
    expect((await failure(files)).message).toBe(`nobody can be asked: Enter passphrase for ${file}`);
  });

  it('is asked for three times at most; an empty answer gives up', async () => {
    const file = join(globus, 'userkey.pem');
    withPassphrase('pkcs8', '-topk8', '-in', user.key, '-out', file, '-passout', 'stdin');
    chmodSync(file, 0o600);
    const files = { cert: user.cert, key: file };
    const typed = async (...answers: string[]) => {
      const prompter = new ScriptedPrompter(answers);
      const result = await load(files, asked(prompter, '')).catch((error: unknown) => error);
      return [result instanceof AuthError, prompter.asked.length, prompter.echoed.some(Boolean)];
    };
    expect(await typed(wrongPassphrase, wrongPassphrase, passphrase)).toEqual([false, 3, false]);
    expect(await typed(wrongPassphrase, wrongPassphrase, wrongPassphrase, passphrase)).toEqual([true, 3, false]);
    expect(await typed('', passphrase)).toEqual([true, 1, false]);
  });
});

describe('PKCS#12', () => {
  const exported = (issued: Issued, ...how: string[]): string => {
    const file = join(globus, 'usercred.p12');
    withPassphrase(
      'pkcs12',
      '-export',
      '-in',
      issued.cert,
      '-inkey',
      issued.key,
      '-certfile',
      grid.ca.cert,
      '-out',
      file,
      '-passout',
      'stdin',
      ...how,
    );
    chmodSync(file, 0o600);
    return file;
  };

  it.each([
    ['of now, AES', []],
    ['of old browsers, RC2', ['-legacy']],
    ['with 3DES', ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1']],
  ])('%s is opened, and the name kept as it is', async (_, how) => {
    const file = exported(user, ...how);
    const { certificates, key } = await load({ p12: file }, right());
    expect(certificates.map(c => c.der)).toEqual([derOf(user.cert)]);
    expect(key.equals(privateKeyOf(user.key))).toBe(true);
    const wrong = await failure({ p12: file }, listed(wrongPassphrase, 'the test'));
    expect(wrong.message).toBe(`the passphrase of ${file} is not right`);
  });

  it('with an ECDSA key is opened', async () => {
    const { certificates, key } = await load({ p12: exported(elliptic) }, right());
    expect(certificates[0].der).toEqual(derOf(elliptic.cert));
    expect(key.equals(privateKeyOf(elliptic.key))).toBe(true);
  });

  it('is found where Globus has it, when there is no usercert.pem', async () => {
    exported(user);
    expect((await load({}, right())).certificates).toHaveLength(1);
    placed('usercert.pem', elliptic.cert);
    placed('userkey.pem', elliptic.key);
    expect((await load()).certificates[0].der).toEqual(derOf(elliptic.cert));
  });

  it('that others may read, or that is none, is refused', async () => {
    const file = exported(user);
    chmodSync(file, 0o644);
    expect((await failure({ p12: file }, right())).hint).toBe(`chmod 600 ${file}`);
    writeFileSync(file, 'hello');
    chmodSync(file, 0o600);
    expect((await failure({ p12: file }, right())).message).toBe(`${file} is not a PKCS#12 file`);
    expect((await failure({ cert: file }, right())).message).toContain('contains no certificate');
  });
});
