import { createPrivateKey, type KeyObject } from 'node:crypto';
import { AuthError } from '../../errors.js';
import type { Credential } from '../credential.js';
import { Certificate } from './certificate.js';
import { destroySecret, readSecret, writeSecret } from './files.js';
import { issueProxy, keyOfRequest } from './issue.js';
import { derOf, pemBlocks, toPem } from './pem.js';
import { proxyFile } from './place.js';
import { CertificateError } from './problem.js';

/** A proxy certificate with its key and its chain: everything that is needed to act as the user for a while. */
export interface GridProxy extends Credential {
  readonly file: string;
  /** DER: the proxy, the certificate it was made from, …, the user's certificate, intermediate CAs; no root. */
  readonly chain: readonly Buffer[];
  readonly certificates: readonly [Certificate, ...Certificate[]];
  /** The key of the first certificate. */
  readonly key: KeyObject;
  /** The user's name on one line, without what proxies add to it. */
  readonly identity: string;
  readonly limited: boolean;
}

export { proxyFile };

/**
 * Reads a proxy; does not check its dates.
 * @throws AuthError if there is none, or if others can read it; CertificateError if it is broken
 */
export function readProxy(file = proxyFile()): GridProxy {
  const content = readSecret(file, 'the proxy');
  if (content === undefined)
    throw new AuthError(`there is no proxy ${file}`, { hint: 'make a proxy: scailfin proxy init' });
  return parseProxy(content.toString('latin1'), file);
}

/** @param text certificates and one unencrypted key, in PEM @throws CertificateError */
export function parseProxy(text: string, file: string): GridProxy {
  const what = `the proxy ${file}`;
  const blocks = pemBlocks(text);
  const chain = blocks.filter(b => b.label === 'CERTIFICATE').map(block => derOf(block, what));
  const [first, ...others] = chain.map(der => new Certificate(der));
  const pem = blocks.find(b => b.label.endsWith('PRIVATE KEY'));
  const broken = (reason: 'malformed' | 'wrong-key', why: string): CertificateError =>
    new CertificateError(reason, `${what} ${why}`, { hint: 'make a new proxy: scailfin proxy init' });
  if (first === undefined || pem === undefined) throw broken('malformed', `has no ${first ? 'key' : 'certificate'}`);
  if (pem.encrypted) throw broken('malformed', 'has a key with a passphrase');
  const key = privateKeyOf(pem.text, what);
  if (!first.x509.checkPrivateKey(key)) throw broken('wrong-key', 'has a key that is not the key of its certificate');
  return assemble(file, [first, ...others], key);
}

/** @param certificates the proxy first */
export function assemble(
  file: string,
  certificates: readonly [Certificate, ...Certificate[]],
  key: KeyObject,
): GridProxy {
  const proxies = certificates.filter(c => c.proxy);
  return {
    what: `the proxy ${file}`,
    file,
    chain: certificates.map(c => c.der),
    certificates,
    key,
    identity: (certificates.find(c => c.standsForItself) ?? certificates[0]).name,
    limited: proxies.some(c => c.proxy?.policy === 'limited'),
    end: new Date(Math.min(...certificates.map(c => c.notAfter.getTime()))),
  };
}

function privateKeyOf(pem: string, what: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new CertificateError('malformed', `${what} has a key that can't be read`, { cause });
  }
}

/** The text of the file as Globus writes it: proxy, key, and the rest of the chain. */
export function proxyText({ chain, key }: Pick<GridProxy, 'chain' | 'key'>): string {
  const [first, ...others] = chain.map(der => toPem('CERTIFICATE', der));
  return [first, key.export({ type: 'pkcs8', format: 'pem' }) as string, ...others].join('');
}

/** Writes a proxy to its file, which only its owner can read. @throws AuthError */
export function writeProxy(proxy: GridProxy): void {
  writeSecret(proxy.file, proxyText(proxy));
}

/** Overwrites and removes a proxy. @returns whether there was one @throws AuthError */
export function destroyProxy(file = proxyFile()): boolean {
  return destroySecret(file);
}

/**
 * The proxy certificate for somebody who will act for the user (delegation): with full rights if our proxy has them,
 * otherwise limited.
 * @param request DER of their PKCS#10 request
 * @param end default: the end of our own proxy
 * @returns its DER; its chain continues with ours
 */
export function signDelegation(request: Buffer, proxy: GridProxy, end = proxy.end): Buffer {
  const [certificate] = proxy.certificates;
  return issueProxy({ certificate, key: proxy.key }, keyOfRequest(request), { end });
}
