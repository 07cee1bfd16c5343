import { ScailfinError } from '../../errors.js';
import { runScript } from '../../hosts/script.js';
import { templateText } from '../../templates.js';
import type { Headnode } from '../component.js';
import { runDetached } from '../detached.js';
import { eventOf, failureOf, type MinikubeEvent, progressOf, StartFailed } from './events.js';
import { look } from './look.js';
import {
  homeOf,
  type MinikubePlan,
  minikube,
  profileOf,
  type Settings,
  settingsText,
  startArgv,
} from './minikube-plan.js';

/** Images of some GB may come over a slow connection; milliseconds. */
const PATIENCE_MS = 45 * 60_000;
/** How often another port is tried if the port was taken meanwhile. */
const TRIES = 3;

/** Starts the node, or finds it running. @returns the settings with which it runs @throws StartFailed, TimeoutError */
export async function startNode(at: Headnode, plan: MinikubePlan, chosen: Settings): Promise<Settings> {
  await runScript(at.host, templateText('headnode/minikube/images.sh'), [homeOf(at), chosen.driver], {
    timeoutMs: 70_000,
  });
  for (let settings = chosen, tries = 1; ; tries++) {
    try {
      await once(at, plan, settings);
      await prepare(at, settings);
      return settings;
    } catch (error) {
      if (!(error instanceof StartFailed) || !error.portTaken || tries === TRIES) throw error;
      settings = await onNextPort(at, settings);
    }
  }
}

async function once(at: Headnode, plan: MinikubePlan, settings: Settings): Promise<void> {
  const events: MinikubeEvent[] = [];
  const end = await runDetached(at.host, {
    state: `${homeOf(at)}/start`,
    argv: startArgv(at, plan, settings),
    title: 'minikube start',
    timeoutMs: PATIENCE_MS,
    onLine: line => {
      const event = eventOf(line);
      if (!event) return;
      events.push(event);
      const progress = progressOf(event);
      if (progress) at.onProgress(progress);
    },
  });
  if (end.exitCode !== 0) throw failureOf(at.host.name, events, end);
}

/** Makes a directory of the node that REANA's pods mount and nothing else makes (reanahub/reana#879). */
async function prepare(at: Headnode, settings: Settings): Promise<void> {
  const ssh = [...minikube(at, settings), 'ssh', '-p', profileOf(at), '--', 'sudo', 'mkdir', '-p', '/var/reana'];
  const script = 'chmod 600 "$1" && shift && exec "$@"';
  const out = await runScript(at.host, script, [`${homeOf(at)}/kubeconfig`, ...ssh], {
    check: false,
    timeoutMs: 120_000,
  });
  if (out.exitCode === 0) return;
  const said = out.stderr.trim().split('\n').at(-1);
  throw new ScailfinError(`the node of Kubernetes on ${at.host.name} can't be prepared: ${said}`, {
    hint: 'run the same command again; to clean up: scailfin down',
  });
}

/** The ports of a node are set when it is made: the node is removed, and the next one gets another port. */
async function onNextPort(at: Headnode, settings: Settings): Promise<Settings> {
  const remove = [...minikube(at, settings), 'delete', '-p', profileOf(at), '-o', 'json'];
  await at.host.run(remove, { check: false, timeoutMs: 300_000 });
  // a container engine may hold a port on which nothing answers
  const { port } = await look(at, { firstPort: settings.port + 1 });
  if (port === undefined)
    throw new ScailfinError(`no port is free on ${at.host.name} beyond ${settings.port}`, {
      hint: 'end the process that listens there (ss -ltn shows it), then run the same command again',
    });
  const next = { ...settings, port };
  await at.host.put([{ path: `${homeOf(at)}/settings`, content: settingsText(next), mode: 0o600 }]);
  at.onProgress(`port ${settings.port} was taken meanwhile; ${next.port} it is`);
  return next;
}
