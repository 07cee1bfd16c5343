import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STORAGE } from '../../src/headnode/reana/reana-plan.js';
import { newSecrets } from '../../src/headnode/reana/reana-secrets.js';
import { BACKEND, TOKEN, valuesFor } from '../../src/headnode/reana/values.js';
import { wrapperScript } from '../../src/steps/wrapper.js';
import { planOf } from '../headnode/reana/plans.js';
import { program, until } from '../lab/programs.js';
import { Cell } from './cell.js';
import { Containers, containersUnavailable } from './containers.js';
import { buildImage, type Image, imagesUnavailable } from './images.js';

const missing = [await containersUnavailable(), await imagesUnavailable()].filter(why => why !== undefined).join('; ');

/** Who a job controller becomes in its pod, where it starts as root; and somebody else. */
const reana = [1000, 0] as const;
const other = [1001, 1001] as const;

const token = 'a.token.of.the-pool';
const collector = '127.0.0.1:9';

/** What scailfin tells Helm of the job controller, and how upstream hands it on. */
function environment(image: string): Record<string, string> {
  const pool = { collector, schedd: 'physics', token };
  const inputs = { cluster: 'physics', image, secrets: newSecrets(), node: undefined };
  const values = valuesFor(planOf({ image, pool }), inputs) as {
    compute_backends: string[];
    components: { reana_job_controller: { image: string; environment: Record<string, string> } };
  };
  return {
    ...values.components.reana_job_controller.environment,
    COMPUTE_BACKENDS: values.compute_backends.join(','),
  };
}

/** In the container: an HTTP request, and what came. Arguments: method, path, body. */
const ask = `
import sys, urllib.error, urllib.request
method, path, body = sys.argv[1:4]
request = urllib.request.Request("http://127.0.0.1:5000" + path, body.encode() or None, method=method)
try:
    answer = urllib.request.urlopen(request, timeout=150)
except urllib.error.HTTPError as error:
    answer = error
print(answer.status, answer.read().decode())
`;

