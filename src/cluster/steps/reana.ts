import { bringUp } from '../../headnode/component.js';
import { edge } from '../../headnode/edge.js';
import { packageVersion } from '../../paths.js';
import { type Context, headnodeOf } from '../context.js';
import type { ReanaFacts } from '../record.js';
import { ownToken } from '../token.js';
import type { Head } from './connect.js';
import type { RunningPool } from './headnode.js';

/** Brings REANA up on the headnode, or finds it there. @throws ScailfinError in the words of what does not come up */
export async function bringUpReana(context: Context, head: Head, pool: RunningPool): Promise<ReanaFacts> {
  const at = headnodeOf(context, head);
  const token = ownToken(context.journal.dir);
  const port = await bringUp(edge, at, { token, version: packageVersion(), condorBin: pool.bin });
  const reana: ReanaFacts = { flavour: 'edge', scheme: 'http', port };
  context.journal.append({ type: 'reana', reana });
  return reana;
}
