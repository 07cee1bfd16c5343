import { DerReader, oidOf, readDer } from './der.js';
import { attributeNames, oids } from './oids.js';

interface Attribute {
  readonly type: string;
  readonly value: Buffer;
  /** It is in the same set as the attribute before it. */
  readonly joined: boolean;
}

/** The attributes of a name in their order; those of one set follow each other. */
function attributesOf(name: Buffer): Attribute[] {
  const what = 'a name';
  const found: Attribute[] = [];
  for (const rdn of readDer(name, what).rest(0x31)) {
    const set = new DerReader(rdn.content, what);
    let first = true;
    while (!set.done) {
      const pair = set.enter();
      const [type, value] = [oidOf(pair.next(0x06), what), pair.next().content];
      pair.end();
      found.push({ type, value, joined: !first });
      first = false;
    }
  }
  return found;
}

/**
 * A name as the grid writes it in map files and policies: `/O=Grid/CN=J\xC3\xBCrgen`, which is the result of
 * X509_NAME_oneline in OpenSSL 3.
 * @param name DER of an X.501 Name
 */
export function oneLine(name: Buffer): string {
  return attributesOf(name)
    .map(({ type, value, joined }) => `${joined ? '+' : '/'}${attributeNames[type] ?? type}=${printed(value)}`)
    .join('');
}

function printed(value: Buffer): string {
  const one = (byte: number): string => {
    const char = String.fromCharCode(byte);
    if (byte < 0x20 || byte > 0x7e) return `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    return char === '/' || char === '+' ? `\\${char}` : char;
  };
  return [...value].map(one).join('');
}

/**
 * A form in which names on one line can be compared, whichever release of OpenSSL or Globus wrote them: earlier releases
 * put no backslash before a slash, no plus between the attributes of a set, and used other names for two attributes.
 * Globus ignores upper and lower case.
 */
export function comparable(name: string): string {
  return name
    .replace(/\+(?=[A-Za-z0-9.]+=)/g, '/')
    .replace(/\\([/+])/g, '$1')
    .replace(/\/(e|email)=/gi, '/emailAddress=')
    .replace(/\/userid=/gi, '/UID=')
    .toLowerCase();
}

/** The last common name, which is the most specific one. */
export function commonName(name: Buffer): string | undefined {
  return attributesOf(name)
    .findLast(attribute => attribute.type === oids.commonName)
    ?.value.toString('utf8');
}

/**
 * The common name that `longer` has as a set of its own after all of `shorter`, as a proxy's subject has after its
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
