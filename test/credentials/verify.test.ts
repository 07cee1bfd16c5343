import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { appendFileSync, copyFileSync, cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Certificate } from '../../src/credentials/x509/certificate.js';
import { issueProxy } from '../../src/credentials/x509/issue.js';
import { verifyPeer } from '../../src/credentials/x509/peer.js';
import { CertificateError, type Problem } from '../../src/credentials/x509/problem.js';
import { loadTrust } from '../../src/credentials/x509/trust.js';
import { verifyChain } from '../../src/credentials/x509/verify.js';
import { ec, type Issued, openssl, rsa, TestCa, temporaryCa } from './ca.js';
import { forgeCertificate } from './forge.js';
import { derOf, privateKeyOf } from './read.js';

const day = 86_400_000;
const inDays = (n: number) => new Date(Date.now() + n * day);
const caUse = 'keyUsage = critical, keyCertSign, cRLSign';

let grid: ReturnType<typeof temporaryCa>;
let user: Issued;
/** Keys take long: two will do for all proxies. */
let keys: { publicKey: KeyObject; privateKey: KeyObject }[];
beforeAll(() => {
  grid = temporaryCa(ec);
  user = grid.ca.issue({ subject: '/O=Grid/OU=Test/CN=Scail User' });
  keys = [0, 1].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }));
});
afterAll(() => grid.dispose());

let copies = 0;
/** A directory of CAs like the usual one, to be changed. */
function trustCopy(): string {
  const dir = join(grid.dir, `certificates-${copies++}`);
  cpSync(grid.trust, dir, { recursive: true });
  return dir;
}

function reasonOf(work: () => unknown): [Problem, string] {
  try {
    work();
  } catch (error) {
    if (error instanceof CertificateError) return [error.reason, error.message];
    throw error;
  }
  throw new Error('nothing was wrong');
}

const chainOf = (...issued: Issued[]): Buffer[] => issued.map(one => derOf(one.cert));
const verify = (chain: Buffer[], dir = grid.trust, when?: Date) => verifyChain(chain, loadTrust(dir), when);
const failure = (chain: Buffer[], dir = grid.trust, when?: Date) => reasonOf(() => verify(chain, dir, when));

/** Proxies made one from the other, the last one first, and the user behind them. */
function proxyChain(...requests: Partial<Parameters<typeof issueProxy>[2]>[]): Buffer[] {
  const chain = [derOf(user.cert)];
  let issuerKey = privateKeyOf(user.key);
  for (const [depth, request] of requests.entries()) {
    const { publicKey, privateKey } = keys[depth % 2] as (typeof keys)[number];
    const certificate = new Certificate(chain[0] as Buffer);
    chain.unshift(issueProxy({ certificate, key: issuerKey }, publicKey, { end: inDays(1), ...request }));
    issuerKey = privateKey;
  }
  return chain;
}

/** A proxy that nobody who keeps the rules would make. */
function forged(
  change: Parameters<typeof forgeCertificate>[3],
  ...requests: Partial<Parameters<typeof issueProxy>[2]>[]
) {
  const [issuer, ...others] = proxyChain(...requests) as [Buffer, ...Buffer[]];
  const key = requests.length === 0 ? privateKeyOf(user.key) : keys[(requests.length - 1) % 2]?.privateKey;
  const subject = keys[requests.length % 2]?.publicKey as KeyObject;
  return [forgeCertificate(new Certificate(issuer), key as KeyObject, subject, change), issuer, ...others];
}

