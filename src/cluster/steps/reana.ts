import { bringUp, type Headnode } from '../../headnode/component.js';
import { edge } from '../../headnode/edge.js';
import { packageVersion } from '../../paths.js';
import { type Context, headnodeOf, recordOf } from '../context.js';
import type { ReanaSpec } from '../reanaspec.js';
import type { ReanaFacts } from '../record.js';
import { keepPassword, keepToken, ownToken } from '../token.js';
import type { Head } from './connect.js';
import type { RunningPool } from './headnode.js';
import { bringUpUpstream, missingForUpstream } from './upstream.js';

/** A cluster's REANA, and why it is this one. */
export interface RunningReana extends ReanaFacts {
  readonly why: string;
}

/** Brings REANA up on the headnode, or finds it there. @throws ScailfinError in the words of what does not come up */
export async function bringUpReana(
  context: Context,
  spec: ReanaSpec,
  head: Head,
  pool: RunningPool,
): Promise<RunningReana> {
  const { journal } = context;
  const at = headnodeOf(context, head);
  const { flavour, why } = await choose(at, spec, recordOf(context).reana, pool);
  journal.append({ type: 'intent', what: `bring up REANA (${flavour}) on ${at.host.name}` });
  const facts = flavour === 'edge' ? await withEdge(context, at, pool) : await withUpstream(context, at, spec, pool);
  journal.append({ type: 'reana', reana: facts });
  return { ...facts, why };
}

interface Choice {
  readonly flavour: ReanaFacts['flavour'];
  /** A few words. */
  readonly why: string;
}

/** What was asked for, else what is there, else what the headnode can carry. */
async function choose(
  at: Headnode,
  spec: ReanaSpec,
  there: ReanaFacts | undefined,
  pool: RunningPool,
): Promise<Choice> {
  if (spec.flavour !== 'auto') return { flavour: spec.flavour, why: 'as asked for' };
  if (there) return { flavour: there.flavour, why: 'as before' };
  const [missing] = await missingForUpstream(at, spec, pool);
  if (missing) return { flavour: 'edge', why: `not CERN's on Kubernetes: ${missing.what}` };
  return { flavour: 'upstream', why: 'the headnode has room for Kubernetes' };
}

async function withEdge({ journal }: Context, at: Headnode, pool: RunningPool): Promise<ReanaFacts> {
  const plan = {
    token: ownToken(journal.dir),
    version: packageVersion(),
    condorBin: pool.bin,
    isFenced: pool.unfenced === undefined,
  };
  return { flavour: 'edge', scheme: 'http', port: await bringUp(edge, at, plan) };
}

async function withUpstream(
  { journal }: Context,
  at: Headnode,
  spec: ReanaSpec,
  pool: RunningPool,
): Promise<ReanaFacts> {
  const { facts, token, password } = await bringUpUpstream(at, spec, pool);
  keepToken(journal.dir, token);
  keepPassword(journal.dir, password);
  return facts;
}
