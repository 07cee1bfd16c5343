import { isDeepStrictEqual } from 'node:util';
import { messageOf, UsageError } from '../errors.js';
import type { FrameworkFacts, FrameworkSpec } from '../frameworks/facts.js';
import type { Framework } from '../frameworks/framework.js';
import { frameworkNamed, services } from '../frameworks/registry.js';
import type { ClusterHere, Dial, Service, ServiceStatus } from '../frameworks/service.js';
import type { RunningPool } from '../htcondor/pool.js';
import type { PoolStatus } from '../htcondor/query.js';
import type { Connections } from './connections.js';
import { type Context, headnodeOf, poolDir, recordOf } from './context.js';
import { step } from './events.js';
import { headHost } from './machines.js';
import type { ClusterRecord } from './record.js';
import type { Head } from './steps/connect.js';

/** What the cluster offers in addition to its pool. */
export interface FrameworkStatus extends ServiceStatus {
  readonly name: string;
  /** A port of the headnode's loopback address. */
  readonly port: number;
}

/** The service of a cluster's framework, with the facts about this cluster. */
export interface Offer {
  readonly framework: Framework;
  readonly service: Service;
  readonly facts: FrameworkFacts;
  readonly here: ClusterHere;
}

/**
 * What a cluster offers in addition to its pool; undefined for nothing. @param folder the cluster's own directory on this
 * machine
 */
export async function offerOf(record: ClusterRecord | undefined, folder: string): Promise<Offer | undefined> {
  if (record?.framework === undefined) return undefined;
  const framework = frameworkNamed(record.framework.name);
  const service = await framework.service?.();
  return service && { framework, service, facts: record.framework, here: { cluster: record.name, folder } };
}

/** Starts the requested framework on the headnode as one step, or finds it running. */
export async function bringUpFramework(context: Context, head: Head, pool: RunningPool): Promise<void> {
  const { journal, sink } = context;
  const { name, spec, framework: before } = recordOf(context);
  const asked = spec.framework;
  if (!asked) return;
  const { title, service } = frameworkNamed(asked.name);
  await step(
    sink,
    `Starting ${title}`,
    async () => {
      const at = {
        ...headnodeOf(context, head),
        ...{ pool, cluster: name, folder: journal.dir },
        announce: (what: string) => journal.append({ type: 'intent', what }),
      };
      const known = before?.name === asked.name ? before : undefined;
      const { facts, said } = (await (await service?.())?.bringUp(at, asked, known)) ?? {};
      if (facts) journal.append({ type: 'framework', framework: { name: asked.name, ...facts } });
      return said;
    },
    said => said,
  );
}

/** The differences between a cluster's framework and the requested one, in words. */
export function frameworkDiffers(
  { spec, framework }: ClusterRecord,
  asked: FrameworkSpec | undefined,
): readonly string[] {
  if (asked === undefined) return [];
  const { title, differences } = frameworkNamed(asked.name);
  if (spec.framework?.name !== asked.name) return [`it has no ${title}`];
  return differences({ spec: spec.framework, facts: framework }, asked);
}

/** What a further request changes: the framework's settings from now on; undefined if they stay as they are. */
export function frameworkChanged({ spec }: ClusterRecord, asked: FrameworkSpec | undefined): FrameworkSpec | undefined {
  const there = spec.framework;
  if (!there || !asked) return undefined;
  const { merged } = frameworkNamed(asked.name);
  const now = merged && { name: there.name, ...merged(there, asked) };
  return isDeepStrictEqual(now, there) ? undefined : now;
}

/** Asks for the framework's state. @param pool the pool's state, which is being asked at the same time */
export async function askFramework(
  record: ClusterRecord,
  connections: Connections,
  pool: Promise<PoolStatus | undefined>,
): Promise<FrameworkStatus | undefined> {
  const { name, head, framework: facts } = record;
  if (facts === undefined) return undefined;
  const about = { name: facts.name, port: facts.port };
  try {
    const service = await frameworkNamed(facts.name).service?.();
    if (!service || !head) return { ...about, state: 'unknown' };
    const at = async () => {
      const host = await headHost(connections, record);
      return { host, dir: poolDir(head.base, name), cluster: name, onProgress: () => {} };
    };
    return { ...about, ...(await service.status(facts, at, pool)) };
  } catch (error) {
    return { ...about, state: 'unknown', parts: [{ name: facts.name, state: 'unknown', reason: messageOf(error) }] };
  }
}

/**
 * Connections to the framework's port on the headnode, on which the server has proved its identity.
 * @throws UsageError if the cluster was taken down or has no framework, or if a secret is not on this machine; errors of connecting to the
 * headnode
 */
export async function reachFramework(context: Context): Promise<Offer & { readonly dial: Dial }> {
  const record = recordOf(context);
  if (record.state === 'terminated')
    throw new UsageError(`${record.name} is not up. ${record.reason}`, {
      hint: `the clusters that are up: scailfin list; a new one: scailfin up ${record.name} --site SITE`,
    });
  const offer = await offerOf(record, context.journal.dir);
  if (!offer) throw offersNothing(record.name);
  const { service, facts, here } = offer;
  const host = await headHost(context.connections, record);
  return { ...offer, dial: service.dial(facts, here, () => host.dial(facts.port)) };
}

/**
 * What a framework runs beside the pool can be taken away only by a scailfin that knows it.
 * @throws ScailfinError for a cluster that a newer scailfin made
 */
export function checkKnown({ spec, framework }: ClusterRecord): void {
  for (const at of [spec.framework, framework]) if (at) frameworkNamed(at.name);
}

/** @param only the names of the frameworks that are accepted; absent: any */
export function offersNothing(cluster: string, only: readonly string[] = services.map(f => f.name)): UsageError {
  const wanted = services.filter(f => only.includes(f.name));
  return new UsageError(`${cluster} has no ${wanted.map(f => f.title).join(' or ')}`, {
    hint: `scailfin up NAME --site SITE --framework ${wanted.map(f => f.name).join('|')}`,
  });
}
