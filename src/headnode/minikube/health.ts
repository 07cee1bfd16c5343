import { messageOf } from '../../errors.js';
import { abridged } from '../../text.js';
import type { Headnode, Part } from '../component.js';
import { eventOf } from './events.js';
import { homeOf, minikube, profileOf, settingsFrom } from './minikube-plan.js';

/** The parts in `minikube status -o json`, with the names that users of Kubernetes know. */
const parts: Readonly<Record<string, string>> = { Host: 'node', Kubelet: 'kubelet', APIServer: 'apiserver' };

/** Never throws: if something can't be asked, it is `unknown`, with a reason. */
export async function health(at: Headnode): Promise<readonly Part[]> {
  const unknown = (reason: string): readonly Part[] => [{ name: 'node', state: 'unknown', reason }];
  try {
    const file = await at.host.run(['cat', `${homeOf(at)}/settings`], { check: false });
    const settings = settingsFrom(file.stdout);
    if (!settings) return [{ name: 'node', state: 'dead', reason: 'nothing is set up' }];
    const argv = [...minikube(at, settings), 'status', '-p', profileOf(at), '-o', 'json'];
    const out = await at.host.run(argv, { check: false, timeoutMs: 30_000 });
    return (
      partsOf(out.stdout) ??
      unknown(out.stderr.trim().split('\n').at(-1) || `minikube status exited with ${out.exitCode}`)
    );
  } catch (error) {
    return unknown(messageOf(error));
  }
}

/** The parts in the output of `minikube status -o json`; undefined if it has none. The exit status says less. */
export function partsOf(stdout: string): readonly Part[] | undefined {
  for (const line of stdout.split('\n')) {
    if (!line.trimStart().startsWith('{')) continue;
    const status = statusOf(line);
    if (status) return Object.entries(parts).map(([key, name]) => partOf(name, status[key] ?? ''));
    const message = eventOf(line)?.data.message ?? '';
    if (/Profile .* not found/.test(abridged(message)))
      return [{ name: 'node', state: 'dead', reason: 'it was never started' }];
  }
  return undefined;
}

function statusOf(line: string): Record<string, string> | undefined {
  try {
    const status = JSON.parse(line) as Record<string, string>;
    return typeof status.Host === 'string' ? status : undefined;
  } catch {
    return undefined;
  }
}

/** minikube's words for the states of a machine (pkg/libmachine/state), and its own Nonexistent. */
function partOf(name: string, word: string): Part {
  if (word === 'Running') return { name, state: 'alive' };
  if (word === 'Starting') return { name, state: 'starting', reason: 'Starting' };
  if (['Stopped', 'Stopping', 'Paused', 'Saved', 'Error', 'Nonexistent', 'NotFound', 'None'].includes(word)) {
    return { name, state: 'dead', reason: word };
  }
  return { name, state: 'unknown', reason: word || 'minikube does not say' };
}
