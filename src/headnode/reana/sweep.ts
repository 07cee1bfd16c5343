import { CommandError } from '../../errors.js';
import type { Headnode } from '../component.js';
import { type Kube, type Note, wordsOf, writeNote } from './kube.js';
import type { Condition, Pod } from './objects.js';
import { after, type Pace } from './pace.js';
import { STORAGE } from './reana-plan.js';

/**
 * The directories that REANA 0.9.4 leaves in its storage: the database, the broker's queues, users' workspaces, and two
 * empty ones, where Kubernetes mounts the server's configuration.
 */
export const MADE: readonly string[] = ['db', 'rabbitmq', 'users', 'config', 'uwsgi'];

/** The parts that store data. */
const KEEPERS = ['db', 'message-broker', 'server', 'workflow-controller'];

/** Records that data is stored on a node, once this is so. @returns the note */
export async function noteStored(kube: Kube, at: Headnode, note: Note): Promise<Note> {
  if (!note.onNode || note.stored !== undefined) return note;
  const pods = await kube.list<Pod>(['pods']);
  const keepers = pods.filter(pod => KEEPERS.some(part => pod.metadata.name.startsWith(`${kube.release}-${part}-`)));
  const stored = keepers.map(imageOf).find(image => image !== undefined);
  if (stored === undefined) return note;
  const known = { ...note, stored };
  await writeNote(at, known);
  return known;
}

/** The image of a container that runs, or has run. */
function imageOf({ spec, status }: Pod): string | undefined {
  const ran = status?.containerStatuses?.find(
    ({ state, lastState }) => state?.running ?? state?.terminated ?? lastState?.terminated,
  );
  return ran && spec?.containers?.find(container => container.name === ran.name)?.image;
}

interface Job {
  readonly status?: { readonly conditions?: readonly Condition[] };
}

/**
 * Removes REANA's data from a node. A job on that node does it, because there is no other access to the node. It uses an
 * image that is already there, because no others may be available (this may be why REANA did not come up).
 * @returns what is left
 */
export async function sweepNode(kube: Kube, note: Note, pace: Pace): Promise<readonly string[]> {
  const name = `${kube.release}-sweep`;
  if (note.stored === undefined) return [];
  const where = `${MADE.map(m => `${STORAGE}/${m}`).join(', ')} on the node ${note.node ?? `of ${kube.at.context}`}`;
  try {
    await kube.apply(sweeper(kube, name, note.stored, note.node));
    const failure = await ended(kube, name, pace);
    return failure === undefined ? [] : [`${where}: ${failure}`];
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return [`${where}: ${wordsOf(error)}`];
  }
}

function sweeper(kube: Kube, name: string, image: string, node: string | undefined): Record<string, unknown> {
  const command = ['rm', '-rf', ...MADE.map(made => `/storage/${made}`)];
  const volume = { name: 'storage', hostPath: { path: STORAGE } };
  const container = {
    name: 'sweep',
    image,
    command,
    volumeMounts: [{ name: 'storage', mountPath: '/storage' }],
  };
  const nodeSelector = node === undefined ? {} : { 'kubernetes.io/hostname': node };
  const spec = { restartPolicy: 'Never', nodeSelector, containers: [container], volumes: [volume] };
  const metadata = { name, namespace: kube.namespace };
  return { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { backoffLimit: 1, template: { spec } } };
}

/** @returns undefined if it did its work, otherwise the reason */
async function ended(kube: Kube, name: string, pace: Pace): Promise<string | undefined> {
  const until = Date.now() + 40 * pace.pollMs;
  for (;;) {
    const job = await kube.one<Job>('job.batch', name);
    if (job === undefined) return 'the job that removes it is gone';
    const said = job.status?.conditions?.filter(c => c.status === 'True') ?? [];
    if (said.some(c => c.type === 'Complete')) return undefined;
    const failure = said.find(c => c.type === 'Failed');
    if (failure) return failure.message ?? 'the job that removes it failed';
    if (Date.now() > until) return 'the job that removes it does not end';
    await after(pace.pollMs);
  }
}
