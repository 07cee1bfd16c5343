import { LeftoverError, ScailfinError } from '../../errors.js';
import type { FileToPut } from '../../hosts/host.js';
import { runScript } from '../../hosts/script.js';
import { render, templateText } from '../../templates.js';
import type { Component, Headnode } from '../component.js';
import type { Kubernetes } from '../kubernetes.js';
import { provideTools } from '../tools.js';
import { health } from './health.js';
import { judge } from './judge.js';
import { look } from './look.js';
import {
  homeOf,
  type MinikubePlan,
  minikube,
  profileOf,
  type Settings,
  settingsFrom,
  settingsText,
} from './minikube-plan.js';
import { startNode } from './start.js';

const names = ['minikube', 'kubectl', 'helm'] as const;

/** A Kubernetes with one node that belongs to the cluster, in a container of the headnode's Docker or Podman. */
export const minikubeComponent: Component<MinikubePlan, Kubernetes> = {
  name: 'minikube',

  async check(at, plan) {
    return judge(await look(at, plan), plan).missing;
  },

  async install(at, plan) {
    await provideTools(at, names, plan.tools);
  },

  async configure(at, plan) {
    const found = await look(at, plan);
    // a node keeps its container engine and its port as long as it lives
    if (found.settings) return agrees(at, plan, found.settings.driver);
    const { engine, missing } = judge(found, plan);
    if (!engine || found.port === undefined)
      throw new ScailfinError(`${at.host.name}: ${missing[0]?.what}`, { hint: missing[0]?.hint });
    const tools = await provideTools(at, names, plan.tools);
    const settings: Settings = {
      ...{ driver: engine.name, rootless: engine.rootless, port: found.port, nodePort: plan.nodePort },
      ...{ minikube: tools.minikube, kubectl: `${homeOf(at)}/bin/kubectl`, helm: `${homeOf(at)}/bin/helm` },
    };
    const direct = (path: string, program: string): FileToPut => ({
      ...{ path, mode: 0o700, content: render('headnode/minikube/direct', { program }) },
    });
    // the settings are written last: they mean that everything is there
    await at.host.put([
      direct(settings.kubectl, tools.kubectl),
      direct(settings.helm, tools.helm),
      { path: `${homeOf(at)}/settings`, content: settingsText(settings), mode: 0o600 },
    ]);
  },

  async start(at, plan) {
    const settings = await startNode(at, plan, await settingsOf(at));
    return {
      ...{ kubectl: settings.kubectl, helm: settings.helm, port: settings.port },
      ...{ kubeconfig: `${homeOf(at)}/kubeconfig`, context: profileOf(at) },
      own: {
        build: [...minikube(at, settings), '-p', profileOf(at), 'image', 'build'],
        nodePort: settings.nodePort,
      },
    };
  },

  healthy: health,

  async stop(at) {
    const left = await removeNode(at, 'keep');
    if (left.length > 0)
      throw new ScailfinError(`Kubernetes survives on ${at.host.name}: ${left.join('; ')}`, {
        hint: `try again: scailfin down ${at.cluster}`,
      });
  },

  async remove(at) {
    const left = await removeNode(at, 'remove');
    if (left.length === 0) return;
    throw new LeftoverError(`something of Kubernetes remains on ${at.host.name}:`, left, {
      hint: 'try again: scailfin down',
    });
  },
};

function agrees(at: Headnode, plan: MinikubePlan, driver: string): void {
  if (plan.driver === 'auto' || plan.driver === driver) return;
  throw new ScailfinError(`the cluster's Kubernetes on ${at.host.name} runs in ${driver}, not in ${plan.driver}`, {
    hint: `keep it as it is, or take it down first: scailfin down ${at.cluster}`,
  });
}

async function settingsOf(at: Headnode) {
  const settings = settingsFrom((await at.host.run(['cat', `${homeOf(at)}/settings`])).stdout);
  if (settings) return settings;
  throw new ScailfinError(`${homeOf(at)}/settings on ${at.host.name} does not describe a node`, {
    hint: `to clean up: scailfin down ${at.cluster}`,
  });
}

/** A stopped node would be useless, so stopping means removing. @returns what remains, with the reasons */
async function removeNode(at: Headnode, files: 'keep' | 'remove'): Promise<readonly string[]> {
  const home = homeOf(at);
  const driver = settingsFrom((await at.host.run(['cat', `${home}/settings`], { check: false })).stdout)?.driver;
  const script = `${templateText('headnode/detached-end.sh')}\n${templateText('headnode/minikube/remove.sh')}`;
  const out = await runScript(at.host, script, [home, profileOf(at), driver ?? '', files], { timeoutMs: 600_000 });
  return out.stdout
    .split('\n')
    .filter(l => l.startsWith('left='))
    .map(l => l.slice('left='.length));
}
