import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { secondsLeft } from '../../src/credentials/credential.js';
import { Certificate } from '../../src/credentials/x509/certificate.js';
import { createProxy, type KeyPair, makeKeys } from '../../src/credentials/x509/create.js';
import { certificateRequest } from '../../src/credentials/x509/issue.js';
import type { CertificateError } from '../../src/credentials/x509/problem.js';
import {
  destroyProxy,
  proxyFile,
  proxyText,
  readProxy,
  signDelegation,
  writeProxy,
} from '../../src/credentials/x509/proxy.js';
import { loadTrust } from '../../src/credentials/x509/trust.js';
import type { Identity } from '../../src/credentials/x509/user.js';
import { verifyChain } from '../../src/credentials/x509/verify.js';
import { AuthError, ScailfinError } from '../../src/errors.js';
import { passphrase, secrets } from '../secrets.js';
import { ec, type Issued, openssl, temporaryCa } from './ca.js';
import { derOf, privateKeyOf } from './read.js';

const hour = 3_600_000;

let grid: ReturnType<typeof temporaryCa>;
let user: Issued;
let keys: KeyPair;
beforeAll(async () => {
  grid = temporaryCa();
  user = grid.ca.issue({ subject: '/O=Grid/OU=Test/CN=Scail User' });
  keys = await makeKeys(2048);
});
afterAll(() => grid.dispose());

/** Made anew for each test. */
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(grid.dir, 'test-'));
});
afterEach(() => {
  // nothing half-written stays
  expect(readdirSync(dir).filter(name => /\.[0-9a-f]{16}$/.test(name))).toEqual([]);
  rmSync(dir, { recursive: true });
});

const identityOf = (issued: Issued, ...others: Certificate[]): Identity => ({
  certificates: [new Certificate(derOf(issued.cert)), ...others],
  key: privateKeyOf(issued.key),
});
const inHours = (n: number): Date => new Date(Date.now() + n * hour);
const make = (from = identityOf(user), request = {}, file = join(dir, 'proxy')) =>
  createProxy(from, keys, { end: inHours(12), ...request }, file);

/** What openssl says of a proxy file: with the CA alone, all that is needed must be in it. */
const accepted = (file: string): string =>
  openssl('verify', '-allow_proxy_certs', '-CAfile', grid.ca.cert, '-untrusted', file, file).trim();

async function failureOf(work: () => unknown): Promise<ScailfinError> {
  const error = await (async () => work())().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ScailfinError);
  const text = JSON.stringify(error) + (error as Error).stack;
  for (const secret of secrets) expect(text).not.toContain(secret);
  return error as ScailfinError;
}

