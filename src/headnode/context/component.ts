import { messageOf, ScailfinError } from '../../errors.js';
import { runScript } from '../../hosts/script.js';
import { templateText } from '../../templates.js';
import type { Component, Headnode } from '../component.js';
import type { Kubernetes } from '../kubernetes.js';
import { pins } from '../pins.js';
import { type OwnSources, provideTools } from '../tools.js';
import { type ContextPlan, look, missingIn } from './look.js';

/** The user's own kubectl is accepted in every version, because the user works with that Kubernetes every day. */
const pinned = { ...pins, kubectl: { ...pins.kubectl, fits: () => true } };

const homeOf = (at: Headnode): string => `${at.dir}/context`;

/**
 * A Kubernetes that belongs to others, reached by a context of the user's kubeconfig on the headnode. Only what is
 * installed in it is ours, and whoever installed that removes it: this component only finds the way to it.
 */
export const contextComponent: Component<ContextPlan & { readonly tools?: OwnSources | undefined }, Kubernetes> = {
  name: 'context',

  async check(at, plan) {
    const found = await look(at, plan);
    // without a kubectl the Kubernetes can't be asked yet; this is done once there is one
    return found.kubectl ? missingIn(found, plan, at.host.name) : [];
  },

  async install(at, plan) {
    await provideTools(at, ['kubectl', 'helm'], plan.tools, pinned);
  },

  async configure() {
    // everything about it is in the user's kubeconfig
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
    // the port stays the same as long as the cluster lives; `healthy` has no plan
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
    // it belongs to others and keeps running
  },

  async remove(at) {
    await at.host.run(['rm', '-rf', homeOf(at)]);
  },
};
