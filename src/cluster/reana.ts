import type { Duplex } from 'node:stream';
import { UsageError } from '../errors.js';
import { ahead } from '../reana/ahead.js';
import { ReanaClient } from '../reana/client.js';
import { provedBy } from '../reana/proved.js';
import { securedBy } from '../reana/secured.js';
import { type Context, recordOf } from './context.js';
import { readToken } from './token.js';

/**
 * How one gets to a cluster's REANA: a connection to its port on the headnode. The edge proves on each that it is the edge.
 * @throws UsageError when the cluster has none, or its token is not here, and what connecting to the headnode throws
 */
export async function dialReana(context: Context): Promise<() => Promise<Duplex>> {
  const { name, spec, sites, reana, state } = recordOf(context);
  if (reana === undefined || state === 'terminated') {
    throw new UsageError(`${name} has no REANA`, { hint: 'scailfin up NAME --site SITE --framework reana' });
  }
  const host = await context.connections.head(spec.headnode, sites[0]?.spec);
  const dial = (): Promise<Duplex> => host.dial(reana.port);
  return reana.flavour === 'edge' ? provedBy(tokenOf(context), reana.port, dial) : dial;
}

/** A client of the cluster's REANA, which proves who it is. */
export async function reanaClient(context: Context): Promise<ReanaClient> {
  const dial = await dialReana(context);
  const { reana } = recordOf(context);
  return new ReanaClient(ahead(reana?.certificate ? securedBy(reana.certificate, dial) : dial), tokenOf(context));
}

function tokenOf(context: Context): string {
  const token = readToken(context.journal.dir);
  if (token !== undefined) return token;
  const { name } = recordOf(context);
  throw new UsageError(`the token of ${name}'s REANA is not on this machine any more`, {
    hint: `scailfin up ${name} finds it again`,
  });
}
