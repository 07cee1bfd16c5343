import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attributeCertificates, readAttributes } from '../../src/credentials/x509/attributes.js';
import { Certificate } from '../../src/credentials/x509/certificate.js';
import { RevocationList } from '../../src/credentials/x509/crl.js';
import * as der from '../../src/credentials/x509/der.js';
import { certificateRequest, issueProxy, keyOfRequest } from '../../src/credentials/x509/issue.js';
import { oneLine } from '../../src/credentials/x509/name.js';
import { pemBlocks } from '../../src/credentials/x509/pem.js';
import { parseSigningPolicy } from '../../src/credentials/x509/policy.js';
import { CertificateError } from '../../src/credentials/x509/problem.js';
import { parseProxy } from '../../src/credentials/x509/proxy.js';
import { tries } from '../attack/thorough.js';
import { attributeCertificate } from './attributes.js';
import { openssl, temporaryCa } from './ca.js';
import { derOf, privateKeyOf } from './read.js';

let grid: ReturnType<typeof temporaryCa>;
let samples: { [what: string]: { bytes: Buffer; read: (bytes: Buffer) => unknown } };
beforeAll(() => {
  grid = temporaryCa();
  const issued = grid.ca.issueHost('a.example.org');
  grid.ca.revoke(issued);
  const certificate = new Certificate(derOf(issued.cert));
  const key = privateKeyOf(issued.key);
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const attributes = attributeCertificate(certificate, ['/vo/Role=NULL']);
  const end = new Date(Date.now() + 3_600_000);
  const proxy = issueProxy({ certificate, key }, publicKey, { end, pathLength: 2, attributes: [attributes] });
  const all = (bytes: Buffer): unknown => {
    const read = new Certificate(bytes);
    const { authority, purposes, name } = read;
    return [
      authority,
      purposes,
      name,
      read.mayBeUsedFor('signatures'),
      attributeCertificates(read).map(readAttributes),
    ];
  };
  samples = {
    certificate: { bytes: certificate.der, read: all },
    proxy: { bytes: proxy, read: all },
    attributes: { bytes: attributes, read: readAttributes },
    name: { bytes: certificate.subject, read: oneLine },
    request: { bytes: certificateRequest(publicKey, privateKey), read: keyOfRequest },
    'revocation list': {
      bytes: derOf(grid.ca.revocationList()),
      read: bytes => new RevocationList(bytes, 'the list').revokedSince(Buffer.of(1)),
    },
  };
});
afterAll(() => grid.dispose());

/** What reading does with any bytes: either it reads them, or it says that it can't. */
function triesToRead(read: (bytes: Buffer) => unknown, bytes: Buffer): void {
  try {
    read(bytes);
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
  }
}

const kinds = ['certificate', 'proxy', 'attributes', 'name', 'request', 'revocation list'];

describe.each(kinds)('a %s', what => {
  const sample = () => samples[what] as { bytes: Buffer; read: (bytes: Buffer) => unknown };

  it('is read', () => {
    expect(() => sample().read(sample().bytes)).not.toThrow();
  });

  it('with something behind it is refused', () => {
    expect(() => sample().read(Buffer.concat([sample().bytes, Buffer.of(0)]))).toThrow(CertificateError);
  });

  it('cut anywhere is refused', () => {
    const { bytes, read } = sample();
    for (let length = 0; length < bytes.length; length++) {
      expect(() => read(bytes.subarray(0, length)), `${length} bytes`).toThrow(CertificateError);
    }
  });

  it('with any byte changed is read or refused', () => {
    const { bytes, read } = sample();
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), changes => {
        const changed = Buffer.from(bytes);
        for (const [at, by] of changes) changed[at] = (changed[at] as number) ^ by;
        triesToRead(read, changed);
      }),
      { numRuns: tries(1500) },
    );
  });

  it('made of any bytes is read or refused', () => {
    const any = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(any, bytes => triesToRead(sample().read, Buffer.from(bytes))),
      { numRuns: tries(1500) },
    );
  });

  it('made of any values is read or refused', () => {
    const tag = fc.constantFrom(2, 3, 4, 5, 6, 12, 19, 23, 24, 48, 49, 0xa0, 0xa3, 0x86);
    const { value } = fc.letrec<{ value: Buffer }>(tie => ({
      value: fc.oneof(
        { depthSize: 'large', withCrossShrink: true },
        fc.tuple(tag, fc.uint8Array({ maxLength: 6 })).map(([t, bytes]) => der.encode(t, bytes)),
        fc.tuple(tag, fc.array(tie('value'), { maxLength: 8 })).map(([t, inside]) => der.encode(t, ...inside)),
      ),
    }));
    fc.assert(
      fc.property(value, bytes => triesToRead(sample().read, bytes)),
      { numRuns: tries(1500) },
    );
  });
});

