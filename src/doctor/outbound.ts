import type { NodeReport } from './report.js';

/**
 * Whether a compute node can open connections to the outside, as far as it tried; by an HTTP proxy does not count.
 * @returns undefined if it tried nothing
 */
export function outboundOf({ urls, headnode }: Pick<NodeReport, 'urls' | 'headnode'>): boolean | undefined {
  if (headnode.some(r => r.answers) || urls.some(u => u.answers && !u.proxied)) return true;
  return urls.length === 0 ? undefined : false;
}
