import { messageOf } from '../errors.js';
import type { Part } from '../headnode/component.js';
import { kubernetesParts } from '../headnode/kubernetes-parts.js';
import type { PoolStatus } from '../htcondor/query.js';
import type { Connections } from './connections.js';
import { poolDir } from './context.js';
import type { ClusterRecord, ReanaFacts } from './record.js';

/** What the cluster offers beside its pool. */
export interface FrameworkStatus {
  readonly name: 'reana';
  readonly flavour: ReanaFacts['flavour'];
  readonly state: Part['state'];
  /** On the headnode's loopback address. */
  readonly port: number;
  /** Upstream's, and those of the Kubernetes that is the cluster's own. */
  readonly parts?: readonly Part[];
}

/** The parts of an upstream REANA; undefined where the cluster has none. */
export async function askParts(record: ClusterRecord, connections: Connections): Promise<readonly Part[] | undefined> {
  const { name, head, reana, spec, sites } = record;
  if (!head || reana?.flavour !== 'upstream') return undefined;
  try {
    const host = await connections.head(spec.headnode, sites[0]?.spec);
    return await kubernetesParts({ host, dir: poolDir(head.base, name), cluster: name, onProgress: () => {} });
  } catch (error) {
    return [{ name: 'reana', state: 'unknown', reason: messageOf(error) }];
  }
}

export function frameworkOf(
  { flavour, port }: ReanaFacts,
  pool: PoolStatus | undefined,
  parts: readonly Part[] | undefined,
): FrameworkStatus {
  const about = { name: 'reana', flavour, port } as const;
  if (parts === undefined) return { ...about, state: pool?.edge ?? 'unknown' };
  const worst = (['dead', 'unknown', 'starting'] as const).find(state => parts.some(p => p.state === state));
  return { ...about, state: worst ?? (parts.length > 0 ? 'alive' : 'dead'), parts };
}
