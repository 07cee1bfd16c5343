import { CommandError } from '../../errors.js';
import type { Kube, Note } from './kube.js';
import { wordsOf } from './kube.js';
import type { Pod } from './objects.js';
import { after, type Pace } from './pace.js';
import { STORAGE } from './plan.js';

/** An image of the chart's that the nodes have already. */
const IMAGE = 'docker.io/library/redis:5.0.5';

/** What REANA 0.9.4 makes below its storage: the database, the broker's queues, and users' workspaces. */
const MADE = ['db', 'rabbitmq', 'users'];

/**
 * Takes REANA's data off a node, which is done by a pod: there is no other way onto it.
 * @returns what is left
 */
export async function sweepNode(kube: Kube, note: Note, pace: Pace): Promise<readonly string[]> {
  const name = `${kube.release}-sweep`;
  const where = `${MADE.map(m => `${STORAGE}/${m}`).join(', ')} on the node ${note.node ?? `of ${kube.at.context}`}`;
  try {
    await kube.apply(sweeper(kube, name, note));
    const end = await ended(kube, name, pace);
    return end === undefined ? [] : [`${where}: ${end}`];
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
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: kube.namespace }, spec };
}

/** @returns undefined when it did its work, else why not */
async function ended(kube: Kube, name: string, pace: Pace): Promise<string | undefined> {
  const until = Date.now() + 40 * pace.pollMs;
  for (;;) {
    const pod = await kube.one<Pod>('pod', name);
    const phase = pod?.status?.phase ?? 'gone';
    if (phase === 'Succeeded') return undefined;
    if (phase === 'Failed' || phase === 'gone') return pod?.status?.message ?? `the pod that removes it is ${phase}`;
    if (Date.now() > until) return `the pod that removes it is still ${phase}`;
    await after(pace.pollMs);
  }
}