it('text of any kind is read or refused where certificates and policies are expected', () => {
  const words = fc.constantFrom(
    '-----BEGIN CERTIFICATE-----',
    '-----END CERTIFICATE-----',
    '\n',
    'MIIB',
    '=',
    '\r\n',
    ' ',
  );
  const policy = fc.constantFrom(
    'access_id_CA',
    ' X509 ',
    "'/O=a'",
    '\n',
    'pos_rights',
    ' globus ',
    'CA:sign',
    '"',
    "'",
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(words).map(w => w.join('')),
    fc.array(policy).map(w => w.join('')),
  );
  fc.assert(
    fc.property(text, any => {
      pemBlocks(any);
      triesToRead(() => parseProxy(any, 'p'), Buffer.alloc(0));
      triesToRead(() => parseSigningPolicy(any, 'p'), Buffer.alloc(0));
    }),
    { numRuns: tries(2000) },
  );
});

it('much text without an end is refused at once', () => {
  const began = performance.now();
  for (const word of ['-----BEGIN CERTIFICATE-----\n', '-----BEGIN A-----', '-', 'A']) {
    expect(pemBlocks(word.repeat(5_000_000 / word.length))).toEqual([]);
  }
  // values in values, as deep as they go
  const deep = Buffer.alloc(1_000_000, Buffer.of(0x30, 0x80));
  expect(() => new Certificate(deep)).toThrow(CertificateError);
  expect(performance.now() - began).toBeLessThan(5_000);
});

describe('encoding', () => {
  const reader = (bytes: Buffer) => new der.DerReader(bytes, 'it').next();

  it('is what openssl reads', () => {
    const parts = [
      der.integer(0x80),
      der.oid('1.3.6.1.4.1.8005.100.100.5'),
      der.time(new Date('2049-12-31T23:59:59Z')),
      der.time(new Date('2050-01-01T00:00:00Z')),
      der.octetString(Buffer.alloc(70_000)),
    ];
    const file = `${grid.dir}/encoded.der`;
    writeFileSync(file, der.sequence(...parts));
    const lines = openssl('asn1parse', '-inform', 'DER', '-in', file).split('\n');
    expect(
      lines.map(line =>
        line
          .replace(/^.*?(cons|prim): /, '')
          .slice(0, 60)
          .trim(),
      ),
    ).toEqual([
      'SEQUENCE',
      'INTEGER           :80',
      'OBJECT            :1.3.6.1.4.1.8005.100.100.5',
      'UTCTIME           :491231235959Z',
      'GENERALIZEDTIME   :20500101000000Z',
      expect.stringMatching(/^OCTET STRING/),
      '',
    ]);
  });

  it('of numbers, dates and identifiers is read back', () => {
    for (const n of [0, 1, 127, 128, 255, 256, 65_535, 2 ** 31 - 1])
      expect(der.numberOf(reader(der.integer(n)), 'it')).toBe(n);
    for (const text of ['2049-12-31T23:59:59.000Z', '2050-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'])
      expect(der.timeOf(reader(der.time(new Date(text))), 'it').toISOString()).toBe(text);
    const identifier = fc.tuple(fc.nat(2), fc.nat(39), fc.array(fc.nat(), { maxLength: 8 }));
    fc.assert(
      fc.property(identifier, ([a, b, rest]) => {
        const dotted = [a, b, ...rest].join('.');
        expect(der.oidOf(reader(der.oid(dotted)), 'it')).toBe(dotted);
      }),
    );
  });

  it.each([
    ['an indefinite length', '30800000'],
    ['a length in more bytes than it needs', '308103020101'],
    ['a length with leading zeros', '30820003020101'],
    ['a length of five bytes', '308500000000010000'],
    ['a tag of several bytes', '1f8101'],
  ])('%s is no DER', (_, hex) => {
    expect(() => reader(Buffer.from(hex, 'hex'))).toThrow(CertificateError);
  });
});
