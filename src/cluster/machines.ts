import type { Host } from '../hosts/host.js';
import { compareMachines, type Machine, thisMachine, unknownBoot } from '../hosts/machine.js';
import { PinnedHost } from '../hosts/pinned.js';
import { schedulerFor } from '../schedulers/registry.js';
import type { Connections } from './connections.js';
import type { ClusterRecord, SiteFacts } from './record.js';
import type { SiteSpec } from './spec.js';

/**
 * Where the pool was started, or was about to be; undefined before that. The journal of an older scailfin has only the
 * name; a laptop's own name changes, so there it says nothing.
 */
export function headMachine({ machine, head, spec }: ClusterRecord): Machine | undefined {
  if (machine) return machine;
  return head && spec.headnode.kind !== 'local' ? { name: head.host, boot: unknownBoot } : undefined;
}

/** The headnode: the very machine on which the pool was started. @param fallback the site, if none is recorded yet */
export async function headHost(connections: Connections, record: ClusterRecord, fallback?: SiteSpec): Promise<Host> {
  const machine = headMachine(record);
  const host = await connections.head(record.spec.headnode, record.sites[0]?.spec ?? fallback, machine);
  return machine ? connections.on(host, machine, hintFor(record.name, machine)) : host;
}

/**
 * A site's login node: any machine of that name, because all ask the same batch system. Where the jobs are processes of
 * the machine itself, or in a queue of its own, it is the very machine on which they were started.
 */
export async function siteHost(
  connections: Connections,
  record: ClusterRecord,
  site: { readonly spec: SiteSpec; readonly facts?: SiteFacts | undefined },
): Promise<Host> {
  const host = await connections.site(site.spec, isBesidePool(record, site.spec) ? headMachine(record) : undefined);
  return jobsOn(connections, host, site.spec, record.name, site.facts?.machine);
}

/**
 * The host that knows a site's jobs, if they were submitted on this machine. For most batch systems, that is any login
 * node.
 */
export function jobsOn(
  connections: Connections,
  host: Host,
  site: SiteSpec,
  cluster: string,
  machine: Machine | undefined,
): Host {
  const { isThisMachine, queuePerLoginNode } = schedulerFor(site.profile.scheduler.type);
  return isThisMachine || queuePerLoginNode ? foundOn(connections, host, cluster, machine) : host;
}

/** Whether the headnode is one of the site's login nodes, or both are this machine. */
export function isBesidePool({ spec, sites }: ClusterRecord, site: SiteSpec): boolean {
  if (spec.headnode.kind === 'login') return (sites[0]?.spec ?? site).site === site.site;
  return spec.headnode.kind === 'local' && !site.profile.login;
}

/** The machine of a pool that was found, without a record of it, in a directory that other machines may share. */
export function foundOn(connections: Connections, host: Host, cluster: string, machine: Machine | undefined): Host {
  return machine ? connections.on(host, machine, hintFor(cluster, machine)) : host;
}

/** The name of the machine that has been started again since the pool was started there, if it was found to be so. */
export function restartedMachine(host: Host): string | undefined {
  return host instanceof PinnedHost && host.restarted ? host.machine.name : undefined;
}

/** Whether the pool was last started on another machine, or before the machine's last start. */
export const isNews = (record: ClusterRecord, machine: Machine): boolean =>
  record.machine === undefined || compareMachines(record.machine, machine) !== 'same';

/** Whether a pool with a local headnode is on this machine, and not on another one that shares the home directory. */
export const isOnThisMachine = ({ machine }: ClusterRecord): boolean =>
  machine === undefined || compareMachines(machine, thisMachine()) !== 'other';

const hintFor = (cluster: string, { name }: Machine): string =>
  `run the same command again: next time, the name may mean ${name}; if ${name} no longer exists: scailfin down ${cluster} --forget`;
