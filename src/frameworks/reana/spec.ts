import { isDeepStrictEqual } from 'node:util';
import { UsageError } from '../../errors.js';
import type { Config } from '../../sites/settings.js';
import type { ReanaFacts } from './facts.js';

/** The Kubernetes for upstream REANA: the cluster's own, made by minikube, or one from a kubeconfig on the headnode. */
export type KubernetesSpec =
  | {
      readonly kind: 'minikube';
      readonly driver: 'auto' | 'docker' | 'podman';
      readonly cores?: number;
      /** MiB. */
      readonly memory?: number;
    }
  | { readonly kind: 'context'; readonly name: string };

/** Which REANA the cluster shall have, and its settings. */
export interface ReanaSpec {
  /** `edge`: scailfin's own server; `upstream`: CERN's, by its Helm chart; `auto`: what the headnode can run. */
  readonly flavour: 'auto' | ReanaFacts['flavour'];
  readonly kubernetes: KubernetesSpec;
  /** The job controller's image in a registry. */
  readonly image?: string;
  readonly chart?: { readonly from: string; readonly sha256?: string | undefined };
  /** Helm values that take precedence over scailfin's. */
  readonly values?: Readonly<Record<string, unknown>>;
  /** Servers from which the edge may launch workflows although they are not public. */
  readonly launchHosts?: readonly string[];
  /** The edge's interactive sessions: seconds after which one that nobody uses is closed, and the image of those that name none. */
  readonly sessions?: { readonly idle?: number; readonly image?: string };
  /** The administrator's e-mail address. */
  readonly email?: string;
  readonly tools?: Config['tools'];
}

/** REANA's options on the command line. */
export type ReanaRequest = {
  readonly reana?: ReanaFacts['flavour'] | undefined;
  /** `minikube` or `context:NAME`. */
  readonly kubernetes?: string | undefined;
  readonly reanaImage?: string | undefined;
};

/** @throws UsageError for options that contradict each other */
export function planReana(request: ReanaRequest, { reana: own = {}, tools }: Config): ReanaSpec {
  const asked = request.reana ?? (request.kubernetes === undefined ? undefined : 'upstream');
  if (asked === 'edge' && request.kubernetes !== undefined) {
    throw new UsageError('--reana edge needs no Kubernetes', {
      hint: 'leave out --kubernetes, or give --reana upstream',
    });
  }
  const { chart, values, email, launchHosts, sessionIdle, sessionImage } = own;
  const sessions = {
    ...(sessionIdle === undefined ? {} : { idle: sessionIdle }),
    ...(sessionImage === undefined ? {} : { image: sessionImage }),
  };
  const image = request.reanaImage ?? own.image;
  return {
    flavour: asked ?? own.flavour ?? (own.kubernetes === undefined ? 'auto' : 'upstream'),
    kubernetes: kubernetesOf(request.kubernetes ?? own.kubernetes ?? 'minikube', own),
    ...(image === undefined ? {} : { image }),
    ...(chart === undefined ? {} : { chart }),
    ...(values === undefined ? {} : { values }),
    ...(email === undefined ? {} : { email }),
    ...(launchHosts === undefined ? {} : { launchHosts }),
    ...(Object.keys(sessions).length === 0 ? {} : { sessions }),
    ...(tools === undefined ? {} : { tools }),
  };
}

function kubernetesOf(text: string, own: NonNullable<Config['reana']>): KubernetesSpec {
  const [, name] = /^context:(\S+)$/.exec(text) ?? [];
  if (name !== undefined) return { kind: 'context', name };
  if (text !== 'minikube') {
    throw new UsageError(`${JSON.stringify(text)} is no Kubernetes to bring REANA to`, {
      hint: 'give --kubernetes minikube, or --kubernetes context:NAME with a name that `kubectl config get-contexts` shows on the headnode',
    });
  }
  return {
    ...{ kind: 'minikube', driver: own.engine ?? 'auto' },
    ...(own.cores === undefined ? {} : { cores: own.cores }),
    ...(own.memory === undefined ? {} : { memory: own.memory }),
  };
}

/** The name as a user types it. */
export const kubernetesName = (spec: KubernetesSpec): string =>
  spec.kind === 'minikube' ? 'minikube' : `context:${spec.name}`;

/** The differences between a cluster's REANA and the request, in words. */
export function reanaDiffers(
  { spec, facts }: { readonly spec: ReanaSpec; readonly facts: ReanaFacts | undefined },
  asked: ReanaSpec,
): string[] {
  const flavour = facts?.flavour ?? spec.flavour;
  if (asked.flavour !== 'auto' && flavour !== 'auto' && asked.flavour !== flavour) return [`its REANA is ${flavour}`];
  if (flavour !== 'upstream' || isDeepStrictEqual(spec.kubernetes, asked.kubernetes)) return [];
  return [`its REANA is on ${kubernetesName(spec.kubernetes)}`];
}

/** The plan on one line. */
export function describeReana({ flavour, kubernetes }: ReanaSpec): string {
  if (flavour === 'edge') return "scailfin's own (edge), beside the pool; for CERN's on Kubernetes: --reana upstream";
  const where =
    kubernetes.kind === 'minikube' ? 'its own Kubernetes (minikube)' : `Kubernetes' context ${kubernetes.name}`;
  if (flavour === 'upstream') return `CERN's (upstream) on ${where}`;
  return `CERN's (upstream) if the headnode has Docker or Podman and enough resources, otherwise scailfin's own (edge); to choose: --reana edge or --reana upstream`;
}
