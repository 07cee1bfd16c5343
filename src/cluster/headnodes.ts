import { UsageError } from '../errors.js';
import type { FrameworkSpec } from '../frameworks/facts.js';
import { insteadWithRelay } from '../frameworks/registry.js';
import type { SiteProfile } from '../sites/schema.js';

/** The place of the pool: this machine, the site's login node, or a host reached by SSH. */
export type HeadnodeSpec =
  | { readonly kind: 'local' }
  | { readonly kind: 'login' }
  | { readonly kind: 'host'; readonly host: string; readonly user: string | undefined };

/** @throws UsageError */
export function parseHeadnode(text: string, profile: SiteProfile): HeadnodeSpec {
  if (text === 'local') return { kind: 'local' };
  // if this machine is the site, its login node is this machine
  if (text === 'login') return profile.login ? { kind: 'login' } : { kind: 'local' };
  const match = /^(?:([A-Za-z0-9_][A-Za-z0-9._-]*)@)?([A-Za-z0-9][A-Za-z0-9.-]*)$/.exec(text);
  if (!match?.[2])
    throw new UsageError(`${JSON.stringify(text)} is no headnode`, {
      hint: 'give --headnode local, login or [user@]host',
    });
  return { kind: 'host', host: match[2], user: match[1] };
}

/** The name of a headnode as it is shown and typed. */
export function headnodeName(headnode: HeadnodeSpec): string {
  return headnode.kind === 'host' ? `${headnode.user ? `${headnode.user}@` : ''}${headnode.host}` : headnode.kind;
}

/**
 * Whether the site's nodes need a relay; undefined if that is not known yet. @throws UsageError for a relay to a pool that
 * they reach anyway
 */
export function relayFor(
  asked: boolean | undefined,
  { name, login, network }: SiteProfile,
  headnode: HeadnodeSpec,
  frameworks: readonly FrameworkSpec[],
): boolean | undefined {
  const isThere = headnode.kind === 'login' || !login;
  if (asked === true && isThere)
    throw new UsageError(
      `--relay is for a pool outside the site, and this pool is ${login ? `on ${name}'s login node` : 'on the same machine'}`,
      {
        hint: 'leave --relay out, or choose --headnode local or [user@]host',
      },
    );
  if (isThere) return undefined;
  const relay = asked ?? (network.outbound === false ? true : undefined);
  if (relay) checkRelayed(name, frameworks);
  return relay;
}

/** What a cluster offers must be possible with a relay. @throws UsageError */
export function checkRelayed(site: string, frameworks: readonly FrameworkSpec[]): void {
  const instead = insteadWithRelay(frameworks);
  if (instead.length === 0) return;
  throw new UsageError(
    `nodes of ${site} reach the pool through a relay, so it is on loopback only, and what runs in Kubernetes can't reach it there`,
    {
      hint: `${instead.join('; ')}; or choose a headnode that the site reaches: --headnode login or [user@]host`,
    },
  );
}
