// @module-tag nightly; each time: cluster/dask
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { offerDask } from '../lab/dask.js';
import { prepareImage } from '../lab/image.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { scailfin, statusOf } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';

const reason = labUnavailable();
const name = 'lab-slurm';
const beside = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const requirements = beside('../../templates/worker/dask/requirements.txt');

describe.skipIf(reason !== undefined)(`Dask's workers in an image${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    const image = await prepareImage(undefined, requirements);
    lab = await Lab.up();
    await offerDask(lab, 'headnode');
    await lab.write('headnode', '/opt/client.py', readFileSync(beside('../lab/dask/client.py')), { user: 'root' });
    await lab.write('login', '/home/alice/dask.sif', readFileSync(image), { mode: 0o644 });
  }, 600_000);
  afterAll(() => lab?.down(), 60_000);

  const up = (image: string) => {
    const options = ['--framework', 'dask', '--workers', '2', '--worker-memory', '600', '--worker-image', image];
    return scailfin(lab, 'headnode', ['up', '--site', name, '--nodes', '1', ...options]);
  };

  it('compute with what is in it', async () => {
    await up('/home/alice/dask.sif');
    const use = ['exec', name, '--', 'python3', '/opt/client.py', '2'];
    const { stdout, stderr } = await scailfin(lab, 'headnode', use);
    expect(stdout, stderr).toBe('nodes c1 c1\nsum 2646700\nmoved 5000000\n');
    const seen = 'for p in $(pgrep -f "scailfin_dask.py worker"); do ls -d /proc/$p/root/.singularity.d; done';
    const { stdout: inside } = await lab.exec('c1', ['sh', '-c', seen], { user: 'root', check: false });
    expect(inside).toContain('.singularity.d');
  });

  it('are shown with the reason when there is no such image', async () => {
    await up('/home/alice/other.sif');
    const workers = async () => ((await statusOf(lab, 'headnode', name)).frameworks[0]?.parts ?? []).slice(2);
    const reason = expect.stringMatching(/^it ended at once, with status 161: .*no \/home\/alice\/other.sif/);
    const held = (n: number) => ({ name: `worker ${n}`, state: 'dead', reason });
    await expect.poll(workers, { timeout: 40_000, interval: 500 }).toEqual([held(1), held(2)]);
  });

  it('leave nothing behind', async () => {
    const down = await scailfin(lab, 'headnode', ['down', name]);
    expect(down.stdout).toContain(verified);
    await lab.exec('login', ['rm', '/home/alice/dask.sif']);
    await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
  });
});
