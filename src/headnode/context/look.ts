import * as z from 'zod';
import { keyValues, runScript } from '../../hosts/script.js';
import { templateText } from '../../templates.js';
import type { Headnode, Missing } from '../component.js';

/** An existing Kubernetes that the user reaches from the headnode. */
export interface ContextPlan {
  /** The context's name in `kubectl config get-contexts` on the headnode. */
  readonly context: string;
  /** Absolute; undefined: the user's own, by $KUBECONFIG or ~/.kube/config. */
  readonly kubeconfig?: string | undefined;
  /** First port tried on the headnode's loopback address; the next 99 follow. */
  readonly firstPort: number;
}

export interface Found {
  /** The kubectl that was used; undefined if there is none. */
  readonly kubectl?: string | undefined;
  /** The files with the user's contexts: one, or several separated by colons. */
  readonly files: string;
  readonly contexts: readonly string[];
  /** One file that contains the context. */
  readonly kubeconfig?: string | undefined;
  /** The server's version, `v1.31.4`; undefined if it does not answer. */
  readonly server?: string | undefined;
  /** The reason in kubectl's words. */
  readonly said: string;
  readonly port?: number | undefined;
}

/** `kubectl version -o json`. */
const versions = z.object({ serverVersion: z.object({ gitVersion: z.string() }) });

/** The oldest version that REANA's chart accepts (its kubeVersion). */
const OLDEST = 'v1.21.0';

/** @param kubectl the program to use; undefined: one that is found */
export async function look(at: Headnode, plan: ContextPlan, kubectl?: string): Promise<Found> {
  const args = [at.dir, plan.context, plan.kubeconfig ?? '', String(plan.firstPort), kubectl ?? ''];
  const { stdout } = await runScript(at.host, templateText('headnode/context/look.sh'), args, { timeoutMs: 120_000 });
  const values = keyValues(stdout);
  const one = (key: string): string | undefined => values.get(key)?.[0] || undefined;
  return {
    ...{ kubectl: one('kubectl'), files: one('files') ?? '', contexts: values.get('context') ?? [] },
    ...{ kubeconfig: one('kubeconfig'), server: serverOf(one('version') ?? ''), said: one('said') ?? '' },
    port: one('port') ? Number(one('port')) : undefined,
  };
}

function serverOf(json: string): string | undefined {
  try {
    return versions.safeParse(JSON.parse(json)).data?.serverVersion.gitVersion;
  } catch {
    return undefined;
  }
}

/** Why that Kubernetes can't be used from the headnode. */
export function missingIn(found: Found, plan: ContextPlan, host: string): readonly Missing[] {
  if (!found.contexts.includes(plan.context)) return [noContext(found, plan, host)];
  const missing: Missing[] = [];
  if (found.server === undefined) {
    const what = `the Kubernetes of the context ${plan.context} does not answer: ${found.said || 'kubectl gives no reason'}`;
    missing.push({ what, hint: `try it on the headnode: kubectl --context '${plan.context}' version` });
  } else if (new Intl.Collator('en', { numeric: true }).compare(found.server, OLDEST) < 0) {
    const what = `the Kubernetes of the context ${plan.context} is ${found.server}; REANA needs ${OLDEST} or newer`;
    missing.push({ what, hint: 'use another Kubernetes, or your own: --kubernetes minikube' });
  }
  if (found.port === undefined) {
    const what = `all ports from ${plan.firstPort} to ${plan.firstPort + 99} are taken there`;
    missing.push({ what, hint: 'choose another headnode' });
  }
  return missing;
}

function noContext({ contexts, files }: Found, { context }: ContextPlan, host: string): Missing {
  const there =
    contexts.length > 0 ? `there ${contexts.length === 1 ? 'is' : 'are'} ${contexts.join(', ')}` : 'there is none';
  return {
    what: `${files} on ${host} has no context ${context}: ${there}`,
    hint: 'choose a context: --kubernetes context:NAME; or use your own Kubernetes: --kubernetes minikube',
  };
}
