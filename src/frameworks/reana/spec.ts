import { isDeepStrictEqual } from 'node:util';
import { UsageError } from '../../errors.js';
import type { Config } from '../../sites/schema.js';
import type { ReanaFacts } from './facts.js';

/** Where upstream REANA goes: a Kubernetes of the cluster's own, by minikube, or one that a kubeconfig of the headnode leads to. */
export type KubernetesSpec =
  | {
      readonly kind: 'minikube';
      readonly driver: 'auto' | 'docker' | 'podman';
      readonly cores?: number;
      /** MiB. */
      readonly memory?: number;
    }
  | { readonly kind: 'context'; readonly name: string };

/** Whose REANA the cluster is to have, and how. */
export interface ReanaSpec {
  /** `edge`: scailfin's own server; `upstream`: CERN's, by its Helm chart; `auto`: what the headnode can carry. */
  readonly flavour: 'auto' | ReanaFacts['flavour'];
  readonly kubernetes: KubernetesSpec;
  /** The job controller's image in a registry. */
  readonly image?: string;
  readonly chart?: { readonly from: string; readonly sha256?: string | undefined };
  /** Helm values over ours. */
  readonly values?: Readonly<Record<string, unknown>>;
  /** The administrator's. */
  readonly email?: string;
  readonly tools?: Config['tools'];
}

/** The options that REANA has on the command line. */
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
      hint: 'leave --kubernetes out, or give --reana upstream',
    });
  }
  const { chart, values, email } = own;
  const image = request.reanaImage ?? own.image;
  return {
    flavour: asked ?? own.flavour ?? (own.kubernetes === undefined ? 'auto' : 'upstream'),
    kubernetes: kubernetesOf(request.kubernetes ?? own.kubernetes ?? 'minikube', own),
    ...(image === undefined ? {} : { image }),
    ...(chart === undefined ? {} : { chart }),
    ...(values === undefined ? {} : { values }),
    ...(email === undefined ? {} : { email }),
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

/** How one would type it. */
export const kubernetesName = (spec: KubernetesSpec): string =>
  spec.kind === 'minikube' ? 'minikube' : `context:${spec.name}`;

/** In what a cluster's REANA is another than what is asked for now; in words. */
export function reanaDiffers(
  { spec, facts }: { readonly spec: ReanaSpec; readonly facts: ReanaFacts | undefined },
  asked: ReanaSpec,
): string[] {
  const flavour = facts?.flavour ?? spec.flavour;
  if (asked.flavour !== 'auto' && flavour !== 'auto' && asked.flavour !== flavour) return [`its REANA is ${flavour}`];
  if (flavour !== 'upstream' || isDeepStrictEqual(spec.kubernetes, asked.kubernetes)) return [];
  return [`its REANA is on ${kubernetesName(spec.kubernetes)}`];
}

/** The plan, in a line. */
export function describeReana({ flavour, kubernetes }: ReanaSpec): string {
  if (flavour === 'edge')
    return "scailfin's own (edge), beside the pool; --reana upstream brings CERN's, on Kubernetes";
  const where =
    kubernetes.kind === 'minikube' ? 'a Kubernetes of its own (minikube)' : `Kubernetes' context ${kubernetes.name}`;
  if (flavour === 'upstream') return `CERN's (upstream) on ${where}`;
  return `CERN's (upstream) where the headnode has Docker or Podman and room for it, else scailfin's own (edge); --reana edge or upstream decides`;
}
