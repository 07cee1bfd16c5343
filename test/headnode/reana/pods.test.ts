import { describe, expect, it } from 'vitest';
import type { ContainerStatus, Listed, Pod, Workload } from '../../../src/headnode/reana/objects.js';
import { partsOf, piecesOf } from '../../../src/headnode/reana/parts.js';
import { refusalOf, troubleOf } from '../../../src/headnode/reana/troubles.js';
import { progress } from '../../../src/headnode/reana/watch.js';

// shapes: Kubernetes API v1.31, core/v1 PodStatus and apps/v1 DeploymentStatus; words: kubelet's with containerd

const status = (change: Partial<ContainerStatus>): ContainerStatus => ({
  ...{ name: 'rest-api', image: 'docker.io/reanahub/reana-server:0.9.4', ready: false, restartCount: 0 },
  ...change,
});

function pod(part: string, ...containers: readonly ContainerStatus[]): Pod {
  const metadata = { name: `reana-1-${part}-5d9c7b8f6d-x2x2x`, namespace: 'scailfin-a' };
  return { kind: 'Pod', metadata, status: { phase: 'Pending', containerStatuses: containers } };
}

const waiting = (reason: string, message?: string): ContainerStatus =>
  status({ state: { waiting: { reason, ...(message === undefined ? {} : { message }) } } });

function crashed(restartCount: number, last: { exitCode: number; reason?: string }): ContainerStatus {
  const waiting = { reason: 'CrashLoopBackOff', message: 'back-off 40s restarting failed container=rest-api' };
  return status({ restartCount, state: { waiting }, lastState: { terminated: last } });
}

describe('a pod', () => {
  it.each([
    ['is being pulled', waiting('ContainerCreating')],
    ['crashed once', crashed(1, { exitCode: 1 })],
    ['is ready', status({ ready: true, state: { running: {} } })],
    ['is not ready yet', status({ state: { running: {} } })],
  ])('that %s is in no trouble', (_what, container) => {
    expect(troubleOf(pod('server', container))).toBeUndefined();
  });

  it.each([
    [
      'whose image is not there',
      waiting('ImagePullBackOff', 'Back-off pulling image "x": ErrImagePull: rpc error: code = NotFound: not found'),
      /reana-server:0\.9\.4: Back-off pulling .*not found/,
      /the name is right/,
    ],
    [
      'whose registry is out of reach',
      waiting('ErrImagePull', 'failed to do request: Head "https://registry-1.docker.io": dial tcp: i/o timeout'),
      /i\/o timeout/,
      /proxy/,
    ],
    [
      'whose registry has had enough',
      waiting('ErrImagePull', 'toomanyrequests: You have reached your pull rate limit'),
      /toomanyrequests/,
      /mirror/,
    ],
    [
      'whose image has no name',
      waiting('InvalidImageName', "couldn't parse image name"),
      /couldn't parse/,
      /name is right/,
    ],
    [
      'whose directory is not there',
      waiting('CreateContainerConfigError', 'stat /var/reana: no such file or directory'),
      /stat \/var\/reana/,
      /sudo mkdir -p \/var\/reana/,
    ],
    [
      'that crashes',
      crashed(3, { exitCode: 1, reason: 'Error' }),
      /ended with status 1, 3 times/,
      /the end of its log/,
    ],
    [
      'that wants more memory than it gets',
      crashed(4, { exitCode: 137, reason: 'OOMKilled' }),
      /was killed because it ran out of memory, 4 times/,
      /more memory/,
    ],
  ])('%s says so, and what to do', (_what, container, words, hint) => {
    const trouble = troubleOf(pod('server', container));
    expect(trouble).toMatchObject({ container: 'rest-api', words: expect.stringMatching(words) });
    expect(trouble?.hint).toMatch(hint);
  });

  it('that fits nowhere says why', () => {
    const message = '0/1 nodes are available: 1 Insufficient memory. preemption: not eligible';
    const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message };
    const unplaced: Pod = { ...pod('db'), status: { phase: 'Pending', conditions: [condition] } };
    expect(troubleOf(unplaced)).toMatchObject({ reason: 'Unschedulable', words: message });
    expect(troubleOf(unplaced)?.hint).toContain('enough memory');
  });

  it('that was evicted says why', () => {
    const message = 'The node was low on resource: memory.';
    const evicted: Pod = { ...pod('db'), status: { phase: 'Failed', reason: 'Evicted', message } };
    expect(troubleOf(evicted)).toMatchObject({
      reason: 'Evicted',
      words: message,
      hint: expect.stringContaining('free'),
    });
  });

  it('that is being taken away is in no trouble', () => {
    const gone = pod('db', waiting('ImagePullBackOff'));
    const metadata = { ...gone.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
    expect(troubleOf({ ...gone, metadata })).toBeUndefined();
  });
});

