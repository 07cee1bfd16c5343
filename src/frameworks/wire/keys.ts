import { generateKeyPairSync, randomBytes } from 'node:crypto';
import forge from 'node-forge';
import { hasFields } from '../../fields.js';
import type { Headnode } from '../../headnode/component.js';

/** By these, the two ends of the wire know each other. Secret, but for the certificate. */
export interface WireKeys {
  /** Of the headnode's end; PEM. */
  readonly certificate: string;
  readonly key: string;
  /** What workers must know to reach a service, by its name. */
  readonly services: Readonly<Record<string, string>>;
}

/** As long as a cluster may live, and longer. */
const YEARS = 5;

/** The wire's keys: those that the headnode has, or new ones; with one for this service. */
export async function wireKeys({ host, dir }: Headnode, service: string): Promise<WireKeys> {
  const out = await host.run(['cat', `${dir}/wire/keys.json`], { check: false });
  const found = parse(out.stdout) ?? newKeys();
  const key = found.services[service] ?? randomBytes(32).toString('base64url');
  return { ...found, services: { ...found.services, [service]: key } };
}

/** In the place of the keys of a cluster, where files are only shown. */
export const shownKeys = (service: string): WireKeys => ({
  ...{ certificate: '@CERTIFICATE@\n', key: '@KEY@\n', services: { [service]: '@SECRET@' } },
});

function parse(text: string): WireKeys | undefined {
  try {
    const found: unknown = JSON.parse(text);
    return hasFields(found, { certificate: 'string', key: 'string', services: {} })
      ? (found as unknown as WireKeys)
      : undefined;
  } catch {
    return undefined; // there are none yet
  }
}

/**
 * A key, and a certificate that it signed itself: workers accept this one and no other.
 * @param ip the address that it is for, if its callers compare it with theirs
 */
export function newKeys(ip?: string): WireKeys {
  const key = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(key.publicKey);
  // positive, as RFC 5280 asks
  certificate.serialNumber = `00${randomBytes(15).toString('hex')}`;
  // the clocks of nodes differ
  certificate.validity.notBefore = new Date(Date.now() - 86_400_000);
  certificate.validity.notAfter = new Date(Date.now() + YEARS * 365 * 86_400_000);
  const name = [{ name: 'commonName', value: 'scailfin wire' }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'subjectKeyIdentifier' },
    ...(ip === undefined ? [] : [{ name: 'subjectAltName', altNames: [{ type: 7, ip }] }]),
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(key.privateKey), forge.md.sha256.create());
  return { certificate: forge.pki.certificateToPem(certificate), key: key.privateKey, services: {} };
}
