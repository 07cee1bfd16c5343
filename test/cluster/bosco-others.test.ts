// @module-tag nightly; each time: cluster/bosco
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { realTree } from '../lab/real/tree.js';
import type { SiteName } from '../lab/site.js';
import { scailfin, statusOf } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';
import { condor, down, growsAndShrinks, growthOf, type PoolAt, submitAt } from './helpers/grown.js';

/** How alice's jobs that wait or run are listed. PBS speaks as Torque does here, so its stand-in needs no lab. */
const listing = {
  torque: 'qselect -u alice -s EHQRTW',
  pbs: 'qselect -u alice -T -s EHQRTW',
  lsf: 'bjobs -noheader -w',
} as const;
const standIns = ['torque', 'lsf'] as const;
const real = (['torque', 'pbs', 'lsf'] as const).map(system => {
  const { tree, variable } = realTree(system);
  return { system, site: `real-${system}`, reason: tree === undefined ? `${variable} names none` : undefined } as const;
});
const sites = [...standIns.map(system => ({ system, site: system, reason: undefined })), ...real];

for (const { system, site, reason } of sites) {
  const why = labUnavailable() ?? reason;
  describe.skipIf(why !== undefined)(`a pool that grows by itself on ${site}${why ? ` (skipped: ${why})` : ''}`, () => {
    let lab: Lab;
    beforeAll(async () => {
      lab = await Lab.up({ site: site as SiteName });
    });
    afterAll(async () => {
      await lab?.down();
    });
    const jobs = async (): Promise<string[]> =>
      (await lab.exec('login', ['sh', '-c', listing[system]], { check: false })).stdout.split('\n').filter(Boolean);

    it('grows to both nodes, shrinks back, counts no job as ended while the server is away, and goes', async () => {
      const far: PoolAt = { host: 'headnode', user: 'scail', name: 'grown' };
      const request = ['--submit', 'bosco', '--max', '2', '--walltime', '20m', '--idle-timeout', '15s'];
      const place = ['--site', lab.site.profileName, '--headnode', 'scail@headnode'];
      await scailfin(lab, 'laptop', ['up', 'grown', ...place, ...request]);
      await growsAndShrinks(far, lab, jobs);
      // HTCondor has heard of each that it ended, so none is submitted in its place
      const still = { queued: 0, running: 0, held: 0, failures: 0, state: 'alive' };
      const growth = () => growthOf(lab, 'laptop', 'grown');
      await expect.poll(growth, { timeout: 60_000, interval: 1000 }).toMatchObject(still);
      expect(await jobs()).toEqual([]);

      // as long as this job runs, its glide-in does not end by itself
      await submitAt(far, lab, 1, 'sleep 300');
      const running = async () => (await statusOf(lab, 'laptop', 'grown')).jobs?.running;
      await expect.poll(running, { timeout: 60_000, interval: 1000 }).toBe(1);
      const before = await jobs();
      expect(before).toHaveLength(1);
      await lab.stopScheduler();
      // longer than between two queries
      await new Promise(resolve => setTimeout(resolve, 15_000));
      const ask = ['condor_q', '-allusers', '-constraint', 'JobUniverse == 9', '-af', 'JobStatus'];
      expect(await condor(far, lab, ask)).toMatch(/^[12]\n$/);
      await lab.startScheduler();
      expect((await jobs()).map(line => line.split(' ')[0])).toEqual(before.map(line => line.split(' ')[0]));

      expect(await down(lab, 'laptop', 'grown')).toContain(verified);
      await lab.exec('headnode', ['sh', '-c', 'rm -rf /tmp/jobs-grown-*']);
      await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
    }, 300_000);
  });
}
