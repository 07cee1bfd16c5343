import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bringUp } from '../../../src/headnode/component.js';
import { installChart } from '../../../src/headnode/reana/helm.js';
import { Kube } from '../../../src/headnode/reana/kube.js';
import { piecesOf } from '../../../src/headnode/reana/parts.js';
import { makeNamespace } from '../../../src/headnode/reana/place.js';
import { type ReanaPlan, releaseOf } from '../../../src/headnode/reana/reana-plan.js';
import { everything, progress, waitForParts } from '../../../src/headnode/reana/watch.js';
import { freePorts } from '../../kubernetes/daemons.js';
import type { Fate } from '../../kubernetes/fates.js';
import { planeUnavailable } from '../../kubernetes/plane.js';
import { until } from '../../lab/programs.js';
import { type Cluster, FAST, LAST_WORDS, World } from './world.js';

const why = await planeUnavailable();

/** Which part of which cluster meets which fate. */
const doomed: readonly (readonly [string, string, Fate])[] = [
  ['pulls', 'server', 'pull-fails'],
  ['crashes', 'server', 'crash-loops'],
  ['nowhere', 'db', 'config-fails'],
  ['evicted', 'cache', 'evicted'],
  ['slow', 'ui', 'never-ready'],
];

describe.skipIf(why)(`REANA that can't come up${why ? ` (skipped: ${why})` : ''}`, () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start(
      Object.fromEntries(doomed.map(([name, part, fate]) => [`${releaseOf(name)}-${part}`, fate])),
    );
  });

  afterAll(() => world.stop());
  afterEach(() => world.clear());

  /** How it fails: the error's words and its hint. */
  async function failure(cluster: Cluster, change: Partial<ReanaPlan> = {}): Promise<string> {
    try {
      await bringUp(cluster.component, cluster.at, { ...cluster.plan, ...change });
    } catch (error) {
      return `${(error as Error).message}\n${(error as { hint?: string }).hint}`;
    }
    throw new Error('it came up');
  }

  // first: afterwards others have had the nodes' storage
  it('says that no node takes it, and leaves nothing there', async () => {
    const [port = 0] = await freePorts(1);
    const { own: _own, ...others } = world.cluster('unplaced').plan.kubernetes;
    const cluster = world.cluster('unplaced', { kubernetes: { ...others, port } });
    await world.plane.kubectl(['cordon', 'plane']);
    try {
      expect(await failure(cluster)).toMatch(/Unschedulable: 0\/1 nodes are available: 1 node\(s\) were unschedul/);
      // nothing has run, so there is nothing on a node that a job would have to take away
      await cluster.component.remove(cluster.at);
      expect(await world.plane.kubectl(['get', 'namespaces', '-o', 'name'])).not.toContain(cluster.namespace);
    } finally {
      await world.plane.kubectl(['uncordon', 'plane']);
    }
  });

  it('says why, in the words of the pod that does not come up', { timeout: 120_000 }, async () => {
    const told = {
      pulls:
        /^REANA's server can't start on this machine: (ErrImagePull|ImagePullBackOff): .*reana-server:0\.9\.4: not found/,
      crashes: new RegExp(`^REANA's server can't start .*: ended with status 1, 3 times\n  ${LAST_WORDS}\n`),
      nowhere: /^REANA's db can't start .*: stat \/var\/reana: no such file[\s\S]*sudo mkdir -p \/var\/reana/,
      evicted:
        /^REANA's cache can't start .*Evicted: The node was low on resource: memory\.[\s\S]*free memory or disk space/,
    };
    const cases = Object.entries(told).map(async ([name, words]) => {
      const cluster = world.cluster(name);
      expect(await failure(cluster)).toMatch(words);
      const parts = await cluster.component.healthy(cluster.at);
      expect(parts.some(part => part.state === 'dead')).toBe(true);
    });
    await Promise.all(cases);
  });

  it('says what is late, and that one may go on waiting', async () => {
    const cluster = world.cluster('slow');
    const { component, at, plan } = cluster;
    const kube = new Kube(at.host, plan.kubernetes, at);
    await component.configure(at, plan);
    await makeNamespace(kube, at);
    await installChart(kube, plan.chart.from, cluster.file('values.yaml'), 0);
    const others = /^6 of 7 parts are up; waiting for ui \(ui is not ready\)$/;
    await until('all others', 60_000, async () =>
      others.test(progress(piecesOf(await everything(kube), cluster.release))),
    );
    await expect(waitForParts(kube, at, { only: undefined, until: 0, pace: FAST })).rejects.toThrow(
      'REANA did not come up on this machine in time:\n  ui: ui is not ready (Readiness probe failed: connection refused)',
    );
  });

  it('says that its port is taken', async () => {
    const spec = '{"spec":{"ports":[{"port":80,"nodePort":30400}],"type":"NodePort"}}';
    await world.plane.kubectl(['create', 'service', 'nodeport', 'theirs', '--tcp=80']);
    await world.plane.kubectl(['patch', 'service', 'theirs', '--patch', spec]);
    try {
      const own = { build: ['false'], nodePort: 30_400 };
      expect(await failure(world.cluster('port', {}, { own }))).toMatch(
        /another service already uses[\s\S]*30400.*[\s\S]*kubectl get services/,
      );
    } finally {
      await world.plane.kubectl(['delete', 'service', 'theirs']);
    }
  });

  it("says what is somebody else's", async () => {
    const name = `${releaseOf('foreign')}-deployment-manager`;
    await world.plane.kubectl(['create', 'clusterrole', name, '--verb=get', '--resource=pods']);
    await world.plane.kubectl(['create', 'namespace', 'scailfin-theirs']);
    try {
      expect(await failure(world.cluster('foreign'))).toContain(`a ClusterRole ${name} exists already`);
      expect(await failure(world.cluster('theirs'))).toMatch(
        /the namespace scailfin-theirs exists already, and this cluster did not make it/,
      );
    } finally {
      await world.plane.kubectl(['delete', 'clusterrole', name]);
      await world.plane.kubectl(['delete', 'namespace', 'scailfin-theirs']);
    }
  });

  it('goes on where a killed helm has left a half of it, and knows its own', { timeout: 120_000 }, async () => {
    const cluster = world.cluster('killed');
    const { component, at, plan, release, namespace } = cluster;
    const where = ['--kubeconfig', plan.kubernetes.kubeconfig, '--namespace', namespace];
    const argv = ['install', release, plan.chart.from, '--values', cluster.file('values.yaml'), '--wait', ...where];
    await component.configure(at, plan);
    await makeNamespace(new Kube(at.host, plan.kubernetes, at), at);
    // as long as no node takes them, helm waits for the pods
    await world.plane.kubectl(['cordon', 'plane']);
    const helm = spawn(plan.kubernetes.helm, argv, { stdio: 'ignore' });
    await until('its objects', 60_000, async () => (await cluster.kubectl('get', 'statefulsets', '-o', 'name')) !== '');
    helm.kill('SIGKILL');
    await once(helm, 'exit');
    await world.plane.kubectl(['uncordon', 'plane']);
    const state = await cluster.kubectl('get', 'secrets', '-l', 'owner=helm', '-o', 'jsonpath={..labels.status}');
    expect(state).toBe('pending-install');
    expect(await bringUp(component, at, plan)).toMatchObject({ token: world.kept('token') });

    // who answers on its port may be somebody else's
    world.keep('token', 'of-another-reana');
    expect(await failure(cluster)).toMatch(/another REANA answers on port \d+ of .*: it does not know this token/);
  });

  it("says what REANA's own commands say", async () => {
    expect(await failure(world.cluster('address', { email: 'nobody' }))).toMatch(
      /ERROR: Invalid email format\n.*reana\.email/,
    );
  });

  it('uses no chart but the one that is meant', async () => {
    const file = join(world.dir, 'chart.tgz');
    writeFileSync(file, 'not a chart');
    const sha256 = '0'.repeat(64);
    expect(await failure(world.cluster('digest', { chart: { from: file, sha256 } }))).toMatch(
      /its sha256 is \w{64}, not 0{64}/,
    );
    const gone = { from: '/nowhere/chart.tgz', sha256: undefined };
    expect(await failure(world.cluster('digest', { chart: gone }))).toMatch(/No such file/);
    const unsafe = { from: 'https://example.org/chart.tgz', sha256: undefined };
    expect(await failure(world.cluster('digest', { chart: unsafe }))).toMatch(/can't be trusted without a digest/);
  });

  it('builds its image where it can, and says what keeps it from that', async () => {
    const build = join(world.dir, 'minikube');
    // stands in for `minikube image build`: wants a tag and a folder with a Dockerfile
    const text = '[ "$1 $2 $3" = "image build -t" ] && [ -f "$5/Dockerfile" ] || exit 64\necho "$4" >"$0.built"\n';
    const own = { build: [build, 'image', 'build'], nodePort: 30_443 };
    const plan = (cluster: Cluster) => ({ image: undefined, kubernetes: { ...cluster.plan.kubernetes, own } });
    writeFileSync(
      build,
      `#!/bin/sh\n${text}echo "ERROR: failed to resolve source metadata for docker.io" >&2; exit 1\n`,
      { mode: 0o755 },
    );
    const cluster = world.cluster('image');
    expect(await failure(cluster, plan(cluster))).toMatch(
      /job controller can't be built on this machine: .*source metadata/,
    );

    writeFileSync(build, `#!/bin/sh\n${text}`);
    await bringUp(cluster.component, cluster.at, { ...cluster.plan, ...plan(cluster) });
    expect(existsSync(`${build}.built`)).toBe(true);
    const controller = await cluster.kubectl(
      'get',
      'deployment',
      `${cluster.release}-workflow-controller`,
      '-o',
      'yaml',
    );
    expect(controller).toMatch(/value: localhost\/scailfin-job-controller:[0-9a-f]{12}/);

    const { own: _own, ...others } = cluster.plan.kubernetes;
    expect(await failure(cluster, { image: undefined, kubernetes: others })).toMatch(
      /no image .* is named[\s\S]*--reana-image/,
    );
  });

  it('says that its Kubernetes does not answer, and what may be left there', async () => {
    const [port = 0] = await freePorts(1);
    const { own: _own, ...others } = world.cluster('gone').plan.kubernetes;
    const cluster = world.cluster('gone', { kubernetes: { ...others, port } });
    const { component, at } = cluster;
    await component.configure(at, cluster.plan);
    await world.plane.kubectl(['config', 'set-cluster', 'nobody', '--server', `https://127.0.0.1:${port}`]);
    await world.plane.kubectl(['config', 'set-context', 'nobody', '--cluster', 'nobody', '--user', 'plane']);
    const kubernetes = { ...others, context: 'nobody', port };
    expect(await failure(cluster, { kubernetes })).toMatch(/can't be asked: .*connection.* refused/);
    writeFileSync(cluster.file('kubernetes.json'), JSON.stringify({ kubernetes, onNode: true }));
    expect((await component.healthy(at))[0]).toMatchObject({
      state: 'unknown',
      reason: expect.stringContaining('refused'),
    });
    await expect(component.remove(at)).rejects.toThrow(/can't be stopped .*refused/);
    expect(existsSync(cluster.file('kubernetes.json'))).toBe(true);

    // one of its own goes with all that is in it
    const own = { build: ['false'], nodePort: 30_443 };
    writeFileSync(
      cluster.file('kubernetes.json'),
      JSON.stringify({ kubernetes: { ...kubernetes, own }, onNode: true }),
    );
    await component.remove(at);
    expect(existsSync(cluster.file(''))).toBe(false);
  });
});
