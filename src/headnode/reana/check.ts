import type { Headnode, Missing } from '../component.js';
import { Kube, wordsOf } from './kube.js';
import { type ReanaPlan, STORAGE } from './reana-plan.js';
import { onNodes } from './values.js';

/** A namespace with this label belongs to scailfin, and may be removed. */
export const OWNER = 'scailfin/cluster';

export interface Namespace {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> };
  readonly status?: { readonly phase?: string };
}

export const isOurs = (namespace: Namespace, cluster: string): boolean =>
  namespace.metadata.labels?.[OWNER] === cluster;

/** Lists what REANA needs and what is missing; changes nothing. */
export async function missingFor(at: Headnode, plan: ReanaPlan): Promise<readonly Missing[]> {
  const kube = new Kube(at.host, plan.kubernetes, at);
  const found = [image(plan)];
  try {
    found.push(await foreignNamespace(kube, at.cluster));
    // in a Kubernetes of our own we have all rights, and nobody else uses it
    if (plan.kubernetes.own === undefined) found.push(...(await amongOthers(kube, plan)));
  } catch (error) {
    const hint = `try it on the headnode: \`kubectl --context ${plan.kubernetes.context} get namespaces\``;
    found.push({ what: `its Kubernetes can't be asked: ${wordsOf(error)}`, hint });
  }
  return found.filter(m => m !== undefined);
}

function image({ image, kubernetes: { own, context } }: ReanaPlan): Missing | undefined {
  if (image !== undefined || own !== undefined) return undefined;
  return {
    what: `no image of REANA's job controller is named, and none can be built in ${context}, which does not belong to the cluster`,
    hint: 'build what `scailfin render` writes into reana/image, push it to a registry, and name it: `--reana-image`',
  };
}

async function foreignNamespace(kube: Kube, cluster: string): Promise<Missing | undefined> {
  const namespace = await kube.one<Namespace>('namespace', kube.namespace);
  if (namespace === undefined || isOurs(namespace, cluster)) return undefined;
  return {
    what: `the namespace ${kube.namespace} exists already, and this cluster did not make it`,
    hint: 'give the cluster another name: `scailfin up NAME --site SITE …`',
  };
}

async function amongOthers(kube: Kube, plan: ReanaPlan): Promise<(Missing | undefined)[]> {
  return [await rights(kube), onNodes(plan) ? await sharedStorage(kube) : undefined];
}

/** The chart makes some objects outside namespaces; a user who may make roles may also make the others. */
async function rights(kube: Kube): Promise<Missing | undefined> {
  for (const what of ['namespaces', 'clusterroles']) {
    const out = await kube.kubectl(['auth', 'can-i', 'create', what], { check: false });
    // the answer is the exit status and a word; anything else is not an answer (kubectl auth can-i --help)
    if (out.exitCode === 0 || !/^no/.test(out.stdout)) continue;
    return {
      what: `you may not create ${what} in ${kube.at.context}, which REANA's chart does`,
      hint: "ask the Kubernetes' administrator for that right, or use your own Kubernetes: `--kubernetes minikube`",
    };
  }
  return undefined;
}

/** Two REANAs that keep their databases in the same directory of a node destroy each other's data. */
async function sharedStorage(kube: Kube): Promise<Missing | undefined> {
  const path = '{range .items[*]}{.metadata.namespace}{" "}{.spec.template.spec.volumes[*].hostPath.path}{"\\n"}{end}';
  const argv = ['get', 'deployments', '--all-namespaces', '--output', `jsonpath=${path}`];
  const out = await kube.kubectl(argv, { check: false });
  // a user without the right to list all namespaces can't know
  const rows = out.exitCode === 0 ? out.stdout.split('\n').map(line => line.split(' ')) : [];
  const other = rows.find(([namespace, ...paths]) => namespace !== kube.namespace && paths.includes(STORAGE));
  if (other === undefined) return undefined;
  return {
    what: `the namespace ${other[0]} keeps data in ${STORAGE} of the nodes, where REANA would keep its own`,
    hint: 'give REANA another storage: `scailfin config set reana.values.shared_storage …`, or use your own Kubernetes',
  };
}
