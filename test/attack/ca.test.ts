import { generateKeyPairSync } from 'node:crypto';
import { copyFileSync, cpSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Certificate } from '../../src/credentials/x509/certificate.js';
import { issueProxy } from '../../src/credentials/x509/issue.js';
import { verifyPeer } from '../../src/credentials/x509/peer.js';
import { CertificateError } from '../../src/credentials/x509/problem.js';
import { loadTrust } from '../../src/credentials/x509/trust.js';
import { verifyChain } from '../../src/credentials/x509/verify.js';
import { ec, type Issued, openssl, TestCa, temporaryCa } from '../credentials/ca.js';
import { derOf, privateKeyOf } from '../credentials/read.js';
import { attack } from './attack.js';

const caUse = ['basicConstraints = critical, CA:true', 'keyUsage = critical, keyCertSign, cRLSign'];

describe('CAs, and who shows certificates of theirs', () => {
  let grid: ReturnType<typeof temporaryCa>;
  beforeAll(() => {
    grid = temporaryCa(ec);
  });
  afterAll(() => grid.dispose());

  let copies = 0;
  const trustCopy = (): string => {
    const dir = join(grid.dir, `attacked-${copies++}`);
    cpSync(grid.trust, dir, { recursive: true });
    return dir;
  };
  const chainOf = (...issued: Pick<Issued, 'cert'>[]): Buffer[] => issued.map(one => derOf(one.cert));
  const verdict = (chain: Buffer[], dir = grid.trust): string => {
    try {
      return `accepted as ${verifyChain(chain, loadTrust(dir)).identity}`;
    } catch (error) {
      if (error instanceof CertificateError) return error.reason;
      throw error;
    }
  };

  attack({ by: 'a server', on: 'here', what: 'shows names that its CA may not certify' }, count => {
    for (const subject of [
      '/O=Elsewhere/CN=x',
      '/O=Gridded/CN=x',
      '/O=grid /CN=x',
      '/CN=x/O=Grid',
      '/DC=O=Grid/CN=x',
    ]) {
      count();
      expect(verdict(chainOf(grid.ca.issue({ subject }))), subject).toBe('signing-policy');
    }
    expect(verdict(chainOf(grid.ca.issue({ subject: '/O=Grid/CN=x' })))).toBe('accepted as /O=Grid/CN=x');
  });

  attack({ by: 'a server', on: 'here', what: 'shows what a CA signed that is limited to other names' }, count => {
    for (const critical of ['critical, ', '']) {
      count();
      const limits = `nameConstraints = ${critical}permitted;DNS:example.org`;
      const below = grid.ca.subordinate(`/O=Grid/CN=Limited${critical && ' critical'}`, [...caUse, limits]);
      const dir = trustCopy();
      below.install(dir);
      const host = below.issueHost('elsewhere.org');
      expect(verdict(chainOf(host, below), dir), critical || 'not critical').toBe('unsupported');
    }
  });

  attack({ by: 'a server', on: 'here', what: "uses another CA's signing policy, filed under the same hash" }, count => {
    const dir = trustCopy();
    const evil = TestCa.make(grid.dir, '/O=Evil/CN=Evil CA', ec);
    const mine = evil.issue({ subject: '/O=Grid/OU=Test/CN=Scail User' });
    copyFileSync(evil.cert, join(dir, `${grid.ca.hash}.1`));
    count();
    expect(verdict(chainOf(mine), dir)).toBe('signing-policy');
    writeFileSync(join(dir, `${evil.hash}.signing_policy`), evil.policy(['/O=Evil/*']));
    symlinkSync(`${grid.ca.hash}.1`, join(dir, `${evil.hash}.0`));
    count();
    expect(verdict(chainOf(mine), dir)).toBe('signing-policy');
    count();
    // one that has the very name of the trusted CA, and is shown, not installed
    const twin = TestCa.make(grid.dir, grid.ca.subject, ec);
    expect(verdict(chainOf(twin.issue({ subject: '/O=Grid/CN=x' }), twin))).toMatch(/^(bad-signature|unknown-ca)$/);
    for (const link of ['ffffffff.0', 'eeeeeeee.r0', 'dddddddd.signing_policy'])
      symlinkSync('nowhere', join(dir, link));
    expect(verdict(chainOf(grid.ca.issue({ subject: '/O=Grid/CN=y' })), dir)).toBe('accepted as /O=Grid/CN=y');
  });

  attack({ by: 'a server', on: 'here', what: 'shows certificates without end' }, count => {
    const user = grid.ca.issue({ subject: '/O=Grid/CN=Many' });
    const big = openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:4096');
    const key = join(grid.dir, 'big.key');
    writeFileSync(key, big);
    const own = openssl('req', '-new', '-x509', '-key', key, '-subj', grid.ca.subject, '-days', '9');
    const der = new Certificate(Buffer.from(own.replace(/-----[^-]+-----|\s/g, ''), 'base64')).der;
    count(20_000);
    const began = performance.now();
    expect(verdict([derOf(user.cert), ...Array<Buffer>(20_000).fill(der)])).toBe('malformed');
    expect(performance.now() - began).toBeLessThan(500);
  });

  attack(
    { by: 'a server', on: 'here', what: "shows another host's certificate, a person's, or a proxy of a host's" },
    count => {
      const host = grid.ca.issueHost('myproxy.example.org');
      const names = [
        'other.example.org',
        'example.org',
        'myproxy.example.org.evil.org',
        '*.example.org',
        'MYPROXY.example.orgx',
      ];
      for (const name of names) {
        count();
        expect(
          () => verifyPeer(chainOf(host), { host: name, services: ['myproxy', 'host'] }, loadTrust(grid.trust)),
          name,
        ).toThrow(CertificateError);
      }
      count();
      const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const end = new Date(Date.now() + 3_600_000);
      const certificate = new Certificate(derOf(host.cert));
      const limited = issueProxy({ certificate, key: privateKeyOf(host.key) }, publicKey, { end, limited: true });
      expect(() =>
        verifyPeer(
          [limited, derOf(host.cert)],
          { host: 'myproxy.example.org', services: ['myproxy', 'host'] },
          loadTrust(grid.trust),
        ),
      ).toThrow(CertificateError);
      verifyPeer(chainOf(host), { host: 'myproxy.example.org', services: ['myproxy', 'host'] }, loadTrust(grid.trust));
    },
  );
});
