import type { Duplex } from 'node:stream';
import { UsageError } from '../errors.js';
import { EdgeClient } from '../reana/client.js';
import { type Context, recordOf } from './context.js';
import { edgeToken } from './steps/edge.js';

/**
 * How one gets to a cluster's edge: a connection to its port on the headnode.
 * @throws UsageError when the cluster has none, and what connecting to the headnode throws
 */
export async function dialEdge(context: Context): Promise<() => Promise<Duplex>> {
  const { name, spec, sites, edgePort, state } = recordOf(context);
  if (edgePort === undefined || state === 'terminated') {
    throw new UsageError(`${name} has no REANA`, { hint: 'scailfin up NAME --site SITE --framework reana' });
  }
  const host = await context.connections.head(spec.headnode, sites[0]?.spec);
  return () => host.dial(edgePort);
}

export async function edgeClient(context: Context): Promise<EdgeClient> {
  return new EdgeClient(await dialEdge(context), edgeToken(context.journal.dir));
}
