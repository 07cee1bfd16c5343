import { runScript } from '../../hosts/script.js';
import { templateText } from '../../templates.js';
import type { Headnode } from '../component.js';
import { endDetached } from '../detached.js';
import type { Kube } from './kube.js';
import { reanaDir } from './reana-plan.js';

const stateOf = (at: Headnode): string => `${reanaDir(at)}/forward`;

/**
 * Forwards the headnode's port to REANA in a Kubernetes of others, where no port is open from outside; restarts after a
 * failure.
 */
export async function startForward(kube: Kube, at: Headnode): Promise<void> {
  const to = [`service/${kube.release}-traefik`, `${kube.at.port}:443`];
  const forward = [...kube.kubectlArgv(), 'port-forward', '--address', '127.0.0.1', ...to];
  const argv = ['bash', '--norc', '-c', templateText('headnode/keep-up.sh'), 'keep-up', reanaDir(at), ...forward];
  await runScript(at.host, templateText('headnode/detach.sh'), [stateOf(at), ...argv]);
}

export async function endForward(at: Headnode): Promise<void> {
  await endDetached(at.host, stateOf(at));
}
