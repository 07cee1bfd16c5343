import type { ParsedKey } from 'ssh2';
import { plainType } from '../../credentials/ssh/certificate.js';
import { sshString } from '../../credentials/ssh/wire.js';

const hashes: Readonly<Record<string, string>> = {
  'rsa-sha2-512': 'sha512',
  'rsa-sha2-256': 'sha256',
  'ssh-rsa': 'sha1',
};

/** The name of the algorithm in an authentication request, and in the signature in it. */
export interface Algorithms {
  readonly request: string;
  readonly signature: string;
}

/**
 * How a key or certificate of type `type` signs for a server, chosen as in ssh(1); undefined if both sides have no
 * algorithm in common. Only RSA has a choice (RFC 8332).
 * @param server the algorithms that the server accepts, if it tells them
 * @param software the server's software; two versions of OpenSSH need special treatment
 * @param allowed the requests that the configuration allows; without it, all of them
 */
export function algorithmsFor(
  type: string,
  server: readonly string[] | undefined,
  software: string,
  allowed?: readonly string[],
): Algorithms | undefined {
  return candidates(type, server, software).find(({ request }) => allowed?.includes(request) ?? true);
}

/** The best one first. */
function candidates(type: string, server: readonly string[] | undefined, software: string): Algorithms[] {
  const plain = plainType(type) ?? type;
  if (plain !== 'ssh-rsa') return [{ request: type, signature: plain }];
  const isCertificate = type !== plain;
  // up to 7.7 it knew no certificates that sign with SHA-2; 7.4 accepted SHA-2 but did not say so
  if (isCertificate && /^OpenSSH_([2-6]\.|7\.[0-7](?!\d))/.test(software))
    return [{ request: type, signature: 'ssh-rsa' }];
  const taken = (server && /^OpenSSH_7\.4/.test(software) ? [...server, 'rsa-sha2-512'] : server) ?? ['ssh-rsa'];
  return ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa']
    .filter(name => taken.includes(name))
    .map(signature => ({ request: isCertificate ? `${signature}-cert-v01@openssh.com` : signature, signature }));
}

/** A signature by a private key in wire format (RFC 4253 section 6.6). @throws Error if the key can't sign */
export function sign(key: ParsedKey, data: Buffer, algorithm: string): Buffer {
  const bare = key.sign(data, hashes[algorithm]);
  if (bare instanceof Error) throw bare;
  return Buffer.concat([sshString(algorithm), sshString(algorithm.startsWith('ecdsa-') ? integers(bare) : bare)]);
}

/** SEQUENCE { r INTEGER, s INTEGER } in DER → mpint r, mpint s (RFC 5656 section 3.1.2). */
function integers(der: Buffer): Buffer {
  let at = der.readUInt8(1) < 0x80 ? 2 : 3;
  return Buffer.concat(
    ['r', 's'].map(() => {
      const length = der.readUInt8(at + 1);
      at += 2 + length;
      return sshString(der.subarray(at - length, at));
    }),
  );
}
