import { existsSync } from 'node:fs';
import { secondsLeft } from '../credential.js';
import type { Passphrases } from '../passphrases.js';
import { proxyFile, readProxy } from './proxy.js';
import { type Identity, type IdentityFiles, loadIdentity } from './user.js';

/**
 * Who we are towards a grid service: by the certificate that is named, else by the proxy that is there and has not
 * ended, which needs no passphrase, else by the user's own certificate.
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
