import { type KeyObject, sign } from 'node:crypto';
import type { Certificate } from '../../src/credentials/x509/certificate.js';
import {
  bitString,
  context,
  encode,
  integer,
  isTrue,
  octetString,
  oid,
  printable,
  readDer,
  sequence,
  set,
  time,
} from '../../src/credentials/x509/der.js';

/** Proxies that break the rules, which our own maker refuses to make. */
export function forgeCertificate(
  issuer: Certificate,
  key: KeyObject,
  publicKey: KeyObject,
  change: {
    /** Object identifier of the policy; default: full rights. */
    readonly policy?: string;
    /** `/O=…/CN=…`; default: the issuer's with a number added. */
    readonly subject?: string;
    readonly isCa?: boolean;
    /** By its name alone, as Globus 2 did. */
    readonly legacy?: 'proxy' | 'limited proxy';
  },
): Buffer {
  const rdn = (type: string, value: string) => set(sequence(oid(type), printable(value)));
  const types: { [name: string]: string } = { O: '2.5.4.10', OU: '2.5.4.11', CN: '2.5.4.3' };
  const parts = change.subject
    ?.split('/')
    .slice(1)
    .map(part => part.split('=') as [string, string]);
  const subject = parts
    ? // as long as the words are the same, the encoding must be, too
      sequence(
        ...(sameWords(issuer, parts) ?? []),
        ...parts.slice(sameWords(issuer, parts)?.length ?? 0).map(([type, value]) => rdn(types[type] as string, value)),
      )
    : sequence(readDer(issuer.subject, 'it').all, rdn('2.5.4.3', change.legacy ?? '1234'));
  const algorithm =
    key.asymmetricKeyType === 'ec'
      ? sequence(oid('1.2.840.10045.4.3.2'))
      : sequence(oid('1.2.840.113549.1.1.11'), encode(5));
  const info = sequence(sequence(oid(change.policy ?? '1.3.6.1.5.5.7.21.1')));
  const extensions = [
    ...(change.legacy ? [] : [sequence(oid('1.3.6.1.5.5.7.1.14'), isTrue, octetString(info))]),
    ...(change.isCa ? [sequence(oid('2.5.29.19'), isTrue, octetString(sequence(isTrue)))] : []),
  ];
  const tbs = sequence(
    encode(context(0), integer(2)),
    integer(1234),
    algorithm,
    issuer.subject,
    sequence(time(new Date(Date.now() - 60_000)), time(new Date(Date.now() + 3_600_000))),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length > 0 ? [encode(context(3), sequence(...extensions))] : []),
  );
  return sequence(tbs, algorithm, bitString(sign('sha256', tbs, key)));
}

/** The issuer's own encoding of the words that the two names begin with. */
function sameWords(issuer: Certificate, parts: readonly [string, string][]): Buffer[] | undefined {
  const own = [...readDer(issuer.subject, 'it').rest()].map(element => element.raw);
  const words = issuer.name.split('/').slice(1);
  const count = words.findIndex((word, n) => word !== parts[n]?.join('='));
  return own.slice(0, count < 0 ? words.length : count);
}
