import { CommandError, ScailfinError } from '../../errors.js';
import { helmFailure, isPending } from './helmwords.js';
import { type Kube, wordsOf } from './kube.js';
import { after } from './pace.js';

/** Helm only hands the objects over, and does not wait for pods; a slow API server still gets this long. */
const PATIENCE_MS = 300_000;

/**
 * Installs the chart, or changes what is installed to it. It does not wait for the pods: killed while it waits, helm
 * leaves a release that it then refuses to touch, and we can say better than it what is being waited for.
 * @throws ScailfinError saying what helm's words mean
 */
export async function installChart(kube: Kube, chart: string, values: string, settleMs: number): Promise<void> {
  const error = await attempt(kube, chart, values);
  if (error === undefined) return;
  if (!isPending(error.stderr)) throw explained(kube, error);
  await settle(kube, settleMs);
  const again = await attempt(kube, chart, values);
  if (again !== undefined) throw explained(kube, again);
}

async function attempt(kube: Kube, chart: string, values: string): Promise<CommandError | undefined> {
  const args = ['upgrade', '--install', kube.release, chart, '--values', values, '--skip-crds'];
  try {
    // its own time ends first, so that it has a word to say
    const timeout = `${PATIENCE_MS / 1000 - 30}s`;
    await kube.helm([...args, '--history-max', '3', '--timeout', timeout], { timeoutMs: PATIENCE_MS });
    return undefined;
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
}

/** A helm that was killed left its work half done: what there was before comes back, or nothing of it. */
async function settle(kube: Kube, settleMs: number): Promise<void> {
  // it may not have been killed at all, only our connection to it
  await after(settleMs);
  const state = await releaseState(kube);
  if (state === undefined || !state.startsWith('pending-')) return;
  const out = await kube.helm(['history', kube.release, '--output', 'json']);
  const revisions = JSON.parse(out.stdout) as { revision: number; status: string }[];
  const good = revisions.filter(r => r.status === 'deployed' || r.status === 'superseded').at(-1);
  if (good === undefined) await kube.helm(['uninstall', kube.release], { timeoutMs: PATIENCE_MS });
  else await kube.helm(['rollback', kube.release, String(good.revision)], { timeoutMs: PATIENCE_MS });
}

/** Helm's word for the release's state; undefined where there is none. @throws CommandError when it can't be asked */
export async function releaseState(kube: Kube): Promise<string | undefined> {
  const out = await kube.helm(['status', kube.release, '--output', 'json']).catch((error: unknown) => {
    if (error instanceof CommandError && /release: not found/.test(error.stderr)) return undefined;
    throw error;
  });
  return out && (JSON.parse(out.stdout) as { info: { status: string } }).info.status;
}

/** Takes the release away with all of its objects, but not what it was told to keep. None there is a success. */
export async function uninstall(kube: Kube): Promise<void> {
  if ((await releaseState(kube)) === undefined) return;
  await kube.helm(['uninstall', kube.release, '--wait', '--timeout', '150s'], { timeoutMs: 180_000 });
}

function explained(kube: Kube, error: CommandError): ScailfinError {
  const meant = helmFailure(error.stderr, kube.namespace);
  const words = wordsOf(error);
  const message = `REANA can't be installed on ${error.host}: ${meant?.message ?? words}`;
  const said = meant === undefined || words === '' ? '' : ` (${words})`;
  return new ScailfinError(`${message}${said}`, { hint: meant?.hint ?? '`scailfin up` again', cause: error });
}
