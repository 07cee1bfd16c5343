import { ConnectionError } from '../../errors.js';
import { runScript } from '../../hosts/script.js';
import { templateText } from '../../templates.js';
import type { Headnode } from '../component.js';
import { endDetached } from '../detached.js';
import type { Kube } from './kube.js';
import { after } from './pace.js';
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

/** kubectl needs a second to be there again, more on a busy headnode. */
const PATIENCE_MS = 15_000;
const PAUSE_MS = 500;

/**
 * Does something over the forwarded port, and again if the connection breaks. kubectl ends, with all its connections, when one of
 * them breaks at REANA's end ("lost connection to pod"); until it is started again, nothing answers.
 */
export async function again<Result>(attempt: () => Promise<Result>): Promise<Result> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isBroken(error) || Date.now() > until) throw error;
      await after(PAUSE_MS);
    }
  }
}

/** Connections to the forwarded port, each as soon as there can be one. */
export const kept =
  <Connection>(dial: () => Promise<Connection>): (() => Promise<Connection>) =>
  () =>
    again(dial);

function isBroken(error: unknown): boolean {
  const { code = '' } = error as { code?: string };
  return error instanceof ConnectionError || ['ECONNRESET', 'ECONNREFUSED', 'EPIPE'].includes(code);
}
