import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { program, until } from '../lab/programs.js';
import type { Fate } from './fates.js';
import { ControlPlane, planeUnavailable } from './plane.js';
import { planeProgram } from './program.js';

/** REANA's real chart, for who has it; the stand-in for all others. */
const chart = process.env.SCAILFIN_TEST_REANA_CHART ?? fileURLToPath(new URL('chart', import.meta.url));
const missing = await planeUnavailable();

interface Pod {
  readonly status: { readonly containerStatuses?: readonly { readonly ready: boolean }[] };
}

const title = `a control plane${missing ? ` (skipped: ${missing})` : ''}`;
describe.skipIf(missing !== undefined)(title, () => {
  let plane: ControlPlane;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'scailfin-pods-'));
    await writeFile(join(folder, 'said'), '2026-11-22T12:00:00.000000000Z stdout F starting\n');
    await writeFile(join(folder, 'said-before'), '2026-11-22T11:59:00.000000000Z stderr F no database\n');
    const env = { PATH: '/usr/bin:/bin', WHOSE: 'the pod' };
    plane = await ControlPlane.start({
      node: { cpu: '4', memory: '16Gi' },
      pods: {
        exec: { 'rest-api': { dir: folder, env } },
        logs: { 'rest-api': { file: join(folder, 'said'), previous: join(folder, 'said-before') } },
      },
    });
  });

  afterAll(async () => {
    await plane?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const helm = (...args: string[]) =>
    program([plane.tools.helm, '--kubeconfig', plane.kubeconfig, ...args], { timeoutMs: 120_000 });
  const install = (name: string, ...args: string[]) =>
    helm('upgrade', '--install', name, chart, '-n', name, '--create-namespace', ...args);

  describe('with REANA', () => {
    beforeAll(async () => {
      await install('reana', '--wait', '--timeout', '90s', '--set', 'traefik.ports.web.nodePort=30081');
    });
    afterAll(async () => {
      await helm('uninstall', 'reana', '-n', 'reana', '--wait');
    });

    it('has every component alive', async () => {
      const { items } = await plane.get<{ items: Pod[] }>('pods', '-n', 'reana');
      expect(items.length).toBeGreaterThanOrEqual(7);
      for (const pod of items) expect(pod.status.containerStatuses?.map(one => one.ready)).not.toContain(false);
    });

    it('runs commands in a container', async () => {
      const exec = ['exec', '-i', '-n', 'reana', 'deployment/reana-server', '-c', 'rest-api', '--'];
      expect(await plane.kubectl([...exec, 'sh', '-c', 'cat; pwd; echo "$WHOSE"'], 'said\n')).toBe(
        `said\n${folder}\nthe pod`,
      );
      await expect(plane.kubectl([...exec, 'sh', '-c', 'echo why >&2; exit 3'])).rejects.toThrow(
        /why\ncommand terminated with exit code 3/,
      );
    });

    it('shows what a container says, and said before', async () => {
      const logs = ['logs', '-n', 'reana', 'deployment/reana-server', '-c', 'rest-api'];
      expect(await plane.kubectl(logs)).toBe('starting');
      expect(await plane.kubectl([...logs, '--previous'])).toBe('no database');
    });

    it('gives a node port once', async () => {
      const again = install('second', '--set', 'traefik.ports.web.nodePort=30081');
      await expect(again).rejects.toThrow(/provided port is already allocated|exists and cannot be imported/);
    });
  });

  const deployment = (name: string, memory = '64Mi') =>
    JSON.stringify({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name },
      spec: {
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: { containers: [{ name: 'main', image: 'example.org/x:1', resources: { requests: { memory } } }] },
        },
      },
    });
  const pods = async (app: string) => (await plane.get<{ items: Pod[] }>('pods', '-l', `app=${app}`)).items;

  it.each<[Fate, string[]]>([
    ['pull-fails', ['ImagePullBackOff', 'failed to resolve reference', 'example.org/x:1: not found']],
    ['crash-loops', ['CrashLoopBackOff', 'back-off 40s restarting failed container=main']],
    ['config-fails', ['CreateContainerConfigError', 'stat /var/reana: no such file or directory']],
    ['never-ready', ['"phase":"Running"', '"ready":false']],
    ['evicted', ['"phase":"Failed"', '"reason":"Evicted"', 'low on resource: memory']],
  ])('a pod that %s says so, and comes up once it may', async (fate, words) => {
    await plane.fate({ [fate]: fate });
    await plane.kubectl(['create', '-f', '-'], deployment(fate));
    const says = (pod: Pod) => words.every(word => JSON.stringify(pod).includes(word));
    await until(`a pod that ${fate}`, 60_000, async () => (await pods(fate)).some(says));
    expect(await plane.kubectl(['get', 'events'])).toMatch(new RegExp(`Warning .*pod/${fate}`));
    await plane.fate({});
    await plane.kubectl(['rollout', 'status', `deployment/${fate}`, '--timeout=60s']);
    await plane.kubectl(['delete', 'deployment', fate]);
  });

  it('has no place for a pod that asks more than its node has', async () => {
    await plane.kubectl(['create', '-f', '-'], deployment('large', '64Gi'));
    await until('the scheduler’s word', 60_000, async () =>
      JSON.stringify(await pods('large')).includes('Insufficient memory'),
    );
    await plane.kubectl(['delete', 'deployment', 'large']);
  });

  const isUp = (dir: string) => program(['pgrep', '-f', `etcd.*${dir}`]).then(Boolean, () => false);

  it('leaves nothing', async () => {
    const other = await ControlPlane.start();
    expect(await isUp(other.dir)).toBe(true);
    await other.stop();
    expect(existsSync(other.dir)).toBe(false);
    expect(await isUp(other.dir)).toBe(false);
  });

  it('ends with its maker, killed without a word', async () => {
    const built = await planeProgram();
    const dir = join(folder, 'orphan');
    await mkdir(dir);
    const script = fileURLToPath(new URL('orphan.ts', import.meta.url));
    const argv = ['--import', 'tsx', script, dir, 'path' in built ? built.path : ''];
    const maker = execa('node', argv, { reject: false, timeout: 60_000, killSignal: 'SIGKILL' });
    await once(maker.stdout, 'data');
    expect(await isUp(dir)).toBe(true);
    maker.kill('SIGKILL');
    await until('its daemon to end', 60_000, async () => !(await isUp(dir)));
    expect((await maker).stdout).toBe('started');
  });
});
