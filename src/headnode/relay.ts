import { CommandError, messageOf, ScailfinError } from '../errors.js';
import { hasFields } from '../fields.js';
import type { FileToPut } from '../hosts/host.js';
import { keyValues, runScript } from '../hosts/script.js';
import { type KeyPair, newKey } from '../relay/keys.js';
import { loginProgram } from '../relay/loginend.js';
import type { RelaySettings, RelaySite } from '../relay/settings.js';
import { parseState, type RelayState } from '../relay/state.js';
import { templateText } from '../templates.js';
import type { Component, Headnode } from './component.js';
import { lookForNode, missingNode, nodeToUse, placeProgram, programFiles } from './node.js';

/** How long the relay may take to connect to its sites. Seconds. */
const CONNECT_LIMIT = 60;

export interface RelayPlan {
  readonly pool: RelaySettings['pool'];
  readonly sites: readonly RelaySite[];
  /** Files that the sites' connections need, such as a configuration of SSH; paths are below the pool's directory. */
  readonly files: readonly FileToPut[];
  readonly keys: RelayKeys;
  /** A connection that could not be made is waited for. */
  readonly isPatient?: boolean;
}

/** The keys of a cluster's relay. Secret. */
export interface RelayKeys {
  /** Of the headnode's end: the private half in OpenSSH's format, and `TYPE BASE64`. */
  readonly host: KeyPair;
  /** Of the cluster's nodes. */
  readonly node: KeyPair;
  /** With which the headnode logs in, by site: only where its user's own login does not do. */
  readonly logins?: Readonly<Record<string, KeyPair>>;
}

/**
 * The headnode's end of the relays to all sites whose nodes reach nothing but their login node. The pool's master runs and
 * restarts it.
 */
export const relay: Component<RelayPlan, readonly RelayState[]> = {
  name: 'relay',

  async check(at) {
    return missingNode(at, await lookForNode(at, 'relay'), 'the relay');
  },

  async install(at) {
    await placeProgram(at, await lookForNode(at, 'relay'), 'relay', 'the relay');
  },

  async configure(at, plan) {
    const node = nodeToUse(at, await lookForNode(at, 'relay'));
    const files = [...relayFiles(at.dir, at.cluster, plan, node), ...plan.files];
    await at.host.put(files.map(f => ({ ...f, path: `${at.dir}/${f.path}` })));
  },

  async start({ host, dir, cluster }, { sites, isPatient }) {
    const args = [dir, String(CONNECT_LIMIT), isPatient ? 'open' : 'open|cut', ...sites.map(s => s.site)];
    const out = await runScript(host, templateText('headnode/relay-start.sh'), args, {
      timeoutMs: (CONNECT_LIMIT + 30) * 1000,
    }).catch(error => {
      if (!(error instanceof CommandError) || error.exitStatus !== 9) throw error;
      throw new ScailfinError(`the relay does not start on ${host.name}: ${error.stderr.trim()}`, {
        hint: `run the same command again, or take it down: scailfin down ${cluster}`,
      });
    });
    return statesIn(out.stdout);
  },

  async healthy({ host, dir }) {
    const runs = 'p=$(cat "$1/relay/relay.pid") && grep -qzF "$1/relay/program" "/proc/$p/cmdline"';
    try {
      const out = await runScript(host, runs, [dir], { check: false });
      return [{ name: 'relay', state: out.exitCode === 0 ? 'alive' : 'dead' }];
    } catch (error) {
      return [{ name: 'relay', state: 'unknown', reason: messageOf(error) }];
    }
  },

  async stop({ host, dir }) {
    await runScript(host, templateText('headnode/program-stop.sh'), [dir, 'relay', 'the relay']);
  },

  // all of its files are below the cluster's directory
  async remove() {},
};

/** The states in the output of a script. */
export const statesIn = (stdout: string): RelayState[] =>
  (keyValues(stdout).get('state') ?? []).flatMap(text => parseState(Buffer.from(text, 'base64').toString()) ?? []);

/** The keys of a cluster's relay: those that the headnode has, or new ones. */
export async function relayKeys({ host, dir }: Headnode): Promise<RelayKeys> {
  const out = await host.run(['cat', `${dir}/relay/keys.json`], { check: false });
  const pair = { private: 'string', public: 'string' } as const;
  try {
    const found: unknown = JSON.parse(out.stdout);
    if (hasFields(found, { host: pair, node: pair })) return found as unknown as RelayKeys;
  } catch {
    // there are none yet
  }
  return { host: newKey(), node: newKey() };
}

/** The relay's own files; paths are below the pool's directory. Secret. */
export function relayFiles(pool: string, cluster: string, plan: Omit<RelayPlan, 'files'>, node: string): FileToPut[] {
  const { keys, sites } = plan;
  const settings: RelaySettings = {
    ...{ cluster, pool: plan.pool, hostKey: keys.host.private, nodeKey: keys.node.public, sites },
  };
  return [
    { path: 'relay/keys.json', content: `${JSON.stringify(keys)}\n`, mode: 0o600 },
    { path: 'relay/settings.json', content: `${JSON.stringify(settings)}\n`, mode: 0o600 },
    ...programFiles(pool, 'relay', 'The relay', node),
  ];
}

/** The files that let compute nodes use the relay; paths are below the cluster's directory at the site. Secret. */
export const nodeFiles = ({ host, node }: RelayKeys): FileToPut[] => [
  { path: 'relay/key', content: node.private, mode: 0o600 },
  { path: 'relay/known', content: `scailfin-pool ${host.public}\n`, mode: 0o600 },
];

/** What a login by the cluster's own key runs; paths are below the cluster's directory at the site. */
export const enterFiles = (): FileToPut[] => [
  { path: 'relay/enter.sh', content: templateText('relay/enter.sh'), mode: 0o700 },
  { path: 'relay/login.sh', content: loginProgram(), mode: 0o600 },
];
