import { type KeyObject, verify } from 'node:crypto';
import { CertificateError } from './problem.js';

/** Hash of each signature algorithm (RFC 4055, RFC 5758, RFC 8410) for crypto.verify; null if the key decides. */
const hashes: Readonly<Record<string, string | null>> = {
  '1.2.840.113549.1.1.5': 'sha1',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.1': 'sha1',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.3.101.112': null,
  '1.3.101.113': null,
};

function signatureHash(oid: string): string | null {
  const hash = hashes[oid];
  if (hash === undefined) throw new CertificateError('unsupported', `the signature algorithm ${oid} is not supported`);
  return hash;
}

/**
 * Whether a signature is right; a signature by a key of another kind than its algorithm's is wrong.
 * @throws CertificateError `unsupported` for an unknown algorithm
 */
export function isSignature(oid: string, signed: Buffer, key: KeyObject, signature: Buffer): boolean {
  const hash = signatureHash(oid);
  try {
    return verify(hash, signed, key, signature);
  } catch {
    return false;
  }
}
