import { DerReader, oidOf, readDer } from './der.js';
import { attributeNames, oids } from './oids.js';

interface Attribute {
  readonly type: string;
  readonly value: Buffer;
}

/** A name's attributes in their order; those of one set follow each other. */
function attributesOf(name: Buffer): Attribute[] {
  const what = 'a name';
  const found: Attribute[] = [];
  for (const rdn of readDer(name, what).rest(0x31)) {
    const set = new DerReader(rdn.content, what);
    while (!set.done) {
      const pair = set.enter();
      found.push({ type: oidOf(pair.next(0x06), what), value: pair.next().content });
      pair.end();
    }
  }
  return found;
}

/**
 * A name as the grid writes it in map files and policies: `/O=Grid/CN=J\xC3\xBCrgen`, which is OpenSSL's
 * X509_NAME_oneline, byte by byte.
 * @param name DER of an X.501 Name
 */
export function oneLine(name: Buffer): string {
  return attributesOf(name)
    .map(({ type, value }) => `/${attributeNames[type] ?? type}=${printed(value)}`)
    .join('');
}

const printed = (value: Buffer): string =>
  [...value]
    .map(b => (b < 0x20 || b > 0x7e ? `\\x${b.toString(16).toUpperCase().padStart(2, '0')}` : String.fromCharCode(b)))
    .join('');

/** The common names, in their order. */
export function commonNames(name: Buffer): string[] {
  return attributesOf(name).flatMap(a => (a.type === oids.commonName ? [a.value.toString('utf8')] : []));
}

/**
 * The common name that `longer` has as a set of its own behind all of `shorter`, as a proxy's subject has behind its
 * issuer's (RFC 3820, 3.4).
 */
export function addedCommonName(longer: Buffer, shorter: Buffer): string | undefined {
  const [all, first] = [longer, shorter].map(name => [...readDer(name, 'a name').rest(0x31)]);
  const last = all?.at(-1);
  if (all?.length !== (first?.length ?? 0) + 1 || last === undefined) return undefined;
  if (!Buffer.concat(all.slice(0, -1).map(r => r.raw)).equals(Buffer.concat((first ?? []).map(r => r.raw)))) return;
  const set = new DerReader(last.content, 'a name');
  const pair = set.enter();
  const isCommonName = oidOf(pair.next(0x06), 'a name') === oids.commonName;
  return isCommonName && set.done ? pair.next().content.toString('latin1') : undefined;
}
