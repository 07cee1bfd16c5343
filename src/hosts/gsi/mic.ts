import { createCipheriv } from 'node:crypto';
import { sshUint32 } from '../../credentials/ssh/wire.js';
import { AuthError } from '../../errors.js';

/**
 * The secrets by which a security context proves the origin of messages: only the two ends of its TLS session have them.
 */
export interface MicKeys {
  /** An AES key as long as the key of the session. */
  readonly key: Buffer;
  /** The part of each nonce that stays the same. */
  readonly fixed: Buffer;
}

const keyLabel = 'EXPERIMENTAL-GSI-MAC-KEY';
const fixedLabel = 'EXPERIMENTAL-GSI-MAC-IV-FIXED';

/**
 * Gets the keys from a TLS session through its exporter (RFC 5705; RFC 8446, 7.5), as the GSSAPI library of the Grid
 * Community Toolkit does in its mechanism "MICv2".
 * @param suite OpenSSL's name of the session's cipher suite
 * @throws AuthError if it is not AES-GCM: only for these can all servers compute a MIC
 */
export function micKeys(suite: string, exporter: (length: number, label: string) => Buffer): MicKeys {
  const bits = /AES[_-]?(128|256)[_-]GCM/.exec(suite)?.[1];
  if (bits === undefined) throw new AuthError(`the server chose ${suite}, which can't sign messages`);
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