const title = `the image of the job controller${missing ? ` (skipped: ${missing})` : ''}`;
describe.skipIf(missing !== '')(title, { timeout: 300_000 }, () => {
  let cell: Cell;
  let containers: Containers;
  let image: Image;
  let dir: string;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'scailfin-image-'));
    cell = await Cell.open(dir);
    image = await buildImage(cell, join(dir, 'image'));
    containers = await Containers.start(cell);
    await containers.load(image);
    await mkdir(join(dir, 'storage/w'), { recursive: true });
    await writeFile(join(dir, 'storage/w/data'), 'content', { mode: 0o640 });
    await mkdir(join(dir, 'secrets'));
    // root's, as Kubernetes mounts a secret
    await writeFile(join(dir, 'secrets', TOKEN), token, { mode: 0o644 });
    for (const path of ['storage/w', 'storage/w/data']) await chown(join(dir, path), ...reana);
    const become = `import os; os.setgroups([]); os.setgid(${reana[1]}); os.setuid(${reana[0]})`;
    const run = `${become}; from scailfin_backend.app import app; app.run(port=5000, threaded=True)`;
    await containers.run('controller', image, {
      argv: ['python3', '-c', run],
      env: environment(image.name),
      mounts: {
        [STORAGE]: { from: join(dir, 'storage') },
        '/etc/reana/secrets': { from: join(dir, 'secrets'), readOnly: true },
      },
    });
  }, 900_000);

  afterAll(async () => {
    await cell?.close();
    if (dir) await rm(dir, { recursive: true, force: true });
  }, 120_000);

  const inside = (argv: string[], user: readonly [number, number] = reana) => containers.exec('controller', argv, user);
  const request = (method: string, path: string, body = '') => inside(['python3', '-c', ask, method, path, body]);

  it('answers as a container, with the pool as its backend', async () => {
    const answer = await until('the job controller', 60_000, () => request('GET', '/jobs/none')).catch(async error => {
      throw new Error(`it says: ${await containers.log('controller')}`, { cause: error });
    });
    expect(answer).toContain('400');
    const config =
      'from scailfin_backend.app import config as c; print(c.DEFAULT_COMPUTE_BACKEND, *c.SUPPORTED_COMPUTE_BACKENDS)';
    const [main, ...all] = (await inside(['python3', '-c', config])).trim().split(' ');
    expect(main).toBe(BACKEND);
    expect(all).toEqual(expect.arrayContaining(['kubernetes', BACKEND, 'slurmcern']));
  });

  it('has the wrapper for steps, which anybody may run', async () => {
    expect(await inside(['cat', '/opt/scailfin/step.sh'])).toBe(wrapperScript().trimEnd());
    expect((await inside(['stat', '-c', '%a %u', '/opt/scailfin/step.sh'])).trim()).toBe('755 0');
  });

  it('asks the pool with the token it was given, whose copy nobody else in its pod can read', async () => {
    const step = { cmd: btoa('true'), docker_img: 'a/b', workflow_uuid: '6b9d5b3e-65a9-4c39-8c0d-64bd5a3bb1f7' };
    const body = JSON.stringify({ ...step, job_name: 'fit', workflow_workspace: `${STORAGE}/w` });
    const answer = request('POST', '/jobs', body);
    const files =
      'for f in /tmp/scailfin-*/tokens/pool /tmp/scailfin-*/*/manifest; do stat -c "%a %u %n" "$f" || exit 1; done';
    const modes = await until('the step’s files', 60_000, () => inside(['sh', '-c', files]));
    expect(modes).toMatch(/^600 1000 \S+\/tokens\/pool$/m);
    expect(modes).toMatch(/^\d+ 1000 \S+\/manifest$/m);
    expect(await inside(['sh', '-c', 'cat /tmp/scailfin-*/tokens/pool'])).toBe(token);
    await expect(inside(['sh', '-c', 'ls /tmp/scailfin-*'], other)).rejects.toThrow(/Permission denied/);
    // the workspace's file is known; the pool is not there, which HTCondor's client found out
    expect(await answer).toMatch(new RegExp(`^500 .*the pool at ${collector} could not be asked`, 's'));
  });

  it('is none if its Python can’t import the backend', async () => {
    const change = { 'scailfin_backend/monitor.py': 'def of(names: list[str]):\n    """Python 3.9."""\n' };
    await expect(buildImage(cell, join(dir, 'broken'), change)).rejects.toThrow(/not subscriptable/);
  });

  const cgroups = async () => {
    const folder = existsSync('/sys/fs/cgroup/pids') ? '/sys/fs/cgroup/pids' : '/sys/fs/cgroup';
    return (await readdir(folder)).filter(name => name.startsWith('scailfin-cell-'));
  };
  const isUp = (folder: string) => program(['pgrep', '-f', `containerd.*${folder}`]).then(Boolean, () => false);

  it('leaves nothing', async () => {
    const mine = await mkdtemp(join(tmpdir(), 'scailfin-image-'));
    const another = await Cell.open(mine);
    await Containers.start(another);
    const own = another.cgroup.slice(1);
    expect([await isUp(mine), await cgroups()]).toEqual([true, expect.arrayContaining([own])]);
    await another.close();
    expect([await isUp(mine), await cgroups()]).toEqual([false, expect.not.arrayContaining([own])]);
    expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(mine);
    await rm(mine, { recursive: true });
  });

  it('ends with its maker, killed without a word', async () => {
    const mine = await mkdtemp(join(tmpdir(), 'scailfin-image-'));
    const script = fileURLToPath(new URL('orphan-cell.ts', import.meta.url));
    const maker = execa('node', ['--import', 'tsx', script, mine], {
      reject: false,
      timeout: 120_000,
      killSignal: 'SIGKILL',
    });
    const [cgroup] = (await once(maker.stdout, 'data')).map(said => `${said}`.trim().slice(1));
    expect([await isUp(mine), await cgroups()]).toEqual([true, expect.arrayContaining([cgroup])]);
    maker.kill('SIGKILL');
    await until('its containerd to end', 60_000, async () => !(await isUp(mine)));
    expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(mine);
    // an empty cgroup is all there is, until somebody makes a cell
    await maker;
    await rm(mine, { recursive: true });
    await mkdir(mine);
    await (await Cell.open(mine)).close();
    expect(await cgroups()).toEqual(expect.not.arrayContaining([cgroup]));
    await rm(mine, { recursive: true });
  });
});
