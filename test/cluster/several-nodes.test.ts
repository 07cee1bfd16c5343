import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { scailfin, submitJobs } from './helpers/cluster.js';
import { joined, slurm } from './helpers/cycle.js';
import { severalNodes } from './helpers/several.js';

const reason = labUnavailable();

describe.skipIf(reason !== undefined)(`jobs of several nodes on Slurm${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up({});
  });
  afterAll(async () => {
    await lab?.down();
  });

  it('keep their idle nodes as long as one of them has work, and then end as a whole', {
    tags: ['nightly'],
  }, async () => {
    const name = 'together';
    const size = ['--nodes', '2', '--nodes-per-job', '2', '--cores', '2'];
    const up = ['up', name, '--site', 'lab-slurm', ...size, '--walltime', '30m', '--idle-timeout', '12s'];
    await scailfin(lab, 'headnode', [...up, '--directive', '--comment=for-a-test']);
    // the user's own option has reached Slurm
    const { stdout } = await lab.exec('login', ['squeue', '--noheader', '-O', 'comment,numnodes']);
    expect(stdout.trim()).toMatch(/^for-a-test +2$/);
    // a node that looked only at itself would leave meanwhile
    await submitJobs(lab, 'headnode', name, 1, 'sleep 28');
    expect(await joined(lab, name)).toBe(2);
    await expect.poll(async () => (await slurm.jobs(lab)).length, { timeout: 60_000, interval: 2000 }).toBe(0);
    const logs = (await scailfin(lab, 'headnode', ['logs', name])).stdout;
    const left = logs.matchAll(/==> \S+@(c[12])\/glidein\.log <==[^=]*leaving: no node of its job had work for 12 s/g);
    expect([...left].map(m => m[1]).sort()).toEqual(['c1', 'c2']);
    await scailfin(lab, 'headnode', ['down', name]);
    expect(await lab.leftovers()).toEqual([]);
  });

  // the last one: it takes Slurm minutes to trust the dead node again
  it(
    'go up, scale by whole jobs, continue without a dead node, and go down clean',
    () => severalNodes(lab, slurm),
    240_000,
  );
});
