import { messageOf, ScailfinError } from '../../errors.js';
import { runScript } from '../../hosts/script.js';
import { templateText } from '../../templates.js';
import type { Component, Headnode } from '../component.js';
import type { Kubernetes } from '../kubernetes.js';
import { pins } from '../pins.js';
import { type OwnSources, provideTools } from '../tools.js';
import { type ContextPlan, look, missingIn } from './look.js';

/** Its kubectl, of whatever version, is what the user talks to that Kubernetes with every day. */
const pinned = { ...pins, kubectl: { ...pins.kubectl, fits: () => true } };

const homeOf = (at: Headnode): string => `${at.dir}/context`;

/**
 * A Kubernetes of others, by a context of the user's kubeconfig on the headnode. Nothing in it is ours but what is installed
 * there, which whoever installed it takes away again: here only the way to it is found.
 */
export const contextComponent: Component<ContextPlan & { readonly tools?: OwnSources | undefined }, Kubernetes> = {
  name: 'context',

  async check(at, plan) {
    const found = await look(at, plan);
    // without a kubectl yet, it is asked once there is one
    return found.kubectl ? missingIn(found, plan, at.host.name) : [];
  },

  async install(at, plan) {
    await provideTools(at, ['kubectl', 'helm'], plan.tools, pinned);
  },

  async configure() {
    // what there is to say of it, is in the user's kubeconfig
  },

  async start(at, plan) {
    const tools = await provideTools(at, ['kubectl', 'helm'], plan.tools, pinned);
    const found = await look(at, plan, tools.kubectl);
    const [missing] = missingIn(found, plan, at.host.name);
    if (missing) throw new ScailfinError(missing.what, { hint: missing.hint });
    const { kubeconfig, port } = found;
    if (!kubeconfig || !port)
      throw new ScailfinError(`the context ${plan.context} can't be read: ${found.said}`, {
        hint: `try it on ${at.host.name}: kubectl --context ${plan.context} version`,
      });
    const note = (name: string, content: string) => ({
      path: `${homeOf(at)}/${name}`,
      content: `${content}\n`,
      mode: 0o600,
    });
    // the port stays the same as long as the cluster lives; health is asked without a plan
    await at.host.put([
      note('port', String(port)),
      note('asked', [tools.kubectl, kubeconfig, plan.context].join('\n')),
    ]);
    return { ...tools, kubeconfig, context: plan.context, port };
  },

  async healthy(at) {
    try {
      const out = await runScript(at.host, templateText('headnode/context/ready.sh'), [homeOf(at)], { check: false });
      if (out.exitCode === 0) return [{ name: 'apiserver', state: 'alive' }];
      const reason = out.stderr.trim().split('\n').at(-1) || `kubectl exited with status ${out.exitCode}`;
      return [{ name: 'apiserver', state: 'unknown', reason }];
    } catch (error) {
      return [{ name: 'apiserver', state: 'unknown', reason: messageOf(error) }];
    }
  },

  async stop() {
    // it is others' and runs on
  },

  async remove(at) {
    await at.host.run(['rm', '-rf', homeOf(at)]);
  },
};
