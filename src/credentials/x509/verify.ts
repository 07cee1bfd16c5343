import { Certificate } from './certificate.js';
import {
  checkAlgorithm,
  checkAuthority,
  checkDates,
  checkExtensions,
  checkPolicy,
  checkProxy,
  checkRevocation,
  titleOf,
} from './checks.js';
import { oneLine } from './name.js';
import { CertificateError } from './problem.js';
import type { Trust } from './trust.js';

/** A chain that leads to a CA we trust. */
export interface VerifiedChain {
  /** From the certificate that was shown up to the trusted root. */
  readonly path: readonly Certificate[];
  /** The certificate of the person or host for which the proxies act. */
  readonly holder: Certificate;
  /** The holder's name on one line. */
  readonly identity: string;
  /** A limited proxy was shown, or one made from a limited proxy. */
  readonly limited: boolean;
  /** The earliest end of all certificates on the path. */
  readonly end: Date;
}

/** More than any real chain. */
const longest = 30;
const mostShown = 100;

/**
 * Verifies a certificate chain, proxies included (RFC 5280, 6.1; RFC 3820, 4.1), with the CAs' signing policies and
 * revocation lists.
 *
 * @param chain DER, the certificate that was shown first; the others in any order, the root may be missing
 * @throws CertificateError with the reason
 */
export function verifyChain(chain: readonly Buffer[], trust: Trust, when = new Date()): VerifiedChain {
  const path = pathOf(chain, trust);
  const proxies = path.findIndex(c => !c.proxy);
  const holder = path.find(c => c.standsForItself) as Certificate;
  for (const certificate of path) {
    checkExtensions(certificate);
    checkDates(certificate, when);
  }
  for (const [depth, certificate] of path.entries()) {
    const issuer = path[depth + 1];
    if (issuer === undefined) break;
    checkAlgorithm(certificate);
    if (depth < proxies) checkProxy(certificate, issuer, path.slice(0, depth));
    else {
      checkAuthority(issuer, path.slice(proxies + 1, depth + 1));
      checkPolicy(certificate, issuer, trust);
      checkRevocation(certificate, issuer, trust, when);
    }
  }
  const end = new Date(Math.min(...path.map(c => c.notAfter.getTime())));
  return { path, holder, identity: holder.name, limited: path.some(c => c.proxy?.policy === 'limited'), end };
}

/** From the first certificate to a trusted root, each signed by the next. */
function pathOf(chain: readonly Buffer[], trust: Trust): Certificate[] {
  if (chain.length > mostShown)
    throw new CertificateError('malformed', `${chain.length} certificates were shown, which is no chain`);
  const [first, ...others] = chain.map(der => new Certificate(der));
  if (first === undefined) throw new CertificateError('malformed', 'no certificate was shown');
  const path = [first];
  for (let last = first; !isRoot(last, trust); path.push(last)) {
    if (path.length === longest) throw new CertificateError('unknown-ca', `the chain of ${first.name} has no end`);
    last = issuerOf(last, others, trust);
  }
  if (path.every(c => c.proxy))
    throw new CertificateError('not-a-ca', `${titleOf(first)} has no certificate behind it`);
  return path;
}

function isRoot(certificate: Certificate, trust: Trust): boolean {
  return certificate.selfIssued && trust.named(certificate.subject).some(known => known.der.equals(certificate.der));
}

/**
 * The certificate that issued this one, by a valid signature. A trusted CA takes precedence over a certificate that was
 * only shown.
 */
function issuerOf(certificate: Certificate, shown: readonly Certificate[], trust: Trust): Certificate {
  const candidates = [
    ...(certificate.proxy ? [] : trust.issuersOf(certificate)),
    ...shown.filter(c => c.subject.equals(certificate.issuer) || certificate.x509.checkIssued(c.x509)),
  ].filter(c => !c.der.equals(certificate.der));
  const own = certificate.selfIssued && certificate.isSignedBy(certificate);
  if (candidates.length === 0 || own) throw unknown(certificate, trust);
  const issuer = candidates.find(c => certificate.isSignedBy(c));
  if (issuer === undefined)
    throw new CertificateError('bad-signature', `${titleOf(certificate)} is not signed by its issuer`);
  return issuer;
}

function unknown(certificate: Certificate, trust: Trust): CertificateError {
  const title = titleOf(certificate);
  if (certificate.proxy)
    return new CertificateError('unknown-ca', `${title} was shown without the certificate it was made from`);
  const why = certificate.selfIssued
    ? `${title} signed itself, and is not among the trusted CAs`
    : `${title} was issued by ${oneLine(certificate.issuer)}, which is not among the trusted CAs`;
  return new CertificateError('unknown-ca', `${why} in ${trust.where}`, {
    hint: 'if you trust that CA, install it in that directory, or set X509_CERT_DIR to the directory that has it',
  });
}
