import { ScailfinError } from '../../errors.js';
import type { Headnode } from '../../headnode/component.js';
import { forget, isPlainPath, letIn, type OwnKey, onlyRuns } from '../../headnode/ownkey.js';
import { enterFiles, type RelayKeys } from '../../headnode/relay.js';
import { newKey } from '../../relay/keys.js';
import type { RelayState } from '../../relay/state.js';
import type { Site } from '../context.js';

const ownKey = (dir: string): OwnKey => ({ dir, mark: 'scailfin-relay' });

const elsewhere = (site: string): string =>
  `run the pool on this machine, where you can log in: --headnode local; or on ${site}'s login node, which needs no login: --headnode login`;

/**
 * Lets the headnode log in to the site with a key of the cluster's own, which can start the relay and nothing else.
 * @param dir the cluster's directory there
 * @returns the keys with that one, which is new if there was none
 */
export async function letRelayIn({ spec, host }: Site, dir: string, keys: RelayKeys): Promise<RelayKeys> {
  const key = keys.logins?.[spec.site] ?? newKey();
  const { loginAddress } = spec.profile.network;
  const strange = [dir, loginAddress ?? ''].find(text => text !== '' && !isPlainPath(text));
  if (strange !== undefined)
    throw new ScailfinError(`${strange} has characters that can't be part of a line of authorized_keys`, {
      hint: `set directories.work or network.loginAddress in the site profile; or ${elsewhere(spec.site)}`,
    });
  await host.put(enterFiles().map(f => ({ ...f, path: `${dir}/${f.path}` })));
  const command = ['bash', '--norc', `${dir}/relay/enter.sh`, dir, ...(loginAddress ? [loginAddress] : [])];
  await letIn(host, ownKey(dir), onlyRuns(command), key.public, elsewhere(spec.site));
  return { ...keys, logins: { ...keys.logins, [spec.site]: key } };
}

/** Removes the cluster's key at the site. */
export async function closeToRelay({ host }: Site, dir: string): Promise<void> {
  await forget(host, ownKey(dir));
}

/** The keys without the site's. */
export function withoutLogin(keys: RelayKeys, site: string): RelayKeys {
  const { [site]: _, ...logins } = keys.logins ?? {};
  return { ...keys, logins };
}

/** The site refuses the cluster's key, too. */
export function refusedWithKey(at: Headnode, { spec, host }: Site, { reason }: RelayState): ScailfinError {
  return new ScailfinError(
    `${at.host.name} can't log in to ${host.name} (${spec.site}) without a person, not even with the cluster's own key: ${reason}. The site may ask for more than a key at each login, such as a one-time code.`,
    { hint: `nothing was submitted; ${elsewhere(spec.site)}` },
  );
}
