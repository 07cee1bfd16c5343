// @module-tag nightly; each time: cluster/dask, and cluster/relay for the relay
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { offerDask } from '../lab/dask.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { scailfin } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';

const reason = labUnavailable();
const client = readFileSync(fileURLToPath(new URL('../lab/dask/client.py', import.meta.url)));
const requirements = readFileSync(
  fileURLToPath(new URL('../../templates/worker/dask/requirements.txt', import.meta.url)),
);

/** The client is on a laptop, the scheduler on a headnode elsewhere, and nodes reach nothing but their login node. */
describe.skipIf(reason !== undefined)(
  `Dask from a laptop, through the relay${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    let lab: Lab;
    beforeAll(async () => {
      lab = await Lab.up({ isolated: true });
      await Promise.all([offerDask(lab, 'headnode'), offerDask(lab, 'laptop')]);
      await lab.write('laptop', '/opt/client.py', client, { user: 'root' });
      await lab.write('laptop', '/opt/requirements.txt', requirements, { user: 'root', mode: 0o644 });
      const install = 'python3 -m venv own && own/bin/pip install -q --no-cache-dir --no-deps -r /opt/requirements.txt';
      await lab.exec('laptop', ['sh', '-c', install], { timeoutMs: 90_000 });
    }, 240_000);
    afterAll(() => lab?.down(), 60_000);

    it('computes on nodes that can call nobody, and move data between them', async () => {
      const options = ['--framework', 'dask', '--workers', '2', '--worker-cores', '6', '--worker-memory', '600'];
      const request = ['up', 'far', '--site', 'lab-slurm', '--headnode', 'headnode', '--nodes', '2'];
      const up = await scailfin(lab, 'laptop', [...request, ...options]);
      expect(up.stderr).toContain('Opening the relay');
      const use = 'eval "$(scailfin env far)" && own/bin/python /opt/client.py 2';
      const { stdout, stderr } = await lab.exec('laptop', ['bash', '-c', use], { timeoutMs: 100_000, check: false });
      expect(stdout, stderr).toBe('nodes c1 c2\nsum 2646700\nmoved 5000000\n');
      expect(stderr).toMatch(/process \d+ forwards port \d+ to Dask/);
    });

    it('leaves nothing behind', async () => {
      await lab.exec('laptop', ['rm', '-rf', 'own']);
      const down = await scailfin(lab, 'laptop', ['down', 'far']);
      expect(down.stdout).toContain(verified);
      await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
    });
  },
);
