import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ScailfinError } from '../errors.js';
import { hasFields } from '../fields.js';
import type { AuthOptions } from '../hosts/open.js';
import type { SshTarget } from '../hosts/target.js';

/** What the relay on the headnode is told, in the file `settings.json` of its directory. Secret. */
export interface RelaySettings {
  readonly cluster: string;
  /** The address that the pool's daemons have everywhere: on the headnode, and on the nodes, where the relay leads to it. */
  readonly pool: { readonly address: string; readonly port: number };
  /** The private key by which nodes know this end; OpenSSH's format. */
  readonly hostKey: string;
  /** `TYPE BASE64`: the public key of the cluster's nodes. */
  readonly nodeKey: string;
  readonly sites: readonly RelaySite[];
}

/** A site whose nodes reach the pool through their login node. */
export interface RelaySite {
  readonly site: string;
  /** Absolute; the cluster's directory there. */
  readonly dir: string;
  /** The login node's name or address as the compute nodes see it; absent: the login node's own addresses. */
  readonly address?: string;
  /** The login nodes, in the order in which they are tried. */
  readonly targets: readonly SshTarget[];
  readonly auth?: AuthOptions;
  /** The login is by the cluster's own key, which runs nothing there but the relay (templates/relay/enter.sh). */
  readonly ownKey?: true;
  /** Is read instead of the user's own configuration of SSH. */
  readonly configFile?: string;
}

/** @throws ScailfinError if they are not there or not complete */
export function readRelaySettings(dir: string): RelaySettings {
  const file = join(dir, 'settings.json');
  const found: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const pool = { address: 'string', port: 'number' } as const;
  if (!hasFields(found, { cluster: 'string', pool, hostKey: 'string', nodeKey: 'string', sites: 'array' }))
    throw new ScailfinError(`${file} has no settings of a relay`);
  return found as unknown as RelaySettings;
}
