import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { Certificate } from './certificate.js';
import { checkDates, titleOf } from './checks.js';
import { issueProxy, type ProxyRequest } from './issue.js';
import { assemble, type GridProxy } from './proxy.js';
import type { Identity } from './user.js';

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/**
 * A new RSA key, made in another thread. Grid software makes the keys of delegated proxies as long as the key they are
 * made from, counted in bits of RSA: proxies with other keys can't be delegated.
 */
export async function makeKeys(bits: number): Promise<KeyPair> {
  return promisify(generateKeyPair)('rsa', { modulusLength: bits });
}

/** A proxy, and notes for the user. */
export interface Made {
  readonly proxy: GridProxy;
  readonly notes: readonly string[];
}

/**
 * Makes a proxy from a certificate or from another proxy.
 * @param file its future path; nothing is written
 * @throws CertificateError if the certificate or proxy is not valid now, or can't have proxies
 */
export function createProxy(
  from: Identity,
  keys: KeyPair,
  request: ProxyRequest,
  file: string,
  now = new Date(),
): Made {
  const [issuer] = from.certificates;
  for (const certificate of from.certificates) checkDates(certificate, now);
  const first = from.certificates.reduce((a, b) => (b.notAfter < a.notAfter ? b : a));
  const end = new Date(Math.min(request.end.getTime(), first.notAfter.getTime()));
  const der = issueProxy({ certificate: issuer, key: from.key }, keys.publicKey, { ...request, end }, now);
  const proxy = assemble(file, [new Certificate(der), ...from.certificates], keys.privateKey);
  return { proxy, notes: notesOn(proxy, first, request) };
}

function notesOn(proxy: GridProxy, first: Certificate, request: ProxyRequest): string[] {
  const notes: string[] = [];
  // the times in a certificate are whole seconds
  if (request.end.getTime() - proxy.end.getTime() >= 1000)
    notes.push(`it ends earlier than asked for, since ${titleOf(first)} does`);
  if (proxy.limited && !request.limited) notes.push('it is limited, because the proxy it was made from is limited');
  return notes;
}
