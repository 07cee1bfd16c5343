import { randomBytes } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { ScailfinError, UsageError } from '../errors.js';
import type { Headnode } from '../headnode/component.js';
import type { Host } from '../hosts/host.js';
import { defaultWork, type Probe, probe } from '../hosts/probe.js';
import type { JobQuery } from '../schedulers/job.js';
import type { Place } from '../schedulers/programs.js';
import { schedulerFor } from '../schedulers/registry.js';
import type { Scheduler } from '../schedulers/scheduler.js';
import type { SiteProfile } from '../sites/schema.js';
import type { Connections } from './connections.js';
import type { EventSink } from './events.js';
import type { Journal } from './journal.js';
import { siteHost } from './machines.js';
import { tagOf } from './names.js';
import type { ClusterRecord, SiteRecord } from './record.js';
import type { SiteSpec } from './spec.js';

/** The objects that every step uses. */
export interface Context {
  readonly journal: Journal;
  readonly connections: Connections;
  readonly sink: EventSink;
}

/** A site's login node, connected and probed. */
export interface Site {
  readonly spec: SiteSpec;
  readonly host: Host;
  readonly scheduler: Scheduler;
  readonly probe: Probe;
}

/** The line that says whose a directory on a host is. One line without secrets. */
export function ownerLine(record: Pick<ClusterRecord, 'id' | 'created'>): string {
  return JSON.stringify({ id: record.id, by: `${userInfo().username}@${hostname()}`, created: record.created });
}

export const newId = (): string => randomBytes(6).toString('hex');

/** The record; a step may only use it once the cluster exists. */
export function recordOf({ journal }: Pick<Context, 'journal'>): ClusterRecord {
  if (!journal.record) throw new ScailfinError(`the journal of ${journal.name} is empty`);
  return journal.record;
}

export function siteRecord(record: ClusterRecord, name: string): SiteRecord | undefined {
  return record.sites.find(s => s.spec.site === name);
}

/** The ids for queries to the batch system; without those of jobs whose end was verified. */
export const knownIds = (site: SiteRecord | undefined): string[] =>
  site?.batches.flatMap(b => (b.outcome === 'ended' ? [] : b.jobIds)) ?? [];

/** The query for a cluster's jobs in the batch system of a site. */
export function jobQuery(
  cluster: string,
  facts: { base: string; user: string },
  ids: readonly string[],
  { profile, queue }: Pick<SiteSpec, 'profile' | 'queue'>,
): JobQuery {
  const { scheduler } = profile;
  const named = schedulerFor(scheduler.type).clustersIn?.(directivesOf(profile, queue)) ?? [];
  const clusters = scheduler.cluster === undefined ? named : [scheduler.cluster];
  return {
    ...{ tag: tagOf(cluster), user: facts.user, ids, dir: siteDir(facts.base, cluster) },
    ...(clusters.length > 0 ? { clusters } : {}),
    ...(scheduler.silence === undefined ? {} : { silence: scheduler.silence }),
    ...placeOf(profile),
  };
}

/** Where the programs of a site's batch system are, as its profile says. */
export const placeOf = ({ scheduler: { path, module } }: Pick<SiteProfile, 'scheduler'>): Place => ({
  ...(path === undefined ? {} : { path }),
  ...(module === undefined ? {} : { module }),
});

/** The directives of a site's jobs in a queue. */
export const directivesOf = ({ scheduler, queues }: SiteProfile, queue: string | undefined): string[] => [
  ...scheduler.directives,
  ...((queue && queues[queue]?.directives) || []),
];

export const siteDir = (base: string, cluster: string): string => `${base}/${cluster}/site`;
export const poolDir = (base: string, cluster: string): string => `${base}/${cluster}/pool`;

/** The headnode as its components see it. */
export function headnodeOf(
  { journal, sink }: Pick<Context, 'journal' | 'sink'>,
  head: { readonly host: Host; readonly probe: Pick<Probe, 'base'> },
): Headnode {
  const { name } = recordOf({ journal });
  const onProgress = (detail: string): void => sink({ type: 'progress', detail });
  return { host: head.host, dir: poolDir(head.probe.base, name), cluster: name, onProgress };
}

/** Connects to a site and probes it. @throws ConnectionError, AuthError, HostKeyError, ScailfinError */
export async function reachSite(context: Pick<Context, 'journal' | 'connections'>, spec: SiteSpec): Promise<Site> {
  return probeSite(await hostOf(context, spec), spec, recordOf(context).name);
}

/** A login node of a site, as the record knows it. */
export function hostOf(
  { journal, connections }: Pick<Context, 'journal' | 'connections'>,
  spec: SiteSpec,
): Promise<Host> {
  const record = recordOf({ journal });
  const known = siteRecord(record, spec.site) ?? { spec, batches: [] };
  return siteHost(connections, record, { ...known, spec });
}

/** @param host one of the site's login nodes */
export async function probeSite(host: Host, spec: SiteSpec, cluster: string): Promise<Site> {
  const scheduler = schedulerFor(spec.profile.scheduler.type);
  return { spec, host, scheduler, probe: await probe(host, spec.profile.directories.work ?? defaultWork, cluster) };
}

/** Whether a directory with this name belongs to another cluster: then nothing in it may be changed. */
export function isForeign(owner: string | undefined, record: Pick<ClusterRecord, 'id'>): boolean {
  if (owner === undefined) return false;
  try {
    return (JSON.parse(owner) as { id: string }).id !== record.id;
  } catch {
    // an unreadable owner line is not ours either
    return true;
  }
}

/** @throws UsageError if a directory with this name belongs to another cluster */
export function checkOwner(owner: string | undefined, record: ClusterRecord, where: string, site: string): void {
  if (!isForeign(owner, record)) return;
  let by = 'somebody else';
  try {
    const other = JSON.parse(owner as string) as { by: string; created: string };
    by = `${other.by}, ${other.created}`;
  } catch {
    // an unreadable owner line is not ours either
  }
  throw nameTaken(record, where, site, ` (made by ${by})`);
}

/** The error if another cluster has the name of this one on a host. @param by who made the other one, in brackets */
export const nameTaken = ({ name }: Pick<ClusterRecord, 'name'>, where: string, site: string, by = ''): UsageError =>
  new UsageError(`${where} has a cluster called ${name} already${by}`, {
    hint: `choose another name, or take that cluster down: scailfin down ${name} --site ${site}`,
  });
