import { isDeepStrictEqual } from 'node:util';
import { messageOf, UsageError } from '../errors.js';
import type { FrameworkFacts, FrameworkSpec } from '../frameworks/facts.js';
import type { Framework } from '../frameworks/framework.js';
import { frameworkNamed, services } from '../frameworks/registry.js';
import type { ClusterHere, Dial, OnNodes, Service, ServiceStatus } from '../frameworks/service.js';
import type { Headnode } from '../headnode/component.js';
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
  /** A port of the headnode's loopback address; 0: there is none, because programs of the user's listen where they want. */
  readonly port: number;
}

/** The service of a cluster's framework, with the facts about this cluster. */
export interface Offer {
  readonly framework: Framework;
  readonly service: Service;
  readonly facts: FrameworkFacts;
  readonly here: ClusterHere;
}

/** What a cluster offers in addition to its pool. @param folder the cluster's own directory on this machine */
export async function offersOf(record: ClusterRecord | undefined, folder: string): Promise<readonly Offer[]> {
  const offers = record?.frameworks.map(async (facts): Promise<Offer | undefined> => {
    const framework = frameworkNamed(facts.name);
    const service = await framework.service?.();
    return service && { framework, service, facts, here: { cluster: record.name, folder } };
  });
  return (await Promise.all(offers ?? [])).filter(offer => offer !== undefined);
}

/** What programs on nodes need to use those of these frameworks that can be used there. @param at absent if that is only shown */
export async function othersOf(
  frameworks: readonly { readonly name: string }[],
  without: string,
  dir: string,
  at?: Headnode & ClusterHere,
): Promise<readonly OnNodes[]> {
  const others = frameworks.map(async ({ name }): Promise<OnNodes | undefined> => {
    const { title, service } = frameworkNamed(name);
    const needed = name === without ? undefined : await (await service?.())?.onNodes?.(dir, at);
    return needed && { name, title, ...needed };
  });
  return (await Promise.all(others)).filter(other => other !== undefined);
}

/**
 * Starts the requested frameworks on the headnode, each as one step, or finds them running. One that others use on nodes is
 * started before them: the registry's order.
 */
export async function bringUpFrameworks(context: Context, head: Head, pool: RunningPool): Promise<void> {
  const { frameworks } = recordOf(context).spec;
  for (const { name } of services) {
    const asked = frameworks.find(f => f.name === name);
    if (asked) await bringUpFramework(context, head, pool, asked);
  }
}

async function bringUpFramework(context: Context, head: Head, pool: RunningPool, asked: FrameworkSpec): Promise<void> {
  const { journal, sink } = context;
  const { name, frameworks } = recordOf(context);
  const { title, service } = frameworkNamed(asked.name);
  await step(
    sink,
    `Starting ${title}`,
    async () => {
      const here = { ...headnodeOf(context, head), cluster: name, folder: journal.dir };
      const at = {
        ...{ ...here, pool, others: () => othersOf(recordOf(context).frameworks, asked.name, here.dir, here) },
        announce: (what: string) => journal.append({ type: 'intent', what }),
      };
      const before = frameworks.find(f => f.name === asked.name);
      const { facts, said } = (await (await service?.())?.bringUp(at, asked, before)) ?? {};
      if (facts) journal.append({ type: 'framework', framework: { name: asked.name, ...facts } });
      return said;
    },
    said => said,
  );
}

/** The differences between a cluster's frameworks and the requested ones, in words. One that it does not have yet is none. */
export function frameworksDiffer(
  { spec, frameworks }: ClusterRecord,
  asked: readonly FrameworkSpec[],
): readonly string[] {
  return asked.flatMap(one => {
    const there = spec.frameworks.find(f => f.name === one.name);
    const facts = frameworks.find(f => f.name === one.name);
    return there ? frameworkNamed(one.name).differences({ spec: there, facts }, one) : [];
  });
}

/** What a further request changes: the settings, from now on, of each framework that it adds or changes. */
export function frameworksChanged({ spec }: ClusterRecord, asked: readonly FrameworkSpec[]): readonly FrameworkSpec[] {
  return asked.flatMap(one => {
    const there = spec.frameworks.find(f => f.name === one.name);
    if (!there) return [one];
    const { merged } = frameworkNamed(one.name);
    const now = merged && { name: there.name, ...merged(there, one) };
    return now === undefined || isDeepStrictEqual(now, there) ? [] : [now];
  });
}

/** Asks for the frameworks' states. @param pool the pool's state, which is being asked at the same time */
export const askFrameworks = (
  record: ClusterRecord,
  connections: Connections,
  pool: Promise<PoolStatus | undefined>,
): Promise<readonly FrameworkStatus[]> =>
  Promise.all(record.frameworks.map(facts => askFramework(record, facts, connections, pool)));

async function askFramework(
  record: ClusterRecord,
  facts: FrameworkFacts,
  connections: Connections,
  pool: Promise<PoolStatus | undefined>,
): Promise<FrameworkStatus> {
  const { name, head } = record;
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

/** A framework that can be reached. */
export interface Reached extends Offer {
  /** Connections to its port on the headnode, on which the server has proved its identity. */
  readonly dial: Dial;
}

/**
 * What a cluster offers in addition to its pool, reached on the headnode.
 * @param only the names of the frameworks that are wanted; absent: all
 * @throws UsageError if the cluster was taken down or has none of them, or if a secret is not on this machine; errors of connecting to the
 * headnode
 */
export async function reachFrameworks(
  context: Context,
  only?: readonly string[],
): Promise<readonly [Reached, ...Reached[]]> {
  const record = recordOf(context);
  const [first, ...others] = reachable(wantedOf(record, await offersOf(record, context.journal.dir), only));
  const host = await headHost(context.connections, record);
  const reached = (offer: Offer): Reached => {
    const { service, facts, here } = offer;
    return { ...offer, dial: service.dial(facts, here, () => host.dial(facts.port)) };
  };
  return [reached(first), ...others.map(reached)];
}

/** Those to which one can connect, or all if there is none: some programs of the user's listen where they want. */
export function reachable(offers: readonly [Offer, ...Offer[]]): readonly [Offer, ...Offer[]] {
  const [first, ...others] = offers.filter(offer => offer.facts.port !== 0);
  return first ? [first, ...others] : offers;
}

/**
 * The wanted ones of a cluster's offers. @param only as in `reachFrameworks`
 * @throws UsageError if the cluster was taken down, or has none of them
 */
export function wantedOf(
  { name, state, reason }: ClusterRecord,
  offers: readonly Offer[],
  only?: readonly string[],
): readonly [Offer, ...Offer[]] {
  if (state === 'terminated')
    throw new UsageError(`${name} is not up. ${reason}`, {
      hint: `the clusters that are up: scailfin list; a new one: scailfin up ${name} --site SITE`,
    });
  const [first, ...others] = offers.filter(offer => only?.includes(offer.framework.name) ?? true);
  if (first) return [first, ...others];
  const wanted = services.filter(f => only?.includes(f.name) ?? true);
  throw new UsageError(`${name} has no ${wanted.map(f => f.title).join(' or ')}`, {
    hint: `scailfin up ${name} --framework ${wanted.map(f => f.name).join('|')}`,
  });
}

/**
 * What a framework runs beside the pool can be taken away only by a scailfin that knows it.
 * @throws ScailfinError for a cluster that a newer scailfin made
 */
export function checkKnown({ spec, frameworks }: ClusterRecord): void {
  for (const at of [...spec.frameworks, ...frameworks]) frameworkNamed(at.name);
}
