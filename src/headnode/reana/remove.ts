import { CommandError, LeftoverError, ScailfinError, TimeoutError } from '../../errors.js';
import type { Headnode } from '../component.js';
import { endDetached } from '../detached.js';
import { isOurs, type Namespace } from './check.js';
import { endForward } from './forward.js';
import { uninstall } from './helm.js';
import { Kube, type Note, readNote, wordsOf } from './kube.js';
import { after, type Pace } from './pace.js';
import { reanaDir } from './reana-plan.js';
import { noteStored, sweepNode } from './sweep.js';

/** The pod of a run has two minutes to end its steps in the pool (reana-workflow-controller 0.9.4). */
const RUNS_MS = 180_000;

/** Ends REANA and its runs; its stored data stays. If nothing of it is there, that is a success. @throws ScailfinError */
export async function stopReana(at: Headnode): Promise<void> {
  await endDetached(at.host, `${reanaDir(at)}/image-build`);
  await endForward(at);
  const note = await readNote(at);
  if (note === undefined) return;
  const kube = new Kube(at.host, note.kubernetes, at);
  try {
    if (!(await ours(kube, at))) return;
    await noteStored(kube, at, note);
    await stopIn(kube);
  } catch (error) {
    // if the cluster's own Kubernetes does not answer, whoever started it ends it, with everything in it
    const mute = error instanceof CommandError || error instanceof TimeoutError;
    if (note.kubernetes.own !== undefined && mute) return;
    throw new ScailfinError(`REANA can't be stopped on ${at.host.name}: ${wordsOf(error)}`, {
      hint: `check that its Kubernetes answers (\`kubectl --context ${note.kubernetes.context} get nodes\`), then try again`,
      cause: error,
    });
  }
}

async function stopIn(kube: Kube): Promise<void> {
  // end the runs first, while their controller can still be told
  await deleteAll(kube, 'jobs.batch');
  await uninstall(kube);
  // then what REANA itself started: notebooks, and what is left of runs
  for (const kind of ['deployments.apps', 'services', 'ingresses.networking.k8s.io', 'pods'])
    await deleteAll(kube, kind);
}

async function deleteAll(kube: Kube, kinds: string): Promise<void> {
  const argv = ['delete', kinds, '--all', '--wait', `--timeout=${RUNS_MS / 1000}s`];
  await kube.kubectl(argv, { timeoutMs: RUNS_MS + 30_000 });
}

async function ours(kube: Kube, at: Headnode): Promise<boolean> {
  const namespace = await kube.one<Namespace>('namespace', kube.namespace);
  return namespace !== undefined && isOurs(namespace, at.cluster);
}

/** Removes everything, and checks that it is gone. @throws LeftoverError naming what is left, and where */
export async function removeReana(at: Headnode, pace: Pace): Promise<void> {
  await stopReana(at);
  const note = await readNote(at);
  if (note !== undefined && note.kubernetes.own === undefined) await removeFrom(at, note, pace);
  await at.host.run(['rm', '-rf', reanaDir(at)]);
}

async function removeFrom(at: Headnode, note: Note, pace: Pace): Promise<void> {
  const kube = new Kube(at.host, note.kubernetes, at);
  const left: string[] = [];
  try {
    if (await ours(kube, at)) {
      left.push(...(await sweepNode(kube, note, pace)));
      // the note is kept until everything is gone, so that the next call tries again
      if (left.length === 0) left.push(...(await removeNamespace(kube, pace)));
      else left.push(`the namespace ${kube.namespace}, where that can be tried again`);
    }
    left.push(...(await outsideNamespaces(kube)));
  } catch (error) {
    left.push(`the namespace ${kube.namespace}, which can't be asked for: ${wordsOf(error)}`);
  }
  if (left.length === 0) return;
  throw new LeftoverError(`REANA is not gone from ${note.kubernetes.context}:`, left, {
    hint: `run \`scailfin down\` again; or remove by hand what is named above, and run \`kubectl delete namespace ${kube.namespace}\``,
  });
}

/** Removes the namespace with everything in it: volume claims, secrets, and objects marked to be kept. */
async function removeNamespace(kube: Kube, pace: Pace): Promise<readonly string[]> {
  await kube.kubectl(['delete', 'namespace', kube.namespace, '--ignore-not-found', '--wait=false']);
  const until = Date.now() + 60 * pace.pollMs;
  for (;;) {
    const there = await kube.one<Namespace & Conditions>('namespace', kube.namespace);
    if (there === undefined) return [];
    if (Date.now() > until) return [`the namespace ${kube.namespace}: ${whyStuck(there)}`];
    await after(pace.pollMs);
  }
}

interface Conditions {
  readonly status?: { readonly conditions?: readonly { readonly status: string; readonly message?: string }[] };
}

/** The namespace controller's own reason (core/v1 NamespaceCondition). */
function whyStuck({ status }: Conditions): string {
  const said = status?.conditions?.filter(c => c.status === 'True' && c.message).map(c => c.message) ?? [];
  return said.join(' ') || 'Kubernetes is still removing it';
}

/** The chart's objects outside namespaces, in case helm has left some. */
async function outsideNamespaces(kube: Kube): Promise<readonly string[]> {
  const kinds = 'clusterroles,clusterrolebindings,storageclasses';
  const out = await kube.kubectl(['get', kinds, '--output', 'name'], { check: false });
  const names = out.stdout.split('\n').filter(name => name.includes(`/${kube.release}-`));
  return names.map(name => `${name} (\`kubectl delete ${name}\`)`);
}
