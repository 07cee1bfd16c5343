import { bringUp, type Component, type Headnode, type Missing } from '../../../headnode/component.js';
import { contextComponent } from '../../../headnode/context/component.js';
import type { Kubernetes } from '../../../headnode/kubernetes.js';
import { minikubeComponent } from '../../../headnode/minikube/component.js';
import { type MinikubePlan, minikubeDefaults } from '../../../headnode/minikube/minikube-plan.js';
import { CHART } from '../../../headnode/reana/chart.js';
import { again } from '../../../headnode/reana/forward.js';
import { reana } from '../../../headnode/reana/reana.js';
import type { ReanaPlan } from '../../../headnode/reana/reana-plan.js';
import { type RunningPool, stepsToken } from '../../../htcondor/pool.js';
import { certificateAt } from '../../../reana/secured.js';
import type { ReanaFacts } from '../facts.js';
import type { ReanaSpec } from '../spec.js';

/** All images of REANA together have 5 GB. Milliseconds. */
const TIMEOUT_MS = 45 * 60_000;

export interface Upstream {
  readonly facts: ReanaFacts;
  /** The token of its administrator, who is the cluster's user. Secret. */
  readonly token: string;
  /** The administrator's password for its page. Secret. */
  readonly password: string;
}

/** Lists what is missing for upstream REANA on this headnode; changes nothing. */
export async function missingForUpstream(
  at: Headnode,
  spec: ReanaSpec,
  pool: RunningPool,
): Promise<readonly Missing[]> {
  if (pool.address.startsWith('127.')) {
    const hint = 'choose a headnode that sites can reach over the network: --headnode [user@]host; or use --reana edge';
    return [{ what: `Kubernetes' pods can't reach the pool, which is on ${pool.address}`, hint }];
  }
  const { component, plan } = kubernetesFor(spec);
  return component.check(at, plan);
}

/** Starts Kubernetes, if the cluster shall have its own, and REANA on it. @throws ScailfinError with their own errors */
export async function bringUpUpstream(at: Headnode, spec: ReanaSpec, pool: RunningPool): Promise<Upstream> {
  const { component, plan } = kubernetesFor(spec);
  const kubernetes = await bringUp(component, at, plan);
  const running = await bringUp(reana(), at, await reanaPlan(at, spec, pool, kubernetes));
  const certificate = await again(() => certificateAt(() => at.host.dial(running.port)));
  const { port, email, token, password } = running;
  return { facts: { flavour: 'upstream', scheme: 'https', port, email, certificate }, token, password };
}

/** The component that provides the Kubernetes. */
function kubernetesFor({ kubernetes, tools = {} }: ReanaSpec): {
  component: Component<unknown, Kubernetes>;
  plan: unknown;
} {
  const { firstPort } = minikubeDefaults;
  if (kubernetes.kind === 'context')
    return {
      component: contextComponent as Component<unknown, Kubernetes>,
      plan: { context: kubernetes.name, firstPort, tools },
    };
  const plan: MinikubePlan = {
    ...{ ...minikubeDefaults, driver: kubernetes.driver, tools },
    ...(kubernetes.cores === undefined ? {} : { cpus: kubernetes.cores }),
    ...(kubernetes.memory === undefined ? {} : { memoryMib: kubernetes.memory }),
  };
  return { component: minikubeComponent as Component<unknown, Kubernetes>, plan };
}

async function reanaPlan(
  at: Headnode,
  { image, chart, values, email }: ReanaSpec,
  pool: RunningPool,
  kubernetes: Kubernetes,
): Promise<ReanaPlan> {
  return {
    ...{ kubernetes, image, timeoutMs: TIMEOUT_MS },
    chart: chart === undefined ? CHART : { from: chart.from, sha256: chart.sha256 },
    pool: {
      collector: `${pool.address}:${pool.port}`,
      schedd: at.cluster,
      token: await stepsToken(at.host, at.dir, pool.bin, pool.plan.trustDomain),
    },
    email: email ?? `${at.cluster}@scailfin.invalid`,
    ...(values === undefined ? {} : { values }),
  };
}
