import type { Certificate } from './certificate.js';
import { context, DerReader, type Element, oidOf, readDer, tags, timeOf } from './der.js';
import { oneLine } from './name.js';
import { oids } from './oids.js';

const what = 'the VOMS attributes';

/** A VO's statement about the holder: an attribute certificate (RFC 5755) that contains VOMS' own attribute. */
export interface VomsAttributes {
  readonly vo: string;
  /** `host:port` of the server that issued it; empty if it does not say so. */
  readonly server: string;
  /** Groups and roles, `/vo/group/Role=admin/Capability=NULL`, the primary one first. */
  readonly fqans: readonly string[];
  /** The server's name on one line. */
  readonly issuer: string;
  readonly start: Date;
  readonly end: Date;
  /** DER of the name of the CA that certified the holder, or of the holder; and the content of the serial number that this CA gave. */
  readonly holder: { readonly issuer: Buffer; readonly serial: Buffer };
}

/** DER of the attribute certificates in a proxy. @throws CertificateError `malformed` */
export function attributeCertificates(proxy: Certificate): Buffer[] {
  const extension = proxy.extensions.get(oids.vomsAttributes);
  if (extension === undefined) return [];
  return [...readDer(extension.value, what).enter().rest(tags.sequence)].map(element => element.raw);
}

/** Reads an attribute certificate; does not check its signature. @throws CertificateError `malformed` */
export function readAttributes(der: Buffer): VomsAttributes {
  const info = readDer(der, what).enter();
  info.next(tags.integer);
  const base = new DerReader(info.enter().next(context(0)).content, what);
  const holder = { issuer: nameIn(base.enter()), serial: base.next(tags.integer).content };
  const issuer = issuerIn(info.next());
  info.next(tags.sequence);
  info.next(tags.integer);
  const validity = info.enter();
  const [start, end] = [timeOf(validity.next(), what), timeOf(validity.next(), what)];
  return { ...fqansIn(info.enter()), issuer, start, end, holder };
}

/** The name in GeneralNames that contain a directory name. */
function nameIn(names: DerReader): Buffer {
  return new DerReader(names.next(context(4)).content, what).next(tags.sequence).raw;
}

/** AttCertIssuer: GeneralNames of version 1, or those in the form of version 2. */
function issuerIn(element: Element): string {
  const inside = new DerReader(element.content, what);
  return oneLine(nameIn(element.tag === context(0) ? inside.enter() : inside));
}

function fqansIn(attributes: DerReader): Pick<VomsAttributes, 'vo' | 'server' | 'fqans'> {
  for (const { content } of attributes.rest(tags.sequence)) {
    const attribute = new DerReader(content, what);
    if (oidOf(attribute.next(tags.oid), what) !== oids.vomsFqans) continue;
    const syntax = attribute.enter(tags.set).enter();
    const authority = syntax.optional(context(0));
    const uri = authority && new DerReader(authority.content, what).optional(context(6, 'primitive'));
    const [, vo = '', server = ''] = /^(.*?):\/\/(.*)$/s.exec(uri?.content.toString('latin1') ?? '') ?? [];
    const fqans = [...syntax.enter().rest()].map(value => value.content.toString('utf8'));
    return { vo: vo || (fqans[0]?.split('/')[1] ?? ''), server, fqans };
  }
  return { vo: '', server: '', fqans: [] };
}
