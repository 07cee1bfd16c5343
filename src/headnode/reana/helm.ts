import { CommandError, ScailfinError } from '../../errors.js';
import { helmFailure, isPending } from './helmwords.js';
import { type Kube, wordsOf } from './kube.js';
import { after } from './pace.js';

/** Helm only creates the objects, and does not wait for pods; a slow API server gets this long. */
const PATIENCE_MS = 300_000;

/**
 * Installs the chart, or changes what is installed. It does not wait for the pods: a helm that is killed while it waits
 * leaves a release that it then refuses to touch; and our own messages say better what is being waited for.
 * @throws ScailfinError that explains helm's error
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
    // helm's own limit comes first, so that it can print an error
    const timeout = `${PATIENCE_MS / 1000 - 30}s`;
    await kube.helm([...args, '--history-max', '3', '--timeout', timeout], { timeoutMs: PATIENCE_MS });
    return undefined;
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
}

/** A helm that was killed left its work half done: the release before it is restored, or all of it is removed. */
async function settle(kube: Kube, settleMs: number): Promise<void> {
  // it may not have been killed: perhaps only our connection to it broke
  await after(settleMs);
  const state = await releaseState(kube);
  if (state === undefined || !state.startsWith('pending-')) return;
  const out = await kube.helm(['history', kube.release, '--output', 'json']);
  const revisions = JSON.parse(out.stdout) as { revision: number; status: string }[];
  const good = revisions.filter(r => r.status === 'deployed' || r.status === 'superseded').at(-1);
  if (good === undefined) await kube.helm(['uninstall', kube.release], { timeoutMs: PATIENCE_MS });
  else await kube.helm(['rollback', kube.release, String(good.revision)], { timeoutMs: PATIENCE_MS });
}

/** Helm's word for the release's state; undefined if there is none. @throws CommandError if it can't be asked */
export async function releaseState(kube: Kube): Promise<string | undefined> {
  const out = await kube.helm(['status', kube.release, '--output', 'json']).catch((error: unknown) => {
    if (error instanceof CommandError && /release: not found/.test(error.stderr)) return undefined;
    throw error;
  });
  return out && (JSON.parse(out.stdout) as { info: { status: string } }).info.status;
}

/**
 * Removes the release with its objects, but not the objects that are marked to be kept. If there is none, that is a
 * success.
 */
export async function uninstall(kube: Kube): Promise<void> {
  if ((await releaseState(kube)) === undefined) return;
  await kube.helm(['uninstall', kube.release, '--wait', '--timeout', '150s'], { timeoutMs: 180_000 });
}

function explained(kube: Kube, error: CommandError): ScailfinError {
  const meant = helmFailure(error.stderr, kube.namespace);
  const words = wordsOf(error);
  const message = `REANA can't be installed on ${error.host}: ${meant?.message ?? words}`;
  const said = meant === undefined || words === '' ? '' : ` (${words})`;
  return new ScailfinError(`${message}${said}`, { hint: meant?.hint ?? 'run `scailfin up` again', cause: error });
}
