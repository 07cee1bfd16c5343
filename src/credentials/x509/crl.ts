import type { Certificate } from './certificate.js';
import { bytesOf, DerReader, oidOf, readDer, tags, timeOf } from './der.js';
import { CertificateError } from './problem.js';
import { isSignature } from './signature.js';

/** A CA's list of revoked certificates (RFC 5280, 5). Some have 100 000 entries, so entries are read only on request. */
export class RevocationList {
  readonly issuer: Buffer;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly #signed: Buffer;
  readonly #algorithm: string;
  readonly #signature: Buffer;
  readonly #entries: Buffer;

  /** @param what for messages: the file. @throws CertificateError `malformed` */
  constructor(
    der: Buffer,
    readonly what: string,
  ) {
    const list = readDer(der, what);
    const tbs = list.next(tags.sequence);
    this.#signed = tbs.raw;
    this.#algorithm = oidOf(list.enter().next(tags.oid), what);
    this.#signature = bytesOf(list.next(tags.bitString), what);
    list.end();
    const inside = new DerReader(tbs.content, what);
    inside.optional(tags.integer);
    inside.next(tags.sequence);
    this.issuer = inside.next(tags.sequence).raw;
    this.thisUpdate = timeOf(inside.next(), what);
    const next = inside.optional(tags.utcTime) ?? inside.optional(tags.generalizedTime);
    this.nextUpdate = next && timeOf(next, what);
    this.#entries = inside.optional(tags.sequence)?.content ?? Buffer.alloc(0);
  }

  /** @throws CertificateError `crl` if it was not issued by `authority`, or is not current */
  check(authority: Certificate, when: Date): void {
    const refuse = (why: string): never => {
      throw new CertificateError('crl', `${this.what} ${why}`, {
        hint: 'get a new one with fetch-crl, or ask who administers this machine',
      });
    };
    if (!this.#isSignedBy(authority)) refuse(`is not signed by ${authority.name}`);
    if (this.thisUpdate > when) refuse(`is not valid before ${this.thisUpdate.toISOString()}`);
    if (this.nextUpdate && this.nextUpdate < when) refuse(`was to be renewed by ${this.nextUpdate.toISOString()}`);
  }

  #isSignedBy(authority: Certificate): boolean {
    if (!authority.mayBeUsedFor('revocation lists')) return false;
    return isSignature(this.#algorithm, this.#signed, authority.publicKey, this.#signature);
  }

  /** When a certificate was revoked; undefined if it was not. @param serial content bytes of its serial number */
  revokedSince(serial: Buffer): Date | undefined {
    for (const { content } of new DerReader(this.#entries, this.what).rest(tags.sequence)) {
      const entry = new DerReader(content, this.what);
      if (entry.next(tags.integer).content.equals(serial)) return timeOf(entry.next(), this.what);
    }
    return undefined;
  }
}
