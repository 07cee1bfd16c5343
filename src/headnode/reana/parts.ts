import type { Part } from '../component.js';
import { isPod, isWorkload, type Listed, type Pod, type Workload } from './objects.js';
import { refusalOf, type Trouble, troubleOf } from './troubles.js';

/** The order of `reana-cluster status`; other parts follow. */
const ORDER = ['job-controller', 'server', 'db', 'workflow-controller', 'message-broker', 'cache', 'ui', 'traefik'];

/** A part that Kubernetes keeps running, with its pods. */
export interface Piece {
  readonly name: string;
  readonly workload: Workload;
  readonly pods: readonly Pod[];
}

/** Groups the output of `kubectl get deployments,statefulsets,pods`; the name of each part follows the release's name. */
export function piecesOf(listed: readonly Listed[], release: string): readonly Piece[] {
  const workloads = listed.filter(isWorkload).filter(w => w.metadata.name.startsWith(`${release}-`));
  const pods = listed.filter(isPod);
  const pieces = workloads.map(workload => ({
    name: workload.metadata.name.slice(release.length + 1),
    workload,
    pods: pods.filter(pod => new RegExp(`^${workload.metadata.name}-([a-z0-9]+-)?[a-z0-9]+$`).test(pod.metadata.name)),
  }));
  return pieces.sort((a, b) => rank(a.name) - rank(b.name));
}

const rank = (name: string): number => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);

/** Whether everything that is wanted of it runs, in its current version. */
export function isUp({ workload: { metadata, spec, status = {} } }: Piece): boolean {
  const wanted = spec?.replicas ?? 1;
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0)) return false;
  return (status.readyReplicas ?? 0) >= wanted && (status.updatedReplicas ?? wanted) >= wanted;
}

/** Why it does not come up, as far as this is known. */
export function troublesOf({ workload, pods }: Piece): readonly Trouble[] {
  return [refusalOf(workload), ...pods.map(troubleOf)].filter(trouble => trouble !== undefined);
}

/** What a part that is not up waits for, in a few words. */
export function waitsFor(piece: Piece): string {
  const pod = piece.pods.find(p => p.metadata.deletionTimestamp === undefined);
  if (pod === undefined) return 'no pod yet';
  const containers = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const behind = containers.find(c => !c.ready);
  if (behind?.state?.waiting?.reason) return behind.state.waiting.reason;
  if (behind?.state?.terminated) return `${behind.name} ended with status ${behind.state.terminated.exitCode}`;
  return behind ? `${behind.name} is not ready` : (pod.status?.phase ?? 'Pending');
}

/** REANA's parts as `status` shows them. */
export function partsOf(listed: readonly Listed[], release: string): readonly Part[] {
  const parts = piecesOf(listed, release).map(partOf);
  const controller = parts.find(p => p.name === 'workflow-controller');
  if (controller === undefined) return parts;
  return [jobController(listed.filter(isPod), controller), ...parts];
}

function partOf(piece: Piece): Part {
  const { name } = piece;
  if (isUp(piece)) return { name, state: 'alive' };
  const [trouble] = troublesOf(piece);
  if (trouble) return { name, state: 'dead', reason: `${trouble.reason}: ${trouble.words}` };
  return { name, state: 'starting', reason: waitsFor(piece) };
}

/** Each run has its own job controller, in the run's pod, started by the workflow controller. */
function jobController(pods: readonly Pod[], controller: Part): Part {
  const name = 'job-controller';
  for (const pod of pods.filter(p => p.metadata.labels?.reana_workflow_mode === 'batch')) {
    const trouble = troubleOf(pod);
    if (trouble?.container === name) return { name, state: 'dead', reason: `${trouble.reason}: ${trouble.words}` };
  }
  if (controller.state === 'alive') return { name, state: 'alive' };
  return { name, state: controller.state, reason: 'the workflow controller, which starts one for each run, is not up' };
}

/** The parts before anything was installed, or after it was removed. */
export function noParts(reason: string, state: Part['state']): readonly Part[] {
  return ORDER.slice(0, 5).map(name => ({ name, state, reason }));
}