describe('a chain', () => {
  it('of a user leads to the CA', () => {
    const { identity, path, limited, holder } = verify(chainOf(user));
    expect([identity, limited, path.length]).toEqual(['/O=Grid/OU=Test/CN=Scail User', false, 2]);
    expect(holder.der).toEqual(derOf(user.cert));
  });

  it('with its root, and in any order, is the same', () => {
    const root = derOf(grid.ca.cert);
    expect(verify([...chainOf(user), root]).path).toHaveLength(2);
    const [first, second, third] = proxyChain({}, {}) as [Buffer, Buffer, Buffer];
    expect(verify([first, root, third, second]).path).toHaveLength(4);
  });

  it('ends when the first of its certificates does', () => {
    const end = inDays(0.5);
    end.setMilliseconds(0);
    expect(verify(proxyChain({ end }, {})).end).toEqual(end);
  });

  it('over CAs between is followed, whether they are installed or shown', () => {
    const below = grid.ca.subordinate('/O=Grid/CN=Below');
    const lowest = below.subordinate('/O=Grid/CN=Lowest');
    const [one] = chainOf(lowest.issue({ subject: '/O=Grid/CN=Far' }));
    const dir = trustCopy();
    expect(failure([one as Buffer], dir)[0]).toBe('unknown-ca');
    for (const ca of [below, lowest]) ca.install(dir);
    expect(verify([one as Buffer], dir).path).toHaveLength(4);
    expect(verify([one as Buffer, derOf(lowest.cert), derOf(below.cert)], dir).identity).toBe('/O=Grid/CN=Far');
  });

  it('of a CA with an RSA key and a name in UTF-8 is verified', () => {
    const other = TestCa.make(grid.dir, '/O=Grid/CN=Zürich CA+UID=zh', rsa);
    const dir = trustCopy();
    other.install(dir);
    const { identity } = verify(chainOf(other.issue({ subject: '/O=Grid/CN=Jürgen+UID=j', key: ec })), dir);
    expect(identity).toBe('/O=Grid/CN=J\\xC3\\xBCrgen+UID=j');
  });

  it('of a CA that has had two keys leads to the one that signed', () => {
    const dir = trustCopy();
    const renewed = TestCa.make(grid.dir, grid.ca.subject, ec);
    copyFileSync(renewed.cert, join(dir, `${renewed.hash}.1`));
    expect(verify(chainOf(user), dir).identity).toContain('Scail User');
    expect(verify(chainOf(renewed.issue({ subject: '/O=Grid/CN=New' })), dir).identity).toBe('/O=Grid/CN=New');
  });

  it('is refused when a certificate expired, saying when and by which clock', () => {
    const old = grid.ca.issue({ subject: '/O=Grid/CN=Old', from: inDays(-20), until: inDays(-2) });
    const [reason, message] = failure(chainOf(old));
    expect(reason).toBe('expired');
    expect(message).toMatch(
      /certificate of \/O=Grid\/CN=Old expired at 20\S+Z, 2d 00:00:\d\d ago; this machine's clock says 20/,
    );
    expect(failure(proxyChain({}), grid.trust, inDays(2))).toEqual([
      'expired',
      expect.stringContaining('the proxy /O=Grid'),
    ]);
    expect(failure(chainOf(user), grid.trust, inDays(50))[0]).toBe('expired');
  });

  it('is refused when a certificate is not valid yet, saying which clock may be wrong', () => {
    const early = grid.ca.issue({ subject: '/O=Grid/CN=Early', from: inDays(1) });
    const [reason, message] = failure(chainOf(early));
    expect(reason).toBe('not-yet-valid');
    expect(message).toMatch(/is valid from 20\S+Z, in (1d 00:00:00|23:59:\d\d); this machine's clock says 20/);
    expect(reasonOf(() => verify(proxyChain({}), grid.trust, new Date(Date.now() - 600_000)))[0]).toBe('not-yet-valid');
  });

  it('is accepted where the clock is a little late', () => {
    expect(verify(proxyChain({}), grid.trust, new Date(Date.now() - 240_000)).path).toHaveLength(3);
  });

  it('of another CA is refused, naming it and the directory', () => {
    const stranger = TestCa.make(grid.dir, '/O=Elsewhere/CN=CA', ec).issue({ subject: '/O=Grid/CN=Other' });
    const [reason, message] = failure(chainOf(stranger));
    expect(reason).toBe('unknown-ca');
    expect(message).toContain('/O=Elsewhere/CN=CA');
    expect(message).toContain(grid.trust);
  });

  it('of a CA that only has the name of a trusted one is refused', () => {
    const impostor = TestCa.make(grid.dir, grid.ca.subject, ec);
    const issued = impostor.issue({ subject: '/O=Grid/CN=Evil' });
    expect(failure(chainOf(issued))[0]).toBe('bad-signature');
    expect(failure([...chainOf(issued), derOf(impostor.cert)])[0]).toBe('unknown-ca');
  });

  it('that somebody changed is refused', () => {
    const changed = Buffer.from(derOf(user.cert));
    const at = changed.indexOf('Scail User');
    changed.write('Admin', at);
    expect(failure([changed])[0]).toBe('bad-signature');
  });

  it('of nothing, or of what is no certificate, is refused', () => {
    expect(failure([])[0]).toBe('malformed');
    expect(failure([Buffer.from('hello')])[0]).toBe('malformed');
  });

  it('of a certificate that signed itself is refused', () => {
    const [cert, key] = [join(grid.dir, 'self.pem'), user.key];
    openssl('req', '-x509', '-key', key, '-subj', '/O=Grid/CN=Myself', '-days', '2', '-out', cert);
    expect(failure([derOf(cert)])[0]).toBe('unknown-ca');
  });

  it('through a certificate that is not a CA is refused', () => {
    for (const extensions of [
      [],
      ['basicConstraints = critical, CA:false'],
      ['basicConstraints = CA:true', 'keyUsage = digitalSignature'],
    ]) {
      const fake = grid.ca.subordinate('/O=Grid/CN=Fake CA', extensions);
      const chain = [...chainOf(fake.issue({ subject: '/O=Grid/CN=Made up' })), derOf(fake.cert)];
      expect(failure(chain)[0]).toBe('not-a-ca');
    }
  });

  it('with more CAs than one of them allows is refused', () => {
    const last = grid.ca.subordinate('/O=Grid/CN=Last', ['basicConstraints = critical, CA:true, pathlen:0', caUse]);
    const beyond = last.subordinate('/O=Grid/CN=Beyond');
    const dir = trustCopy();
    for (const ca of [last, beyond]) ca.install(dir);
    expect(verify(chainOf(last.issue({ subject: '/O=Grid/CN=Near' })), dir).path).toHaveLength(3);
    expect(failure(chainOf(beyond.issue({ subject: '/O=Grid/CN=Far' })), dir)[0]).toBe('pathlen');
  });

  it('with a critical extension that nobody knows is refused', () => {
    const odd = grid.ca.issue({ subject: '/O=Grid/CN=Odd', extensions: ['1.2.3.4 = critical, ASN1:NULL'] });
    expect(failure(chainOf(odd))).toEqual(['unsupported', expect.stringContaining('1.2.3.4')]);
    const plain = grid.ca.issue({ subject: '/O=Grid/CN=Odd', extensions: ['1.2.3.4 = ASN1:NULL'] });
    expect(verify(chainOf(plain)).identity).toBe('/O=Grid/CN=Odd');
  });
});

describe('proxies', () => {
  it('made from each other are verified', () => {
    const { identity, limited, path } = verify(proxyChain({}, {}, {}));
    expect([identity, limited, path.length]).toEqual(['/O=Grid/OU=Test/CN=Scail User', false, 5]);
  });

  it('of a limited one are limited', () => {
    expect(verify(proxyChain({ limited: true }, {})).limited).toBe(true);
    expect(verify(proxyChain({}, { limited: true })).limited).toBe(true);
  });

  it('that are independent have a name of their own', () => {
    const policy = '1.3.6.1.5.5.7.21.2';
    expect(verify(forged({ policy })).identity).toBe('/O=Grid/OU=Test/CN=Scail User/CN=1234');
    const server = grid.ca.issueHost('login.example.org');
    const issuer = new Certificate(derOf(server.cert));
    const own = forgeCertificate(issuer, privateKeyOf(server.key), keys[0]?.publicKey as KeyObject, { policy });
    const peer = { host: 'login.example.org', services: [] };
    expect(reasonOf(() => verifyPeer([own, issuer.der], peer, loadTrust(grid.trust)))[0]).toBe('wrong-name');
  });

  it('without the certificate behind them are refused', () => {
    expect(failure(proxyChain({}).slice(0, 1))).toEqual(['unknown-ca', expect.stringContaining('without')]);
  });

  it('that claim full rights behind a limited one are refused', () => {
    expect(failure(forged({}, { limited: true }))[0]).toBe('limited');
    expect(verify(forged({ policy: '1.3.6.1.5.5.7.21.2' }, { limited: true })).limited).toBe(true);
  });

  it('that are more than one of them allows are refused', () => {
    expect(verify(proxyChain({ pathLength: 1 }, {})).path).toHaveLength(4);
    expect(failure(forged({}, { pathLength: 1 }, {}))[0]).toBe('pathlen');
    expect(failure(forged({}, { pathLength: 0 }))[0]).toBe('pathlen');
  });

  it('under a name that is not their user’s are refused', () => {
    expect(failure(forged({ subject: '/O=Grid/CN=Admin/CN=1' }))[0]).toBe('wrong-name');
    expect(failure(forged({ subject: '/O=Grid/OU=Test/CN=Scail User/CN=1/CN=2' }))[0]).toBe('wrong-name');
    expect(failure(forged({ subject: '/O=Grid/OU=Test/CN=Scail User/OU=1' }))[0]).toBe('wrong-name');
  });

  it('that are CAs, or were issued by one, are refused', () => {
    expect(failure(forged({ isCa: true }))[0]).toBe('usage');
    const issuer = new Certificate(derOf(grid.ca.cert));
    const key = keys[0]?.publicKey as KeyObject;
    const fromCa = forgeCertificate(issuer, privateKeyOf(grid.ca.key), key, {});
    expect(failure([fromCa, issuer.der])[0]).toBe('usage');
  });

  it('of the kind before RFC 3820 are known, and not mixed', () => {
    const old = forged({ legacy: 'limited proxy' });
    expect(verify(old).limited).toBe(true);
    expect(failure(forged({ legacy: 'proxy' }, {}))[0]).toBe('proxy-kind');
    const certificate = new Certificate(old[0] as Buffer);
    const again = () =>
      issueProxy({ certificate, key: keys[0]?.privateKey as KeyObject }, keys[1]?.publicKey as KeyObject, {
        end: inDays(1),
      });
    expect(reasonOf(again)[0]).toBe('proxy-kind');
  });

  it('of a revoked user are refused', () => {
    const dir = trustCopy();
    const gone = grid.ca.issue({ subject: '/O=Grid/CN=Gone' });
    const { publicKey } = keys[0] as (typeof keys)[number];
    const issuer = { certificate: new Certificate(derOf(gone.cert)), key: privateKeyOf(gone.key) };
    const chain = [issueProxy(issuer, publicKey, { end: inDays(1) }), derOf(gone.cert)];
    expect(verify(chain, dir).path).toHaveLength(3);
    grid.ca.revoke(gone);
    copyFileSync(grid.ca.revocationList(), join(dir, `${grid.ca.hash}.r0`));
    const [reason, message] = failure(chain, dir);
    expect(reason).toBe('revoked');
    expect(message).toMatch(/certificate of \/O=Grid\/CN=Gone was revoked at 20/);
    expect(verify(chainOf(user), dir).identity).toContain('Scail User');
  });
});

describe('a revocation list', () => {
  const withList = (file: string, name = `${grid.ca.hash}.r0`): string => {
    const dir = trustCopy();
    copyFileSync(file, join(dir, name));
    return dir;
  };

  it('that is out of date, or not valid yet, stops everything', () => {
    expect(failure(chainOf(user), withList(grid.ca.revocationList(inDays(-1), inDays(-9))))[0]).toBe('crl');
    const [reason, message] = failure(chainOf(user), withList(grid.ca.revocationList(inDays(9), inDays(1))));
    expect([reason, message]).toEqual(['crl', expect.stringContaining('is not valid before')]);
  });

  it('in DER, and as the second of its CA, is read as well', () => {
    const gone = grid.ca.issue({ subject: '/O=Grid/CN=Gone, too' });
    grid.ca.revoke(gone);
    const file = join(grid.dir, 'list.der');
    openssl('crl', '-in', grid.ca.revocationList(), '-outform', 'DER', '-out', file);
    expect(failure(chainOf(gone), withList(file, `${grid.ca.hash}.r1`))[0]).toBe('revoked');
  });

  it('of somebody else with the CA’s name is refused', () => {
    const impostor = TestCa.make(grid.dir, grid.ca.subject, ec);
    expect(failure(chainOf(user), withList(impostor.revocationList()))).toEqual([
      'crl',
      expect.stringContaining('signed'),
    ]);
  });

  it('that can’t be read stops everything', () => {
    const junk = join(grid.dir, 'junk');
    writeFileSync(junk, 'junk');
    expect(failure(chainOf(user), withList(junk))[0]).toBe('crl');
  });

  it('of many thousand certificates takes no time', () => {
    const index = join(grid.ca.dir, 'index.txt');
    const lines = Array.from(
      { length: 40_000 },
      (_, n) => `R\t360101000000Z\t260101000000Z\t${(n + 0x100000).toString(16).toUpperCase()}\tunknown\t/CN=${n}\n`,
    );
    appendFileSync(index, lines.join(''));
    const dir = withList(grid.ca.revocationList());
    const began = performance.now();
    expect(verify(chainOf(user), dir).path).toHaveLength(2);
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});

describe('a signing policy', () => {
  const withPolicy = (text: string): string => {
    const dir = trustCopy();
    writeFileSync(join(dir, `${grid.ca.hash}.signing_policy`), text);
    return dir;
  };

  it.each([
    [['/O=Grid/*']],
    [['/O=Other/*', '/O=Grid/OU=Test/CN=Scail User']],
    [['/o=grid/OU=TEST/*']],
    [['*']],
    [['/O=Grid/*/CN=Scail User']],
  ])('that has the name in %j allows it', subjects => {
    expect(verify(chainOf(user), withPolicy(grid.ca.policy(subjects))).path).toHaveLength(2);
  });

  it.each([[['/O=Other/*']], [[]], [['/O=Grid/OU=Test/CN=Scail']], [['/O=Grid/OU=Test/CN=Scail User*']]])(
    'that has others in %j does not',
    subjects => {
      const [reason, message] = failure(chainOf(user), withPolicy(grid.ca.policy(subjects)));
      expect([reason, message]).toEqual(['signing-policy', expect.stringContaining('/O=Grid/OU=Test/CN=Scail User')]);
    },
  );

  it('of another CA in the same file is not this one’s', () => {
    const other = TestCa.make(grid.dir, '/O=Grid/CN=Other CA', ec);
    expect(failure(chainOf(user), withPolicy(other.policy(['*'])))[0]).toBe('signing-policy');
    const both = `# two\n${other.policy(['/O=Other/*'])}\n${grid.ca.policy(['/O=Grid/*'])}`;
    expect(verify(chainOf(user), withPolicy(both)).path).toHaveLength(2);
  });

  it('that takes the right away, is missing, or is not understood, stops everything', () => {
    const taken = grid.ca.policy(['*']).replace('pos_rights', 'neg_rights');
    expect(failure(chainOf(user), withPolicy(taken))[0]).toBe('signing-policy');
    const dir = withPolicy('');
    rmSync(join(dir, `${grid.ca.hash}.signing_policy`));
    expect(failure(chainOf(user), dir)).toEqual(['signing-policy', expect.stringContaining('there is no')]);
    const [, message] = failure(chainOf(user), withPolicy('# first\nallow everything please\n'));
    expect(message).toMatch(/\.signing_policy:2: not understood: allow everything/);
  });
});

describe('a directory of CAs', () => {
  it('that is not there says what to do', () => {
    const missing = (): unknown => loadTrust('/nonexistent');
    expect(reasonOf(missing)[0]).toBe('unknown-ca');
    expect(missing).toThrow(expect.objectContaining({ hint: expect.stringContaining('X509_CERT_DIR') }));
  });

  it('with a broken file is used for the others', () => {
    const dir = trustCopy();
    writeFileSync(join(dir, 'deadbeef.0'), '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n');
    writeFileSync(join(dir, 'README'), 'hello');
    expect(verify(chainOf(user), dir).path).toHaveLength(2);
    expect(readdirSync(dir)).toContain('README');
  });
});

describe('a server', () => {
  const check = (issued: Issued[], host: string, identity?: string, dir = grid.trust) =>
    verifyPeer(chainOf(...issued), { host, services: ['host', 'myproxy'], identity }, loadTrust(dir));
  const reason = (...args: Parameters<typeof check>) => reasonOf(() => check(...args))[0];

  it('is known by the names of its certificate', () => {
    const server = grid.ca.issueHost('login.example.org', {
      extensions: ['subjectAltName = DNS:login.example.org, DNS:*.pool.example.org, IP:10.1.2.3'],
    });
    for (const host of ['login.example.org', 'LOGIN.example.org', 'a.pool.example.org', '10.1.2.3'])
      expect(check([server], host).path).toHaveLength(2);
    for (const host of ['example.org', 'a.b.pool.example.org', '10.1.2.4', 'other.example.org'])
      expect(reason([server], host)).toBe('wrong-name');
  });

  it('is known by its common name only where it has no other', () => {
    for (const name of ['old.example.org', 'host/old.example.org', 'myproxy/old.example.org']) {
      const server = grid.ca.issue({ subject: `/O=Grid/CN=${name.replace('/', '\\/')}` });
      expect(check([server], 'old.example.org').identity).toBe(`/O=Grid/CN=${name.replace('/', '\\/')}`);
      expect(reason([server], 'new.example.org')).toBe('wrong-name');
    }
    expect(reason([grid.ca.issue({ subject: '/O=Grid/CN=ftp\\/old.example.org' })], 'old.example.org')).toBe(
      'wrong-name',
    );
    const renamed = grid.ca.issueHost('new.example.org', { subject: '/O=Grid/CN=old.example.org' });
    expect(reason([renamed], 'old.example.org')).toBe('wrong-name');
  });

  it('is known by the name that was asked for, and by no other then', () => {
    const server = grid.ca.issueHost('login.example.org');
    expect(check([server], 'elsewhere', '/O=Grid/OU=Test/CN=login.example.org').path).toHaveLength(2);
    expect(reason([server], 'login.example.org', '/O=Grid/CN=other')).toBe('wrong-name');
  });

  it('with a certificate that is not for servers, or with a limited proxy, is refused', () => {
    const person = grid.ca.issueHost('login.example.org', {
      extensions: ['subjectAltName = DNS:login.example.org', 'extendedKeyUsage = clientAuth'],
    });
    expect(reason([person], 'login.example.org')).toBe('usage');
    const trust = loadTrust(grid.trust);
    const peer = { host: 'x', services: [], identity: '/O=Grid/OU=Test/CN=Scail User' };
    expect(verifyPeer(proxyChain({}), peer, trust).limited).toBe(false);
    expect(reasonOf(() => verifyPeer(proxyChain({ limited: true }), peer, trust))[0]).toBe('limited');
  });
});
