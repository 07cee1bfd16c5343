import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { proxyFile } from '../../credentials/x509/place.js';
import type { SshTarget } from '../target.js';

/** How to log in to a host by a proxy certificate. */
export interface GsiSettings {
  /** The site's profile says that this is how one logs in: when it can't be tried, that is told. */
  readonly expected: boolean;
  /** The account; empty leaves it to the server to find it by the proxy's name. */
  readonly account: string;
  readonly delegate: boolean;
  /** The host that the server's certificate must be of. */
  readonly server: string;
  /** The file of the proxy to show. */
  readonly proxy: string;
  /** X509_CERT_DIR is looked up here. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * What ssh_config(5) and the site's profile say about logins by GSSAPI; undefined when neither wants any.
 * @param get a keyword's value
 * @param found of the host itself
 */
export function gsiSettings(
  target: SshTarget,
  get: (keyword: string) => string | undefined,
  found: { readonly host: string; readonly user: string; readonly env: NodeJS.ProcessEnv },
): GsiSettings | undefined {
  const yes = (keyword: string): boolean => /^(yes|true)$/i.test(get(keyword) ?? '');
  const { host, user, env } = found;
  const expected = target.gsi !== undefined;
  if (!expected && !yes('gssapiauthentication')) return undefined;
  // only who is known to be a GSI server may be left to choose: others hang up when a user name changes
  const account = expected && target.user === undefined && get('user') === undefined ? '' : user;
  const named = isIP(host) === 0 ? host : (get('hostkeyalias') ?? target.host);
  return {
    expected,
    account,
    delegate: target.gsi?.delegate === true || yes('gssapidelegatecredentials'),
    // as Globus does it: no certificate is of localhost
    server: get('gssapiserveridentity') ?? (named === 'localhost' ? hostname() : named),
    proxy: proxyFile(env),
    env,
  };
}
