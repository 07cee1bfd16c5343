import { LeftoverError } from '../errors.js';
import type { Host } from '../hosts/host.js';
import type { Probe } from '../hosts/probe.js';
import type { Context } from './context.js';
import { headnodeName } from './headnodes.js';
import { headHost, isBesidePool } from './machines.js';
import type { ClusterSpec, SiteSpec } from './spec.js';

/** What to take down if this machine has no record: the site by its profile, the headnode by the usual rules. */
export interface Lost {
  readonly spec: ClusterSpec;
  readonly site: SiteSpec;
}

/** The address of a pool whose site is this machine. */
const HERE = '127.0.0.1';

/** A headnode on which the pool of a cluster may be. */
export interface HeadToStop {
  readonly label: string;
  readonly host: () => Promise<Host>;
  readonly base: string | undefined;
  /** What the host said of a pool that was found there. */
  readonly found?: Probe;
  /** The site beside whose files the pool is. */
  readonly home?: string | undefined;
}

/**
 * Beside the files of a pool of an older scailfin, it is not written where the pool was started. Its own address says it.
 * @throws LeftoverError if the host has another address
 */
export function checkSeen({ pool, poolMachine, poolAddress: at, addresses }: Probe, host: Host): void {
  if (!pool || poolMachine || !at || at.startsWith('127.') || addresses.includes(at)) return;
  const left = `the pool in ${pool}, which runs on the machine with the address ${at}, if it runs; ${host.name} is another machine`;
  throw new LeftoverError(`the pool of another machine can't be stopped on ${host.name}`, [left]);
}

/**
 * Without a record, nothing tells where the headnode is but the glide-ins' own settings: a pool that was found on none of the
 * hosts is not gone.
 * @param looked what the hosts said before anything was removed there
 */
export function poolElsewhere(looked: readonly Probe[]): string[] {
  if (looked.some(host => host.pool !== undefined)) return [];
  const known = looked.flatMap(host => [...host.addresses, ...(host.ssh ? [host.ssh.server] : [])]);
  const away = new Set(looked.flatMap(host => host.serves ?? []).filter(at => at !== HERE && !known.includes(at)));
  const hosts = looked.map(host => host.host).join(' and ');
  // an address of a relay is one of each machine, and of none
  const where = (at: string): string => (at.startsWith('127.') ? 'that a relay led to' : `at ${at}`);
  return [...away].map(at => `the pool ${where(at)}, which is not on ${hosts}: add --headnode [user@]HOST`);
}

/** The recorded headnode; without a record: the one by the usual rules, and this machine. */
export function headnodesOf({ connections, journal }: Context, lost: Lost | undefined): HeadToStop[] {
  const record = lost ? undefined : journal.record;
  if (record) {
    const home = record.sites.find(s => isBesidePool(record, s.spec))?.spec;
    const label = labelOf(record.spec.headnode, record.sites[0]?.spec);
    const host = (): Promise<Host> => headHost(connections, record);
    return [{ label, host, base: record.head?.base, home: home?.site }];
  }
  if (!lost) return [];
  const { site, spec } = lost;
  const rules: ClusterSpec['headnode'][] = [
    spec.headnode,
    ...(spec.headnode.kind === 'local' ? [] : [{ kind: 'local' } as const]),
  ];
  return rules.map(kind => ({
    label: labelOf(kind, site),
    host: () => connections.head(kind, site),
    base: undefined,
    home: kind.kind === 'login' || (kind.kind === 'local' && !site.profile.login) ? site.site : undefined,
  }));
}

function labelOf(spec: ClusterSpec['headnode'], home: SiteSpec | undefined): string {
  if (spec.kind === 'local') return 'this machine';
  return spec.kind === 'login' ? (home?.profile.login?.hosts[0] ?? 'the login node') : headnodeName(spec);
}
