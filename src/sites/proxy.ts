import type { SiteProfile } from './schema.js';

/** These hosts are never reached by a proxy. */
const OWN = ['localhost', '127.0.0.1'];

/** The hosts that a site's nodes reach without its HTTP proxy, as `no_proxy` has them; undefined if it has no proxy. */
export function directHosts({ proxy, noProxy }: SiteProfile['network']): string | undefined {
  return proxy === undefined ? undefined : [...new Set([...OWN, ...noProxy])].join(',');
}
