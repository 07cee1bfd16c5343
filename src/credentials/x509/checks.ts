/* The conditions for each certificate of a chain, and for each certificate together with its issuer. */
import { formatDuration } from '../../units.js';
import type { Certificate } from './certificate.js';
import { addedCommonName } from './name.js';
import { oids } from './oids.js';
import { maySign } from './policy.js';
import { CertificateError, type Problem } from './problem.js';
import type { Trust } from './trust.js';

const refuse = (reason: Problem, message: string, hint?: string): never => {
  throw new CertificateError(reason, message, { hint });
};

/** The name of a certificate in messages: a person, host or CA, or a proxy. */
export const titleOf = ({ proxy, name }: Certificate): string =>
  proxy ? `the proxy ${name}` : `the certificate of ${name}`;

/** @throws CertificateError `expired` or `not-yet-valid`, with the time difference and the clock that was used */
export function checkDates(certificate: Certificate, when: Date): void {
  const { notBefore, notAfter } = certificate;
  const apart = (from: Date, to: Date): string => formatDuration((to.getTime() - from.getTime()) / 1000);
  const clock = `this machine's clock says ${second(when)}`;
  if (when > notAfter) {
    refuse(
      'expired',
      `${titleOf(certificate)} expired at ${second(notAfter)}, ${apart(notAfter, when)} ago; ${clock}`,
      certificate.proxy ? 'make a new proxy: scailfin proxy init' : 'whoever it belongs to must renew it with the CA',
    );
  }
  if (when < notBefore) {
    refuse(
      'not-yet-valid',
      `${titleOf(certificate)} is valid from ${second(notBefore)}, in ${apart(when, notBefore)}; ${clock}`,
      "a clock is wrong: this machine's (compare date -u), or that of the machine that made the certificate",
    );
  }
}

const second = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;

/** Extensions that are checked here, or that only limit uses which these checks do not rely on. */
const understood: ReadonlySet<string> = new Set([
  ...[oids.basicConstraints, oids.keyUsage, oids.extendedKeyUsage, oids.subjectAltName],
  ...[oids.proxyCertInfo, oids.draftProxyCertInfo, oids.vomsAttributes],
  ...['2.5.29.32', '2.5.29.33', '2.5.29.36', '2.5.29.54'], // policies, which are not required here
  '2.16.840.1.113730.1.1', // Netscape's certificate type
]);

const nameConstraints = '2.5.29.30';

/** MD2 and MD5 with RSA: certificates with these signatures can be forged. */
const forgeable: ReadonlySet<string> = new Set(['1.2.840.113549.1.1.2', '1.2.840.113549.1.1.4']);

/** @throws CertificateError `unsupported` for a signature that no longer proves anything */
export function checkAlgorithm(certificate: Certificate): void {
  if (forgeable.has(certificate.algorithm))
    refuse('unsupported', `${titleOf(certificate)} is signed by way of MD5, which can be forged`);
}

/** RFC 5280, 4.2: an unknown critical extension makes a certificate unusable. */
export function checkExtensions(certificate: Certificate): void {
  // always critical by RFC 5280, 4.2.1.10; a CA that forgot to mark it is limited all the same
  if (certificate.extensions.has(nameConstraints))
    refuse('unsupported', `${titleOf(certificate)} is limited to some names in a way that is not known here`);
  for (const [id, { critical }] of certificate.extensions) {
    if (critical && !understood.has(id))
      refuse('unsupported', `${titleOf(certificate)} has a critical extension that is not known here: ${id}`);
  }
}

/** RFC 3820, 4.1.3 and 4.1.4. @param below the proxies made from this one, the last one first */
export function checkProxy(proxy: Certificate, issuer: Certificate, below: readonly Certificate[]): void {
  const title = titleOf(proxy);
  const { form, policy, pathLength } = proxy.proxy as NonNullable<Certificate['proxy']>;
  if (issuer.authority) refuse('usage', `${title} was issued by a CA, and not by who it stands for`);
  if (!issuer.mayBeUsedFor('signatures')) refuse('usage', `${titleOf(issuer)} may not sign a proxy: its key usage`);
  if (proxy.authority) refuse('usage', `${title} claims to be a CA`);
  if (addedCommonName(proxy.subject, issuer.subject) === undefined)
    refuse('wrong-name', `${title} is not named after its issuer ${issuer.name}`);
  if (issuer.proxy && issuer.proxy.form !== form)
    refuse('proxy-kind', `${title} is of another kind than the proxy it was made from`);
  if (issuer.proxy?.policy === 'limited' && policy !== 'limited' && policy !== 'independent')
    refuse('limited', `${title} claims full rights, and was made from a limited proxy`);
  if (pathLength !== undefined && below.length > pathLength)
    refuse('pathlen', `${title} allows ${pathLength} further proxies, and ${below.length} were made from it`);
}

/**
 * RFC 5280, 6.1.4 (k) to (n).
 * @param below the CAs between this CA and the holder, which count towards its path length
 */
export function checkAuthority(authority: Certificate, below: readonly Certificate[]): void {
  const rights = authority.authority;
  // roots from before version 3 have no extensions at all
  if (!rights && !(authority.selfIssued && authority.extensions.size === 0))
    refuse('not-a-ca', `${titleOf(authority)} is not a CA's, and issued another`);
  if (!authority.mayBeUsedFor('certificates'))
    refuse('not-a-ca', `${titleOf(authority)} may not issue others: its key usage`);
  const between = below.filter(c => !c.selfIssued).length;
  if (rights?.pathLength !== undefined && between > rights.pathLength)
    refuse('pathlen', `the CA ${authority.name} allows ${rights.pathLength} CAs below it, and there are ${between}`);
}

/** @throws CertificateError `signing-policy` unless a policy lets the CA certify this name */
export function checkPolicy(certificate: Certificate, authority: Certificate, trust: Trust): void {
  const rules = trust.policyOf(authority);
  const allowed = rules && maySign(rules, authority.name, certificate.name);
  if (allowed) return;
  const [about, on] = [`the CA ${authority.name}`, `in ${trust.where}`];
  if (rules === undefined)
    refuse('signing-policy', `there is no signing policy for ${about} ${on}`, "install the CA's *.signing_policy file");
  if (allowed === undefined) refuse('signing-policy', `the signing policy for ${about} ${on} does not name that CA`);
  refuse('signing-policy', `the signing policy for ${about} ${on} does not allow the name ${certificate.name}`);
}

/** @throws CertificateError `revoked`, or `crl` if there is a list that can't be relied on */
export function checkRevocation(certificate: Certificate, authority: Certificate, trust: Trust, when: Date): void {
  for (const list of trust.revocationsOf(authority)) {
    list.check(authority, when);
    const since = list.revokedSince(certificate.serial);
    if (since)
      refuse('revoked', `${titleOf(certificate)} was revoked at ${second(since)}`, 'ask the CA for a new certificate');
  }
}
