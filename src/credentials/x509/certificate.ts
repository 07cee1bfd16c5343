import { type KeyObject, X509Certificate } from 'node:crypto';
import { context, DerReader, type Element, numberOf, oidOf, readDer, tags, timeOf } from './der.js';
import { addedCommonName, oneLine } from './name.js';
import { oids } from './oids.js';
import { CertificateError } from './problem.js';

const what = 'the certificate';

/** What makes a certificate a proxy, and which kind of proxy. */
export interface ProxyType {
  /** RFC 3820, the draft before it (Globus 3), or recognised by its name alone (Globus 2). */
  readonly form: 'rfc' | 'draft' | 'legacy';
  /** Impersonation: all rights of the user; limited: no logins and no new jobs; restricted: a policy of its own. */
  readonly policy: 'impersonation' | 'limited' | 'independent' | 'restricted';
  /** How many further proxies may be made, each from the one before. */
  readonly pathLength: number | undefined;
}

export interface Extension {
  readonly critical: boolean;
  readonly value: Buffer;
}

/** An X.509 certificate, with the fields of node:crypto and those that node:crypto does not show. */
export class Certificate {
  #x509: X509Certificate | undefined;
  /** DER of the names, exactly as in the certificate. */
  readonly issuer: Buffer;
  readonly subject: Buffer;
  /** Content bytes of the serial number. */
  readonly serial: Buffer;
  /** Object identifier of the issuer's signature. */
  readonly algorithm: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly extensions: ReadonlyMap<string, Extension>;
  /** Undefined if it is not a proxy. */
  readonly proxy: ProxyType | undefined;

  /** @throws CertificateError `malformed` */
  constructor(readonly der: Buffer) {
    const certificate = readDer(der, what);
    const tbs = certificate.enter();
    tbs.optional(context(0));
    this.serial = tbs.next(tags.integer).content;
    this.algorithm = oidOf(tbs.enter().next(tags.oid), what);
    this.issuer = tbs.next(tags.sequence).raw;
    const validity = tbs.enter();
    this.notBefore = timeOf(validity.next(), what);
    this.notAfter = timeOf(validity.next(), what);
    this.subject = tbs.next(tags.sequence).raw;
    tbs.next(tags.sequence);
    tbs.optional(context(1, 'primitive'));
    tbs.optional(context(2, 'primitive'));
    this.extensions = extensionsOf(tbs.optional(context(3)));
    tbs.end();
    this.proxy = proxyTypeOf(this);
  }

  /**
   * The certificate in node:crypto. Made only on request, because a directory of CAs has hundreds. @throws
   * CertificateError `malformed`
   */
  get x509(): X509Certificate {
    try {
      this.#x509 ??= new X509Certificate(this.der);
      return this.#x509;
    } catch (cause) {
      throw new CertificateError('malformed', `${what} of ${this.name} can't be read`, { cause });
    }
  }

  /** The subject in the form that map files use. */
  get name(): string {
    return oneLine(this.subject);
  }

  get selfIssued(): boolean {
    return this.subject.equals(this.issuer);
  }

  /** @throws CertificateError `unsupported` for kinds of keys that node:crypto does not know */
  get publicKey(): KeyObject {
    try {
      return this.x509.publicKey;
    } catch (cause) {
      throw new CertificateError('unsupported', `${what} of ${this.name} has a key of a kind not known here`, {
        cause,
      });
    }
  }

  /** Whether that issuer's key made the signature on this certificate; the issuer's rights are not checked. */
  isSignedBy(issuer: Certificate): boolean {
    return this.x509.verify(issuer.publicKey);
  }

  /** Whether the certificate has its own identity, not that of its issuer. */
  get standsForItself(): boolean {
    return this.proxy === undefined || this.proxy.policy === 'independent';
  }

  /** Whether a key-usage bit is granted (RFC 5280, 4.2.1.3); without the extension all are. */
  mayBeUsedFor(use: 'signatures' | 'certificates' | 'revocation lists'): boolean {
    const extension = this.extensions.get(oids.keyUsage);
    if (extension === undefined) return true;
    const { content } = new DerReader(extension.value, 'the key usage').next(tags.bitString);
    const bit = { signatures: 0, certificates: 5, 'revocation lists': 6 }[use];
    return ((content[1] ?? 0) & (0x80 >> bit)) !== 0;
  }

  /** Whether it may issue certificates; `pathLength`: how many CAs may be between it and the last certificate. */
  get authority(): { readonly pathLength: number | undefined } | undefined {
    const extension = this.extensions.get(oids.basicConstraints);
    if (extension === undefined) return undefined;
    const inside = readDer(extension.value, 'the basic constraints');
    const isCa = inside.optional(tags.boolean)?.content[0];
    const limit = inside.optional(tags.integer);
    if (!isCa) return undefined;
    return { pathLength: limit && numberOf(limit, 'the basic constraints') };
  }

  /** The extended key usages; undefined if every use is allowed. */
  get purposes(): readonly string[] | undefined {
    const extension = this.extensions.get(oids.extendedKeyUsage);
    if (extension === undefined) return undefined;
    const inside = readDer(extension.value, 'the extended key usage');
    return [...inside.rest(tags.oid)].map(one => oidOf(one, 'the extended key usage'));
  }
}

/** RFC 5280, 4.2. */
function extensionsOf(element: Element | undefined): Map<string, Extension> {
  const found = new Map<string, Extension>();
  if (element === undefined) return found;
  for (const one of readDer(element.content, what).rest(tags.sequence)) {
    const inside = new DerReader(one.content, what);
    const id = oidOf(inside.next(tags.oid), what);
    const critical = inside.optional(tags.boolean)?.content[0] === 0xff;
    const value = inside.next(tags.octetString).content;
    inside.end();
    if (found.has(id)) throw new CertificateError('malformed', `${what} has the extension ${id} twice`);
    found.set(id, { critical, value });
  }
  return found;
}

const policies: Readonly<Record<string, ProxyType['policy']>> = {
  [oids.impersonation]: 'impersonation',
  [oids.limited]: 'limited',
  [oids.independent]: 'independent',
};

function proxyTypeOf({ extensions, subject, issuer }: Certificate): ProxyType | undefined {
  const rfc = extensions.get(oids.proxyCertInfo);
  const info = rfc ?? extensions.get(oids.draftProxyCertInfo);
  if (info === undefined) {
    const added = addedCommonName(subject, issuer);
    if (added !== 'proxy' && added !== 'limited proxy') return undefined;
    const policy = added === 'proxy' ? 'impersonation' : 'limited';
    return { form: 'legacy', policy, pathLength: undefined };
  }
  const about = 'the proxy certificate information';
  const inside = readDer(info.value, about);
  // in the draft the limit comes after the policy, as [1]
  const before = inside.optional(tags.integer);
  const language = oidOf(inside.enter().next(tags.oid), about);
  const behind = inside.optional(context(1));
  const limit = before ?? (behind && new DerReader(behind.content, about).next(tags.integer));
  return {
    form: rfc === undefined ? 'draft' : 'rfc',
    policy: policies[language] ?? 'restricted',
    pathLength: limit && numberOf(limit, about),
  };
}
