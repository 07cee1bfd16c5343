import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { proxyFile } from '../../credentials/x509/place.js';
import type { SshTarget } from '../target.js';

/** How to log in to a host by a proxy certificate. */
export interface GsiSettings {
  /** The site's profile says that users log in this way, so it is reported if it can't be tried. */
  readonly expected: boolean;
  /** The account; if empty, the server finds it by the proxy's name. */
  readonly account: string;
  readonly delegate: boolean;
  /** The host that the server's certificate must name. */
  readonly server: string;
  /** The file of the proxy to show. */
  readonly proxy: string;
  /** X509_CERT_DIR is looked up here. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * The settings of ssh_config(5) and the site's profile for logins by GSSAPI; undefined if neither asks for one.
 * @param get returns the value of a keyword
 * @param found the settings of the host itself
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
  // only a known GSI server may choose the account: other servers close the connection when a user name changes
  const account = expected && target.user === undefined && get('user') === undefined ? '' : user;
  const named = isIP(host) === 0 ? host : (get('hostkeyalias') ?? target.host);
  return {
    expected,
    account,
    delegate: target.gsi?.delegate === true || yes('gssapidelegatecredentials'),
    // as in Globus: no certificate is for localhost
    server: get('gssapiserveridentity') ?? (named === 'localhost' ? hostname() : named),
    proxy: proxyFile(env),
    env,
  };
}
