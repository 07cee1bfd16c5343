import { abridged } from '../../text.js';
import type { ContainerStatus, Pod, Workload } from './objects.js';

/** Why a pod does not come up, in Kubernetes' own words. */
export interface Trouble {
  readonly pod: string;
  /** The container, if the problem concerns only one. */
  readonly container: string | undefined;
  /** Kubernetes may use several names in turn for one problem; they have one kind. */
  readonly kind: 'image' | 'start' | 'crash' | 'place' | 'ended' | 'refused';
  /** Kubernetes' name of it: `ImagePullBackOff`, `Unschedulable`, … */
  readonly reason: string;
  readonly words: string;
  /** How long it must last before it counts as final, because a retry by Kubernetes may succeed. Milliseconds. */
  readonly patienceMs: number;
  readonly hint: string;
}

/** A container that has ended this often, with longer and longer pauses between its starts, will hardly recover. */
const TOO_OFTEN = 3;

/** The first problem of a pod that should keep running; undefined for a pod that is up, or coming up. */
export function troubleOf(pod: Pod): Trouble | undefined {
  const { status = {} } = pod;
  if (pod.metadata.deletionTimestamp !== undefined) return undefined;
  if (status.phase === 'Failed') return failedPod(pod);
  const unplaced = status.conditions?.find(c => c.type === 'PodScheduled' && c.status === 'False');
  if (unplaced?.reason === 'Unschedulable') return unschedulable(pod, unplaced.message ?? 'no node fits');
  for (const container of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) {
    const trouble = ofContainer(pod, container);
    if (trouble !== undefined) return trouble;
  }
  return undefined;
}

function failedPod(pod: Pod): Trouble {
  const { reason = 'Failed', message = 'it ended' } = pod.status ?? {};
  const hint =
    reason === 'Evicted'
      ? 'free memory or disk space on the node, or give it more, then run `scailfin up` again'
      : `see \`kubectl --namespace ${pod.metadata.namespace ?? ''} describe pod ${pod.metadata.name}\``;
  // a new pod replaces it, which may succeed
  const here = { pod: pod.metadata.name, container: undefined, kind: 'ended' as const };
  return { ...here, reason, words: message, patienceMs: 60_000, hint };
}

function unschedulable(pod: Pod, words: string): Trouble {
  const scarce = /Insufficient (memory|cpu)/.exec(words)?.[1];
  const hint = scarce
    ? `no node has enough ${scarce} left: give Kubernetes more of it, then run \`scailfin up\` again`
    : 'the nodes refuse it (for the reason, see `kubectl describe nodes`): correct that, then run `scailfin up` again';
  // a node that has just started is not ready yet
  const here = { pod: pod.metadata.name, container: undefined, kind: 'place' as const };
  return { ...here, reason: 'Unschedulable', words, patienceMs: 60_000, hint };
}

function ofContainer(pod: Pod, container: ContainerStatus): Trouble | undefined {
  const { reason, message } = container.state?.waiting ?? {};
  const here = { pod: pod.metadata.name, container: container.name };
  if (reason === undefined) return undefined;
  if (reason === 'CrashLoopBackOff') return crashing(here, container);
  if (/^(ErrImage|ImagePull|ImageInspect|InvalidImage|RegistryUnavailable|SignatureValidation)/.test(reason)) {
    const words = `${container.image}: ${message ?? reason}`;
    return { ...here, kind: 'image', reason, words, patienceMs: patienceForImage(reason), hint: hintForImage(words) };
  }
  if (/^(Create|Run|PostStart|PreCreate|Start)\w*Error$/.test(reason)) {
    const words = message ?? reason;
    return { ...here, kind: 'start', reason, words, patienceMs: 20_000, hint: hintForStart(words) };
  }
  return undefined;
}

/**
 * Kubernetes tries again after 10, 20, 40 … seconds: a failed pull may be a short network problem, a wrong name is not.
 */
function patienceForImage(reason: string): number {
  return reason === 'ImagePullBackOff' || reason === 'ErrImagePull' ? 45_000 : 0;
}

function hintForImage(words: string): string {
  if (/toomanyrequests|rate limit/i.test(words))
    return 'the registry limits anonymous pulls: wait, or use a mirror of it';
  if (/unauthorized|denied|authentication required|not found|manifest unknown|InvalidImage|parse image/i.test(words)) {
    return 'check that the name is right and that anybody may pull the image, then run `scailfin up` again';
  }
  return 'check that the nodes can reach the registry (proxy, firewall), then run `scailfin up` again';
}

function hintForStart(message: string): string {
  const path = /stat ([^:]+): no such file/.exec(abridged(message))?.[1];
  if (path) return `make the directory ${path} on the node (\`sudo mkdir -p ${path}\`), then run \`scailfin up\` again`;
  return 'correct what the message names, then run `scailfin up` again';
}

function crashing(here: Pick<Trouble, 'pod' | 'container'>, container: ContainerStatus): Trouble | undefined {
  if (container.restartCount < TOO_OFTEN) return undefined;
  const last = container.lastState?.terminated;
  const killed = last?.reason === 'OOMKilled';
  const how = killed ? 'was killed because it ran out of memory' : `ended with status ${last?.exitCode ?? 'unknown'}`;
  const words = `${how}, ${container.restartCount} times${last?.message ? `: ${last.message.trim()}` : ''}`;
  const hint = killed
    ? 'give Kubernetes more memory, then run `scailfin up` again'
    : 'the end of its log says why: run `scailfin down`, correct that, then run `scailfin up` again';
  return { ...here, kind: 'crash', reason: 'CrashLoopBackOff', words, patienceMs: 100_000, hint };
}

/** Why no pods are made for a part, if Kubernetes refuses them (apps/v1 DeploymentCondition ReplicaFailure). */
export function refusalOf({ metadata, status }: Workload): Trouble | undefined {
  const refusal = status?.conditions?.find(c => c.type === 'ReplicaFailure' && c.status === 'True');
  if (refusal === undefined) return undefined;
  const { reason = 'FailedCreate', message = 'no pod of it may be made' } = refusal;
  const hint = /PodSecurity/.test(message)
    ? 'REANA keeps its data in a directory of the node, which is not allowed there: use another storage, or your own Kubernetes'
    : "ask the Kubernetes' administrator, or use your own Kubernetes: `--kubernetes minikube`";
  const here = { pod: metadata.name, container: undefined, kind: 'refused' as const };
  return { ...here, reason, words: message, patienceMs: 30_000, hint };
}
