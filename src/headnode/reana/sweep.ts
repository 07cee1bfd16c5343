import { CommandError } from '../../errors.js';
import { type Kube, type Note, wordsOf } from './kube.js';
import type { Condition } from './objects.js';
import { after, type Pace } from './pace.js';
import { STORAGE } from './plan.js';

/** An image of the chart's that the nodes have already. */
const IMAGE = 'docker.io/library/redis:5.0.5';

/** What REANA 0.9.4 makes below its storage: the database, the broker's queues, and users' workspaces. */
const MADE = ['db', 'rabbitmq', 'users'];

interface Job {
  readonly status?: { readonly conditions?: readonly Condition[] };
}

/**
 * Takes REANA's data off a node, which is done by a job there: there is no other way onto it.
 * @returns what is left
 */
export async function sweepNode(kube: Kube, note: Note, pace: Pace): Promise<readonly string[]> {
  const name = `${kube.release}-sweep`;
  const where = `${MADE.map(m => `${STORAGE}/${m}`).join(', ')} on the node ${note.node ?? `of ${kube.at.context}`}`;
  try {
    await kube.apply(sweeper(kube, name, note));
    const failure = await ended(kube, name, pace);
    return failure === undefined ? [] : [`${where}: ${failure}`];
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return [`${where}: ${wordsOf(error)}`];
  }
}

function sweeper(kube: Kube, name: string, { node }: Note): Record<string, unknown> {
  const command = ['rm', '-rf', ...MADE.map(made => `/storage/${made}`)];
  const volume = { name: 'storage', hostPath: { path: STORAGE } };
  const container = {
    name: 'sweep',
    image: IMAGE,
    command,
    volumeMounts: [{ name: 'storage', mountPath: '/storage' }],
  };
  const nodeSelector = node === undefined ? {} : { 'kubernetes.io/hostname': node };
  const spec = { restartPolicy: 'Never', nodeSelector, containers: [container], volumes: [volume] };
  const metadata = { name, namespace: kube.namespace };
  return { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { backoffLimit: 1, template: { spec } } };
}

/** @returns undefined when it did its work, else why not */
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
