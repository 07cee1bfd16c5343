import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import type { Prompter } from '../credentials/prompts.js';
import { ConnectionError, UsageError } from '../errors.js';
import type { Host } from '../hosts/host.js';
import { type Machine, machineText } from '../hosts/machine.js';
import { type AuthOptions, type HostTarget, type OpenOptions, openHost } from '../hosts/open.js';
import { PinnedHost } from '../hosts/pinned.js';
import type { Transport } from '../hosts/target.js';
import type { SiteProfile } from '../sites/schema.js';
import type { HeadnodeSpec } from './headnodes.js';
import type { SiteSpec } from './spec.js';

type SshHostTarget = Extract<HostTarget, { kind: 'ssh' }>;

/** The data for a login to a site. */
export interface SiteLogin {
  readonly profile: Pick<SiteProfile, 'login'> & { readonly name?: string };
  readonly user: string | undefined;
}

export interface ConnectionsOptions extends Pick<OpenOptions, 'onHostKey' | 'onNote'> {
  /** For all hosts of this run; overrides the sites' choices. */
  readonly transport?: Transport | undefined;
}

/** The hosts of one command run; each is connected at most once. */
export class Connections {
  readonly #open = new Map<string, Promise<Host>>();
  readonly #pinned = new Map<Host, Map<string, PinnedHost>>();

  constructor(
    readonly prompter: Prompter | undefined,
    private readonly options: ConnectionsOptions = {},
  ) {}

  /** @param wanted the login node to try first, if several are listed */
  async site(spec: SiteLogin, wanted?: Machine): Promise<Host> {
    const { login } = spec.profile;
    if (!login) return this.#connect({ kind: 'local' });
    const targets = namesakeFirst(await keptFirst(loginTargets(login, spec.user)), wanted);
    return this.#first(targets, loginAuth(spec.profile));
  }

  /**
   * @param home the site whose login node is meant by a headnode of kind `login`
   * @param wanted the login node to try first, if several are listed
   */
  head(spec: HeadnodeSpec, home: SiteSpec | undefined, wanted?: Machine): Promise<Host> {
    if (spec.kind === 'local') return this.#connect({ kind: 'local' });
    if (spec.kind === 'host') return this.#connect(ssh(spec.host, spec.user));
    if (!home)
      throw new UsageError('the headnode is a login node, but no site is known', {
        hint: 'name the site: --site SITE',
      });
    return this.site(home, wanted);
  }

  /**
   * The same host, but its commands run only on this machine: by a hop if the host's name led to another one.
   * @param hint what the user can do if the machine can't be reached; the error is an UnreachedError
   */
  on(host: Host, machine: Machine, hint: string): PinnedHost {
    const known = this.#pinned.get(host) ?? new Map<string, PinnedHost>();
    this.#pinned.set(host, known);
    const key = machineText(machine);
    const pinned = known.get(key) ?? new PinnedHost(host, machine, { hop: () => this.#hop(host, machine), hint });
    known.set(key, pinned);
    return pinned;
  }

  /** Number of commands and transfers so far, over all hosts. */
  async roundTrips(): Promise<number> {
    const hosts = await this.#all();
    return hosts.reduce((sum, host) => sum + host.roundTrips, 0);
  }

  async close(): Promise<void> {
    // hops were opened later, and need the hosts that they started from
    for (const host of (await this.#all()).reverse()) await host.close();
  }

  /**
   * The first login node that can be reached, because a site may have one down for repair. Other errors are thrown at
   * once.
   */
  async #first(targets: readonly HostTarget[], auth: AuthOptions | undefined): Promise<Host> {
    const [target, ...others] = targets as [HostTarget, ...HostTarget[]];
    try {
      return await this.#connect(target, auth);
    } catch (error) {
      if (!(error instanceof ConnectionError) || others.length === 0) throw error;
      return this.#first(others, auth).catch(() => Promise.reject(error));
    }
  }

  #connect(wanted: HostTarget, auth?: AuthOptions): Promise<Host> {
    const { transport, ...options } = this.options;
    const target = wanted.kind === 'ssh' && transport ? { ...wanted, transport } : wanted;
    const key = JSON.stringify(target);
    const known = this.#open.get(key);
    if (known) return known;
    const host = openHost(target, { ...options, prompter: this.prompter, auth });
    this.#open.set(key, host);
    // a later command of the same run may try again
    host.catch(() => this.#open.delete(key));
    return host;
  }

  async #hop(from: Host, { name }: Machine): Promise<Host> {
    if (!from.neighbour) throw new ConnectionError(`${from.name} can't connect to other machines`);
    const host = from.neighbour(name, { ...this.options, prompter: this.prompter });
    this.#open.set(`${from.name} → ${name}`, host);
    return host;
  }

  async #all(): Promise<Host[]> {
    const settled = await Promise.allSettled(this.#open.values());
    return settled.flatMap(s => (s.status === 'fulfilled' ? [s.value] : []));
  }
}

/** The login nodes of a site, in its profile's order. */
export function loginTargets(login: NonNullable<SiteProfile['login']>, user: string | undefined): SshHostTarget[] {
  const gsi = login.auth?.includes('gssapi-gsi') ? { gsi: { delegate: login.delegate === true } } : {};
  const by = login.transport ? { transport: login.transport } : {};
  return login.hosts.map(host => ({ ...ssh(host, user, login.port), ...gsi, ...by }));
}

/**
 * For a site that gives certificates for one-time codes: the key, if it is there, and the command that gets the next one.
 */
export function loginAuth({ name, login }: SiteLogin['profile']): AuthOptions | undefined {
  if (!login?.certificates) return undefined;
  const { key } = login.certificates;
  const isThere = existsSync(key.replace(/^~(?=\/)/, homedir()));
  return { renewal: `scailfin sshproxy --site ${name ?? 'SITE'}`, ...(isThere ? { identityFiles: [key] } : {}) };
}

/** A login node with a kept login comes first, so that the user need not log in twice. */
async function keptFirst(targets: readonly SshHostTarget[]): Promise<SshHostTarget[]> {
  if (targets.length < 2) return [...targets];
  const { isKept } = await import('../hosts/kept/reuse.js');
  const { route } = await import('../hosts/route.js');
  const kept = targets.filter(target => isKept(route(target, {})));
  return [...kept, ...targets.filter(target => !kept.includes(target))];
}

/** The listed name of a machine may have a domain that the machine's own name lacks. */
function namesakeFirst(targets: readonly SshHostTarget[], wanted: Machine | undefined): SshHostTarget[] {
  const label = (name: string): string => name.toLowerCase().split('.')[0] ?? '';
  const isWanted = ({ host }: SshHostTarget): boolean => wanted !== undefined && label(host) === label(wanted.name);
  return [...targets.filter(isWanted), ...targets.filter(target => !isWanted(target))];
}

function ssh(host: string, user: string | undefined, port?: number): SshHostTarget {
  return { kind: 'ssh', host, ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port }) };
}