function workload(part: string, readyReplicas = 0, kind = 'Deployment'): Workload {
  const metadata = { name: `reana-1-${part}`, generation: 2 };
  return {
    kind,
    metadata,
    spec: { replicas: 1 },
    status: { observedGeneration: 2, updatedReplicas: 1, readyReplicas },
  };
}

describe("REANA's parts", () => {
  const names = ['traefik', 'ui', 'cache', 'workflow-controller', 'db', 'server'];
  const all: readonly Listed[] = [...names.map(n => workload(n, 1)), workload('message-broker', 1, 'StatefulSet')];

  it('come in the order that reana-cluster gave them', () => {
    const parts = partsOf(all, 'reana-1');
    const order = ['job-controller', 'server', 'db', 'workflow-controller', 'message-broker', 'cache', 'ui', 'traefik'];
    expect(parts.map(p => p.name)).toEqual(order);
    expect(new Set(parts.map(p => p.state))).toEqual(new Set(['alive']));
  });

  it('are told apart from those of others', () => {
    const foreign: Workload = { kind: 'Deployment', metadata: { name: 'reana-2-db' } };
    expect(partsOf([...all, foreign], 'reana-1')).toHaveLength(8);
    const [db] = piecesOf([workload('db'), pod('db'), pod('db-admin')], 'reana-1');
    expect(db?.pods.map(p => p.metadata.name)).toEqual(['reana-1-db-5d9c7b8f6d-x2x2x']);
  });

  it("are dead in the pod's own words, or starting", () => {
    const listed = [workload('db'), pod('db', waiting('ErrImagePull', 'not found')), workload('ui'), pod('ui')];
    expect(partsOf(listed, 'reana-1')).toEqual([
      { name: 'db', state: 'dead', reason: 'ErrImagePull: docker.io/reanahub/reana-server:0.9.4: not found' },
      { name: 'ui', state: 'starting', reason: 'Pending' },
    ]);
  });

  it('are not up as long as Kubernetes has not looked at what was changed', () => {
    const changed = { ...workload('db', 1), metadata: { name: 'reana-1-db', generation: 3 } };
    expect(partsOf([changed], 'reana-1')[0]?.state).toBe('starting');
  });

  it('have no job controller alive without its maker, or with one in trouble', () => {
    const stopped = partsOf([workload('workflow-controller')], 'reana-1');
    expect(stopped[0]).toMatchObject({ name: 'job-controller', state: 'starting' });
    const run: Pod = {
      ...pod('run-batch', { ...waiting('ErrImagePull', 'denied'), name: 'job-controller', image: 'ours' }),
      metadata: { name: 'reana-1-run-batch-1', labels: { reana_workflow_mode: 'batch' } },
    };
    const troubled = partsOf([workload('workflow-controller', 1), run], 'reana-1');
    expect(troubled[0]).toEqual({ name: 'job-controller', state: 'dead', reason: 'ErrImagePull: ours: denied' });
  });

  it('are counted while they come up', () => {
    const listed = [workload('db', 1), workload('ui'), pod('ui', waiting('ContainerCreating')), workload('cache')];
    expect(progress(piecesOf(listed, 'reana-1'))).toBe(
      '1 of 3 parts are up; waiting for cache (no pod yet), ui (ContainerCreating)',
    );
  });

  it('that may have no pods say so', () => {
    const message = 'pods "reana-1-db-x" is forbidden: violates PodSecurity "restricted:latest": hostPath volumes';
    const conditions = [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message }];
    const refused: Workload = { ...workload('db'), status: { conditions } };
    expect(refusalOf(refused)).toMatchObject({ words: message, hint: expect.stringContaining('another storage') });
    expect(partsOf([refused], 'reana-1')[0]).toMatchObject({ state: 'dead' });
  });
});
