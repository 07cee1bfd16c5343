import { createCipheriv } from 'node:crypto';
import { sshUint32 } from '../../credentials/ssh/wire.js';
import { AuthError } from '../../errors.js';

/** What a security context proves the origin of messages with: secrets that only the two ends of its TLS session have. */
export interface MicKeys {
  /** An AES key as long as the session's own. */
  readonly key: Buffer;
  /** The part of each nonce that stays the same. */
  readonly fixed: Buffer;
}

const keyLabel = 'EXPERIMENTAL-GSI-MAC-KEY';
const fixedLabel = 'EXPERIMENTAL-GSI-MAC-IV-FIXED';

/**
 * Takes the keys from a TLS session by its exporter (RFC 5705; RFC 8446, 7.5), as the Grid Community Toolkit's GSSAPI
 * library does in its mechanism "MICv2".
 * @param suite OpenSSL's name of the session's cipher suite
 * @throws AuthError unless it is one of AES-GCM: for no other suite all servers know a MIC
 */
export function micKeys(suite: string, exporter: (length: number, label: string) => Buffer): MicKeys {
  const bits = /AES[_-]?(128|256)[_-]GCM/.exec(suite)?.[1];
  if (bits === undefined) throw new AuthError(`the server chose ${suite}, by which no message can be signed`);
  return { key: exporter(Number(bits) / 8, keyLabel), fixed: exporter(12, fixedLabel) };
}

/**
 * A message's integrity code (RFC 2743, GSS_GetMIC): the number of the message, its length, and its GMAC
 * (NIST SP 800-38D) under a nonce of that number and the fixed part.
 * @param sequence counts the messages of one context, from 0
 */
export function micToken({ key, fixed }: MicKeys, sequence: bigint, message: Buffer): Buffer {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(sequence);
  const nonce = Buffer.concat([counter, fixed.subarray(0, 4)]);
  const gmac = createCipheriv(key.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm', key, nonce);
  gmac.setAAD(message);
  gmac.final();
  return Buffer.concat([counter, sshUint32(message.length), gmac.getAuthTag()]);
}
