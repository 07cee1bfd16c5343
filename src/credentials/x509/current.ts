import { existsSync } from 'node:fs';
import { secondsLeft } from '../credential.js';
import type { Passphrases } from '../passphrases.js';
import { proxyFile, readProxy } from './proxy.js';
import { type Identity, type IdentityFiles, loadIdentity } from './user.js';

/**
 * The user's identity for a grid service: the certificate that is named; otherwise the proxy, if there is one that has
 * not ended (it needs no passphrase); otherwise the user's own certificate.
 * @throws AuthError, CertificateError
 */
export async function currentIdentity(files: IdentityFiles, passphrases: Passphrases): Promise<Identity> {
  const named = files.cert !== undefined || files.key !== undefined || files.p12 !== undefined;
  const file = proxyFile();
  if (!named && existsSync(file)) {
    const proxy = readProxy(file);
    if (secondsLeft(proxy) > 0) return proxy;
  }
  return loadIdentity(files, passphrases);
}
