import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { AuthError } from '../errors.js';
import { stateDir } from '../paths.js';
import { secondsLeft } from './credential.js';
import type { Passphrases } from './passphrases.js';
import type { Made } from './x509/create.js';
import { initProxy } from './x509/init.js';
import { checkPassphrase, fetchProxy, renewProxy } from './x509/myproxy.js';
import type { MyProxyServer } from './x509/myproxy-session.js';
import { type GridProxy, readProxy, writeProxy } from './x509/proxy.js';
import { loadTrust } from './x509/trust.js';
import type { IdentityFiles } from './x509/user.js';
import { parseVomsRequest } from './x509/vomses.js';

/** How a proxy was made or fetched, so that it can be renewed in the same way. It contains no secrets. */
export type Origin =
  | {
      readonly how: 'init';
      readonly files: IdentityFiles;
      readonly hours: number;
      readonly bits: number;
      readonly limited: boolean;
      /** As on the command line: `VO:/FQAN`. */
      readonly voms: readonly string[];
    }
  | {
      readonly how: 'logon';
      readonly server: MyProxyServer;
      readonly username: string;
      readonly credential?: string | undefined;
      readonly hours: number;
      readonly bits: number;
    };

const usual: Origin = { how: 'init', files: {}, hours: 12, bits: 2048, limited: false, voms: [] };

const originsFile = (): string => join(stateDir(), 'proxies.json');

/** Records how a proxy was made, so that it can be renewed later. */
export function remember(proxyFile: string, origin: Origin): void {
  const all = { ...origins(), [proxyFile]: origin };
  const kept = Object.fromEntries(Object.entries(all).filter(([file]) => file === proxyFile || existsSync(file)));
  mkdirSync(stateDir(), { recursive: true, mode: 0o700 });
  writeFileAtomic.sync(originsFile(), `${JSON.stringify(kept, null, 2)}\n`, { mode: 0o600 });
}

/** How a proxy was made; a proxy made by another program is assumed to be of the usual kind. */
export const originOf = (proxyFile: string): Origin => origins()[proxyFile] ?? usual;

function origins(): Record<string, Origin> {
  try {
    return JSON.parse(readFileSync(originsFile(), 'utf8')) as Record<string, Origin>;
  } catch {
    return {}; // nothing was recorded; at most the user is asked once more
  }
}

export interface RenewalRequest {
  /** Absolute path of the proxy, which need not exist any more. */
  readonly file: string;
  /** Default: the same lifetime as when it was made. */
  readonly hours?: number | undefined;
  readonly passphrases: Passphrases;
}

/**
 * Replaces a proxy that ends by a new one, made the same way. Nobody is asked if that is possible: if the user's key has
 * no passphrase, or if the MyProxy server renews the proxy that is shown to it.
 * @throws AuthError, CertificateError, ConnectionError; the old proxy is kept in these cases
 */
export async function renew({ file, hours, passphrases }: RenewalRequest): Promise<Made> {
  const remembered = originOf(file);
  const origin = { ...remembered, hours: hours ?? remembered.hours };
  const lifetime = origin.hours * 3600;
  const made =
    origin.how === 'logon'
      ? await logonAgain(origin, lifetime, file, passphrases)
      : await initProxy({ ...origin, lifetime, voms: origin.voms.map(parseVomsRequest), file, passphrases });
  writeProxy(made.proxy);
  return made;
}

async function logonAgain(
  origin: Extract<Origin, { how: 'logon' }>,
  lifetime: number,
  file: string,
  passphrases: Passphrases,
): Promise<Made> {
  const { server, username, credential, bits } = origin;
  const request = { username, credential, lifetime, bits };
  const options = { trust: loadTrust() };
  const old = stillGood(file);
  if (old) {
    const self = { certificates: old.certificates, key: old.key };
    const made = await renewProxy(server, request, self, { ...options, own: self }, file).catch((error: unknown) => {
      // like most servers, it accepts only another renewer, or the passphrase
      if (error instanceof AuthError) return undefined;
      throw error;
    });
    if (made) return made;
  }
  const passphrase = await passphrases.ask(`Enter MyProxy passphrase of ${username} at ${server.host}: `);
  return fetchProxy(server, { ...request, passphrase: checkPassphrase(passphrase) }, options, file);
}

function stillGood(file: string): GridProxy | undefined {
  try {
    const proxy = readProxy(file);
    return secondsLeft(proxy) > 0 ? proxy : undefined;
  } catch {
    return undefined;
  }
}