describe('a proxy', () => {
  it('is one that openssl accepts, and is read back', () => {
    const { proxy, notes } = make();
    writeProxy(proxy);
    expect(notes).toEqual([]);
    expect(accepted(proxy.file)).toBe(`${proxy.file}: OK`);
    const read = readProxy(proxy.file);
    expect(read.identity).toBe('/O=Grid/OU=Test/CN=Scail User');
    expect(read.chain).toEqual(proxy.chain);
    expect(read.certificates[0].proxy).toEqual({ form: 'rfc', policy: 'impersonation', pathLength: undefined });
    expect(Math.abs(secondsLeft(read) - 12 * 3600)).toBeLessThan(5);
  });

  it('has its user’s name byte by byte, whatever strings it is made of', () => {
    const subject = '/DC=org/DC=grid/O=Universität/OU=a+UID=scail/emailAddress=j@x.org/CN=Jürgen \\/ Łukasz';
    const issued = grid.ca.issue({ subject, key: ec });
    writeProxy(make(identityOf(issued)).proxy);
    const read = readProxy(join(dir, 'proxy'));
    expect(accepted(read.file)).toMatch(/: OK$/);
    expect(read.certificates[0].issuer).toEqual(read.certificates[1]?.subject);
    expect(read.certificates[0].x509.checkIssued((read.certificates[1] as Certificate).x509)).toBe(true);
    const compat = openssl('x509', '-noout', '-subject', '-nameopt', 'compat', '-in', issued.cert);
    expect(`subject=${read.identity}\n`).toBe(compat);
  });

  it('is what Globus makes: critical extensions, five minutes back, its serial number as its name', () => {
    writeProxy(make(undefined, { pathLength: 3 }).proxy);
    const text = openssl('x509', '-noout', '-text', '-in', join(dir, 'proxy'));
    expect(text).toMatch(/X509v3 Key Usage: critical\n\s+Digital Signature, Key Encipherment\n/);
    expect(text).toMatch(
      /Proxy Certificate Information: critical\n\s+Path Length Constraint: 03\n\s+Policy Language: Inherit all/,
    );
    const serial = /Serial Number: (\d+)/.exec(text)?.[1];
    expect(text).toContain(`CN = Scail User, CN = ${serial}\n`);
    const { notBefore } = readProxy(join(dir, 'proxy')).certificates[0];
    expect(Math.round((Date.now() - notBefore.getTime()) / 60_000)).toBe(5);
  });

  it('made from a proxy is accepted, and limited stays limited', () => {
    const first = make(undefined, { limited: true }).proxy;
    const { proxy, notes } = make(first);
    writeProxy(proxy);
    expect(notes).toEqual(['it is limited, because the proxy it was made from is limited']);
    expect(accepted(proxy.file)).toMatch(/: OK$/);
    expect([readProxy(proxy.file).limited, proxy.certificates.length, proxy.identity]).toEqual([
      true,
      3,
      first.identity,
    ]);
    expect(make(make().proxy).proxy.limited).toBe(false);
  });

  it('is not made from one that allows no further', async () => {
    const error = await failureOf(() => make(make(undefined, { pathLength: 0 }).proxy));
    expect([error.message, (error as CertificateError).reason]).toEqual([
      expect.stringContaining('no further'),
      'pathlen',
    ]);
  });

  it('ends no later than its user’s certificate, and says so', () => {
    const issued = grid.ca.issue({ subject: '/O=Grid/CN=Short', key: ec, until: inHours(2) });
    const { proxy, notes } = make(identityOf(issued));
    expect(notes).toEqual(['it ends earlier than asked for, since the certificate of /O=Grid/CN=Short does']);
    expect(proxy.end).toEqual(new Certificate(derOf(issued.cert)).notAfter);
    // nor than any other of its chain
    const behind = make(identityOf(user, new Certificate(derOf(issued.cert)))).proxy;
    expect(behind.certificates[0].notAfter).toEqual(new Certificate(derOf(issued.cert)).notAfter);
    // nor does it begin before
    const late = grid.ca.issue({ subject: '/O=Grid/CN=Fresh', key: ec, from: new Date() });
    expect(make(identityOf(late)).proxy.certificates[0].notBefore).toEqual(new Certificate(derOf(late.cert)).notBefore);
  });

  it.each([
    ['expired', { from: inHours(-9), until: inHours(-3) }, /expired at .*, 3:00:\d\d ago; this machine's clock says/],
    ['not-yet-valid', { from: inHours(5) }, /valid from .*, in (4:59:\d\d|5:00:00); this machine's clock says/],
  ])('is not made from a certificate that is %s', async (reason, dates, words) => {
    const error = await failureOf(() =>
      make(identityOf(grid.ca.issue({ subject: '/O=Grid/CN=X', key: ec, ...dates }))),
    );
    expect((error as CertificateError).reason).toBe(reason);
    expect(error.message).toMatch(words);
    expect(error.hint).toBeDefined();
  });

  it('is not made from a CA’s certificate, nor with a key that may not sign', async () => {
    expect(await failureOf(() => make(identityOf(grid.ca)))).toMatchObject({ reason: 'usage' });
    const extensions = ['keyUsage = critical, keyEncipherment'];
    const issued = grid.ca.issue({ subject: '/O=Grid/CN=Y', key: ec, extensions });
    expect(await failureOf(() => make(identityOf(issued)))).toMatchObject({ reason: 'usage' });
  });
});

describe('a delegated proxy', () => {
  const request = (): Buffer => certificateRequest(keys.publicKey, keys.privateKey);

  it('is made over another’s key and has ours behind it', () => {
    const ours = make().proxy;
    const chain = [signDelegation(request(), ours), ...ours.chain];
    expect(verifyChain(chain, loadTrust(grid.trust))).toMatchObject({ identity: ours.identity, limited: false });
    expect(new Certificate(chain[0] as Buffer).notAfter).toEqual(ours.end);
    const sooner = signDelegation(request(), ours, inHours(1));
    expect(new Certificate(sooner).notAfter < ours.end).toBe(true);
  });

  it('of a limited one is limited', () => {
    const ours = make(undefined, { limited: true }).proxy;
    expect(new Certificate(signDelegation(request(), ours)).proxy?.policy).toBe('limited');
  });

  it('is made over what openssl asks for, whoever it says to be', () => {
    const [csr, key] = [join(dir, 'csr'), user.key];
    openssl('req', '-new', '-key', key, '-subj', '/CN=Anybody', '-outform', 'DER', '-out', csr);
    const made = new Certificate(signDelegation(readFileSync(csr), make().proxy));
    expect(made.x509.checkPrivateKey(privateKeyOf(key))).toBe(true);
    expect(made.name).toMatch(/^\/O=Grid\/OU=Test\/CN=Scail User\/CN=\d+\/CN=\d+$/);
  });

  it('is not made over a request that its key did not sign', async () => {
    const changed = Buffer.from(request());
    changed[changed.length - 1] = (changed.at(-1) as number) ^ 1;
    expect(await failureOf(() => signDelegation(changed, make().proxy))).toMatchObject({ reason: 'bad-signature' });
  });

  it('can be asked for with what we send: openssl accepts our request', () => {
    const file = join(dir, 'csr');
    writeFileSync(file, request());
    expect(
      execFileSync('openssl', ['req', '-verify', '-noout', '-inform', 'DER', '-in', file], { stdio: 'pipe' }),
    ).toBeDefined();
  });
});

describe('the proxy’s file', () => {
  it('is where Globus has it', () => {
    expect(proxyFile({})).toBe(`/tmp/x509up_u${process.getuid?.()}`);
    expect(proxyFile({ X509_USER_PROXY: '/x/y' })).toBe('/x/y');
  });

  it('can be read by its owner alone, whatever umask there is, and replaces what was there', () => {
    const before = process.umask(0);
    try {
      writeFileSync(join(dir, 'proxy'), 'old', { mode: 0o644 });
      writeProxy(make().proxy);
      expect(statSync(join(dir, 'proxy')).mode & 0o777).toBe(0o600);
    } finally {
      process.umask(before);
    }
    expect(readdirSync(dir)).toEqual(['proxy']);
  });

  it('that others may read is refused, with the cure', async () => {
    writeProxy(make().proxy);
    chmodSync(join(dir, 'proxy'), 0o644);
    const error = await failureOf(() => readProxy(join(dir, 'proxy')));
    expect([error.message, error.hint]).toEqual([
      expect.stringContaining('mode 644'),
      `chmod 600 ${join(dir, 'proxy')}`,
    ]);
  });

  it('behind a link of our own is written there', () => {
    mkdirSync(join(dir, 'far'));
    writeFileSync(join(dir, 'far', 'real'), 'old');
    symlinkSync(join(dir, 'far', 'real'), join(dir, 'proxy'));
    writeProxy(make().proxy);
    expect(lstatSync(join(dir, 'proxy')).isSymbolicLink()).toBe(true);
    expect(readProxy(join(dir, 'far', 'real')).identity).toContain('Scail');
    expect(destroyProxy(join(dir, 'proxy'))).toBe(true);
    expect(existsSync(join(dir, 'far', 'real'))).toBe(false);
  });

  it.skipIf(process.getuid?.() !== 0)('behind somebody else’s link or file is refused, and left alone', async () => {
    const [victim, link] = [join(dir, 'victim'), join(dir, 'proxy')];
    writeFileSync(victim, 'precious');
    execFileSync('ln', ['-s', victim, link]);
    execFileSync('chown', ['-h', '2001', link]);
    const { proxy } = make();
    for (const work of [() => writeProxy(proxy), () => destroyProxy(link)]) {
      const error = await failureOf(work);
      expect(error.message).toContain('belongs to another user (uid 2001)');
      expect(error.hint).toContain('--out');
    }
    expect(readFileSync(victim, 'utf8')).toBe('precious');
    chownSync(victim, 2001, 2001);
    expect(await failureOf(() => writeProxy({ ...proxy, file: victim }))).toBeInstanceOf(AuthError);
    expect(readFileSync(victim, 'utf8')).toBe('precious');
  });

  it('in a place that is not there, or is a directory, is refused', async () => {
    const { proxy } = make();
    expect((await failureOf(() => writeProxy({ ...proxy, file: join(dir, 'no', 'proxy') }))).hint).toContain('--out');
    expect((await failureOf(() => writeProxy({ ...proxy, file: dir }))).message).toContain('is a directory');
  });

  it('is overwritten before it is removed', () => {
    writeProxy(make().proxy);
    const file = join(dir, 'proxy');
    execFileSync('ln', [file, join(dir, 'same')]);
    expect(destroyProxy(file)).toBe(true);
    expect([...readFileSync(join(dir, 'same'))].every(byte => byte === 0)).toBe(true);
    expect(destroyProxy(file)).toBe(false);
  });

  it('without a key, with another’s key, or with an encrypted one is refused', async () => {
    const { proxy } = make();
    const text = proxyText(proxy);
    const other = readFileSync(user.key, 'latin1');
    const key = /-----BEGIN PRIVATE KEY[\s\S]*?END PRIVATE KEY-----\n/;
    const pem = (content: string): string => {
      writeFileSync(join(dir, 'bad'), content, { mode: 0o600 });
      return join(dir, 'bad');
    };
    expect((await failureOf(() => readProxy(pem(text.replace(key, ''))))).message).toContain('has no key');
    expect(await failureOf(() => readProxy(pem(text.replace(key, other))))).toMatchObject({ reason: 'wrong-key' });
    expect((await failureOf(() => readProxy(pem(other)))).message).toContain('has no certificate');
    const locked = proxy.key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }) as string;
    expect((await failureOf(() => readProxy(pem(text.replace(key, locked))))).message).toContain('passphrase');
    const error = await failureOf(() => readProxy(join(dir, 'none')));
    expect([error.message, error.hint]).toEqual([
      `there is no proxy ${join(dir, 'none')}`,
      'make a proxy: scailfin proxy init',
    ]);
  });
});
