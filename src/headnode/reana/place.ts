import type { Headnode } from '../component.js';
import { OWNER } from './check.js';
import type { Kube, Note } from './kube.js';
import type { ReanaPlan } from './reana-plan.js';
import { onNodes } from './values.js';

interface Node {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: { readonly unschedulable?: boolean; readonly taints?: readonly { readonly effect: string }[] };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** The node to which all of REANA is bound if several nodes can't share one directory; the same at each call. */
export async function chooseNode(kube: Kube, plan: ReanaPlan, noted: Note | undefined): Promise<string | undefined> {
  if (plan.kubernetes.own !== undefined || !onNodes(plan)) return undefined;
  if (noted?.node !== undefined) return noted.node;
  const nodes = await kube.list<Node>(['nodes']);
  if (nodes.length < 2) return undefined;
  const fit = nodes.find(canRun) ?? nodes[0];
  return fit?.metadata.labels?.['kubernetes.io/hostname'] ?? fit?.metadata.name;
}

function canRun({ spec = {}, status = {} }: Node): boolean {
  const ready = status.conditions?.some(c => c.type === 'Ready' && c.status === 'True') ?? false;
  return ready && !spec.unschedulable && !spec.taints?.some(taint => taint.effect.startsWith('No'));
}

/** Makes the cluster's own namespace, with the label that marks it as ours. */
export async function makeNamespace(kube: Kube, { cluster }: Headnode): Promise<void> {
  const labels = { [OWNER]: cluster, 'app.kubernetes.io/managed-by': 'scailfin' };
  await kube.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: kube.namespace, labels } });
}
