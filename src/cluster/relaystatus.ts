import type { PoolStatus } from '../htcondor/query.js';
import { parseState, type RelayState } from '../relay/state.js';
import { formatDuration } from '../units.js';
import type { ClusterRecord, SiteRecord } from './record.js';

/** The relay on a site's login node; `dead`: nothing on the headnode keeps it open. */
export interface RelayStatus extends Omit<RelayState, 'site' | 'state'> {
  readonly state: RelayState['state'] | 'dead' | 'unknown';
}

/** How a site's nodes reach the pool; nothing if they need no relay. @param inPool undefined if the headnode could not be asked */
export function relayOf(
  { head, updated }: ClusterRecord,
  { spec }: SiteRecord,
  inPool: PoolStatus | undefined,
): { readonly relay?: RelayStatus } {
  if (!head?.relay || !spec.profile.login) return {};
  const unknown = { since: Math.floor(Date.parse(updated) / 1000), nodes: 0 };
  if (!inPool) return { relay: { ...unknown, state: 'unknown' } };
  const states = inPool.relays?.states.flatMap(text => parseState(text) ?? []) ?? [];
  const found = states.find(s => s.site === spec.site);
  if (!inPool.relays?.isAlive) {
    const since = found && found.state !== 'open' ? found.since : (inPool.relays?.seen ?? unknown.since);
    return { relay: { ...unknown, ...found, since, nodes: 0, state: 'dead' } };
  }
  return { relay: found ?? { ...unknown, state: 'unknown' } };
}

/** Says that a site's nodes can't reach the pool now, where that is so. */
export function cutOff({ site, relay }: { readonly site: string; readonly relay?: RelayStatus }): string[] {
  if (!relay || relay.state === 'open' || relay.state === 'unknown') return [];
  if (relay.state === 'connecting' && !relay.reason) return [];
  const seconds = Math.max(0, Math.floor(Date.now() / 1000) - relay.since);
  return [`${site} is cut off for ${formatDuration(seconds)}`];
}
