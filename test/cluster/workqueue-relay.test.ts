// @module-tag nightly; each time: cluster/workqueue, and cluster/relay for the relay
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { installWorkQueue, sumOfSquares } from '../lab/workqueue.js';
import { scailfin, statusOf } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';

const reason = labUnavailable();
const name = 'lab-slurm';

/** Nodes reach nothing but their login node, and nothing reaches the headnode. */
describe.skipIf(reason !== undefined)(`Work Queue through the relay${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up({ isolated: true });
    await installWorkQueue(lab, 'headnode');
  }, 180_000);
  afterAll(() => lab?.down(), 60_000);

  const workers = async () => ((await statusOf(lab, 'headnode', name)).frameworks[0]?.parts ?? []).slice(2);

  it('has workers that reach the manager, and leaves nothing behind', async () => {
    const options = ['--framework', 'workqueue', '--workers', '2', '--worker-memory', '300'];
    const up = await scailfin(lab, 'headnode', ['up', '--site', name, '--nodes', '1', ...options]);
    expect(up.stderr).toContain('Opening the relay');
    const at = { state: 'alive', reason: 'on c1' };
    const both = [1, 2].map(n => ({ name: `worker ${n}`, ...at }));
    await expect.poll(workers, { timeout: 60_000, interval: 500 }).toEqual(both);
    const script = 'mkdir -p m && cd m && eval "$(scailfin env)" && timeout 60 wqmanager 20; rm -rf ~/m';
    const run = await lab.exec('headnode', ['bash', '-c', script], { timeoutMs: 70_000 });
    expect(run.stdout, run.stderr).toContain(sumOfSquares(20));
    expect(run.stdout).toContain('on c1');
    const down = await scailfin(lab, 'headnode', ['down', name]);
    expect(down.stdout).toContain(verified);
    await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
  });
});
