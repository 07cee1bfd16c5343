import { readFileSync } from 'node:fs';
import { AuthError, messageOf } from '../../errors.js';
import { printable } from '../../printable.js';
import { quote } from '../../shell.js';
import { fingerprint, keyType } from './publickey.js';
import { sshString, WireReader } from './wire.js';

/** An OpenSSH certificate (OpenSSH, PROTOCOL.certkeys): a public key, with an authority's statements about it. */
export interface Certificate {
  readonly blob: Buffer;
  /** Such as `ssh-ed25519-cert-v01@openssh.com`. */
  readonly type: string;
  /** The certified key, as a plain public key. */
  readonly publicKey: Buffer;
  readonly kind: 'user' | 'host';
  readonly keyId: string;
  /** The names that it may log in as; if there are none, the server decides. */
  readonly principals: readonly string[];
  /** Milliseconds since 1970; -Infinity and Infinity if there is no limit. */
  readonly validAfter: number;
  readonly validBefore: number;
  /** Fingerprint of the authority's key. */
  readonly authority: string;
}

/** How many values, each a `string` on the wire, make up a public key of each type. */
const fields: Readonly<Record<string, number>> = {
  'ssh-rsa': 2,
  'ssh-ed25519': 1,
  'ecdsa-sha2-nistp256': 2,
  'ecdsa-sha2-nistp384': 2,
  'ecdsa-sha2-nistp521': 2,
  'sk-ssh-ed25519@openssh.com': 2,
  'sk-ecdsa-sha2-nistp256@openssh.com': 3,
};

/** The key type in a certificate of type `type`; undefined if it is not a certificate. */
export function plainType(type: string): string | undefined {
  const stem = /^(.+)-cert-v01@openssh\.com$/.exec(type)?.[1];
  return stem?.startsWith('sk-') ? `${stem}@openssh.com` : stem;
}

/** @returns undefined for a public key that is not a certificate. @throws RangeError for a broken or unknown one */
export function parseCertificate(blob: Buffer): Certificate | undefined {
  const type = keyType(blob);
  const plain = plainType(type);
  if (plain === undefined) return undefined;
  const count = fields[plain];
  if (count === undefined) throw new RangeError(`certificates of type ${type} are not supported`);
  const reader = new WireReader(blob);
  reader.string(); // type
  reader.string(); // nonce
  const key = Array.from({ length: count }, () => sshString(reader.string()));
  reader.uint64(); // serial
  const kind = reader.uint32() === 1 ? 'user' : 'host';
  const keyId = printable(reader.text());
  const names = new WireReader(reader.string());
  const principals: string[] = [];
  while (names.rest.length > 0) principals.push(printable(names.text()));
  const [after, before] = [reader.uint64(), reader.uint64()];
  for (const _ of ['critical options', 'extensions', 'reserved']) reader.string();
  return {
    blob,
    type,
    publicKey: Buffer.concat([sshString(plain), ...key]),
    kind,
    keyId,
    principals,
    validAfter: after === 0n ? -Infinity : Number(after) * 1000,
    validBefore: before === 0xffff_ffff_ffff_ffffn ? Infinity : Number(before) * 1000,
    authority: fingerprint(reader.string()),
  };
}

/** The certificate in a file such as id_ed25519-cert.pub. @throws AuthError if it can't be read or contains none */
export function readCertificate(file: string): Certificate {
  try {
    const [, base64] = readFileSync(file, 'utf8').trim().split(/\s+/);
    const certificate = parseCertificate(Buffer.from(base64 ?? '', 'base64'));
    if (certificate !== undefined) return certificate;
  } catch (error) {
    throw new AuthError(`the certificate ${file} can't be used: ${messageOf(error)}`, {
      hint: `ssh-keygen -Lf ${quote(file)}`,
    });
  }
  throw new AuthError(`${file} is not a certificate`, { hint: `ssh-keygen -Lf ${quote(file)}` });
}

/** Why no server would accept it for `user`, as far as can be seen from here; undefined if nothing is wrong. */
export function faultOf(certificate: Certificate, user: string, now = Date.now()): string | undefined {
  const { kind, principals, validAfter, validBefore } = certificate;
  if (kind === 'host') return 'is for a host, not for users';
  if (now >= validBefore) return `expired ${ago(now - validBefore)}, on ${when(validBefore)}`;
  if (now < validAfter) return `is not valid before ${when(validAfter)}; here it is ${when(now)}`;
  if (principals.length > 0 && !principals.includes(user)) return `is for ${principals.join(', ')}, not for ${user}`;
  return undefined;
}

/** The end of its validity, in words. */
export function validity({ validBefore }: Certificate): string {
  return validBefore === Infinity ? 'without an end' : `until ${when(validBefore)}`;
}

/** Local time, to the minute. */
function when(ms: number): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const t = new Date(ms);
  const day = [t.getFullYear(), two(t.getMonth() + 1), two(t.getDate())].join('-');
  return `${day} ${two(t.getHours())}:${two(t.getMinutes())}`;
}

function ago(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return 'just now';
  const [count, unit] =
    minutes < 120
      ? [minutes, 'minute']
      : minutes < 2880
        ? [Math.floor(minutes / 60), 'hour']
        : [Math.floor(minutes / 1440), 'day'];
  return `${count} ${unit}${count === 1 ? '' : 's'} ago`;
}
