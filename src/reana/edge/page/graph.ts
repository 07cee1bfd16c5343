import { join } from 'node:path';
import * as z from 'zod';
import { readSharedJson } from '../../engines/shared.js';
import type { WorkflowGraph } from '../overview.js';
import type { RunRecord } from '../runs/record.js';

/** Bytes and nodes: nobody can read a larger graph. */
const most = { bytes: 2 ** 20, nodes: 1000 };

const name = z.string().max(1000);
const schema = z.object({
  nodes: z.array(name).max(most.nodes),
  edges: z.array(z.tuple([name, name])).max(10 * most.nodes),
});

/**
 * The order of a run's steps: from the specification of a serial workflow, or from what its workflow engine has written.
 * @param dir of its workflow engine, in which the workflow's author can put anything: what is not a graph is taken as none
 * @returns undefined while it is not known, and if it is too large
 */
export async function graphOf(run: Pick<RunRecord, 'specification'>, dir: string): Promise<WorkflowGraph | undefined> {
  const { type, specification } = run.specification.workflow;
  const found = type === 'serial' ? chain(specification) : await readSharedJson(join(dir, 'graph.json'), most.bytes);
  const { data } = schema.safeParse(found);
  if (!data) return undefined;
  const nodes = new Set(data.nodes);
  return { nodes: [...nodes], edges: data.edges.filter(([a, b]) => a !== b && nodes.has(a) && nodes.has(b)) };
}

/** Each step of a serial workflow waits for the one before; steps without a name are numbered, as when they run. */
function chain(specification: unknown): WorkflowGraph | undefined {
  const { steps } = (specification ?? {}) as { steps?: readonly { readonly name?: string }[] };
  if (!Array.isArray(steps)) return undefined;
  const nodes = steps.map((step, n) => String(step?.name ?? `step ${n + 1}`));
  return { nodes, edges: nodes.slice(1).map((after, n) => [nodes[n] as string, after]) };
}
