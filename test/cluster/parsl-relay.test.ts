// @module-tag nightly; each time: frameworks/parsl, and cluster/relay for the relay
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { offerParsl } from '../lab/parsl.js';
import { scailfin } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';

const reason = labUnavailable();
const name = 'lab-slurm';

/** Nodes reach nothing but their login node, and nothing reaches the headnode. */
describe.skipIf(reason !== undefined)(
  `Parsl through the relay${reason ? ` (skipped: ${reason})` : ''}`,
  { timeout: 240_000 },
  () => {
    let lab: Lab;
    beforeAll(async () => {
      lab = await Lab.up({ isolated: true });
      await offerParsl(lab, 'headnode');
    }, 180_000);
    afterAll(() => lab?.down(), 60_000);

    it('has blocks that reach the program, and leaves nothing behind', async () => {
      const options = ['--framework', 'parsl', '--workers', '2', '--worker-memory', '300'];
      const up = await scailfin(lab, 'headnode', ['up', '--site', name, '--nodes', '1', ...options]);
      expect(up.stderr).toContain('Opening the relay');
      const run = ['scailfin', 'exec', name, '--', 'timeout', '150', 'python3', '/opt/program.py', '20'];
      const { stdout, stderr } = await lab.exec('headnode', run, { check: false, timeoutMs: 160_000 });
      expect(stdout, stderr).toContain('sum 2470 on c1');
      const down = await scailfin(lab, 'headnode', ['down', name]);
      expect(down.stdout).toContain(verified);
      await expect.poll(() => lab.leftovers(), { timeout: 10_000 }).toEqual([]);
    });
  },
);
