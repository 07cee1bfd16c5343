import { createPrivateKey, type KeyObject } from 'node:crypto';
import type forge from 'node-forge';
import { quote } from '../../shell.js';
import { type Passphrases, unlock } from '../passphrases.js';
import { CertificateError } from './problem.js';

/** The content of a file that a browser exported. */
export interface Pkcs12 {
  readonly key: KeyObject;
  /** DER, in no order. */
  readonly certificates: readonly Buffer[];
}

/**
 * Opens a PKCS#12 file (RFC 7292), also files of old browsers with RC2, which OpenSSL 3 no longer reads.
 * @throws AuthError for a wrong passphrase, CertificateError for a file that is broken or contains no key
 */
export async function openPkcs12(content: Buffer, file: string, passphrases: Passphrases): Promise<Pkcs12> {
  const { default: library } = await import('node-forge');
  let outer: forge.asn1.Asn1;
  try {
    outer = library.asn1.fromDer(content.toString('binary'));
  } catch (cause) {
    throw new CertificateError('malformed', `${file} is not a PKCS#12 file`, { cause });
  }
  const inspect = `openssl pkcs12 -info -noout -in ${quote(file)}`;
  const opened = await unlock(file, passphrases, passphrase => decrypt(library, outer, passphrase, file), inspect);
  const bags = opened.safeContents.flatMap(safe => safe.safeBags);
  const { pkcs8ShroudedKeyBag, keyBag, certBag } = library.pki.oids;
  const key = bags.find(bag => bag.type === pkcs8ShroudedKeyBag || bag.type === keyBag);
  if (key === undefined) throw new CertificateError('wrong-key', `${file} contains no key`, { hint: inspect });
  return {
    key: keyOf(library, key),
    certificates: bags.filter(bag => bag.type === certBag).map(bag => certificateOf(library, bag)),
  };
}

function decrypt(library: typeof forge, outer: forge.asn1.Asn1, passphrase: string, file: string) {
  try {
    return library.pkcs12.pkcs12FromAsn1(outer, passphrase);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : '';
    if (!/unsupported|not supported|unknown|OID/i.test(why)) return undefined;
    throw new CertificateError('unsupported', `${file} can't be opened: ${why}`, {
      hint: `convert it: openssl pkcs12 -in ${quote(file)} -out usercred.pem, then --cert usercred.pem`,
      cause,
    });
  }
}

const bytes = (library: typeof forge, asn1: forge.asn1.Asn1): Buffer =>
  Buffer.from(library.asn1.toDer(asn1).getBytes(), 'binary');

function keyOf(library: typeof forge, bag: forge.pkcs12.Bag): KeyObject {
  // the library decodes RSA keys, and leaves keys of other kinds as they are
  const asn1 = bag.key ? library.pki.wrapRsaPrivateKey(library.pki.privateKeyToAsn1(bag.key)) : bag.asn1;
  return createPrivateKey({ key: bytes(library, asn1), format: 'der', type: 'pkcs8' });
}

/** The certificate's own bytes: for what the library can't decode, and for what was signed, it keeps the original. */
const certificateOf = (library: typeof forge, bag: forge.pkcs12.Bag): Buffer =>
  bytes(library, bag.cert ? library.pki.certificateToAsn1(bag.cert) : bag.asn1);
