// @module-tag nightly; each time: cluster/bosco
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { scailfin } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';
import { down, growsAndShrinks, growthOf } from './helpers/grown.js';

const reason = labUnavailable();

describe.skipIf(reason !== undefined)(
  `a pool that grows by itself on Grid Engine${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    let lab: Lab;
    beforeAll(async () => {
      lab = await Lab.up({ site: 'sge' });
    });
    afterAll(async () => {
      await lab?.down();
    });
    const jobs = async (): Promise<string[]> =>
      (await lab.exec('login', ['qstat', '-u', 'alice', '-s', 'prs'])).stdout.split('\n').slice(2).filter(Boolean);

    it('grows from no node to both nodes, and shrinks back', async () => {
      const request = [
        '--site',
        'lab-sge',
        '--submit',
        'bosco',
        '--max',
        '2',
        '--walltime',
        '20m',
        '--idle-timeout',
        '15s',
      ];
      await scailfin(lab, 'laptop', ['up', 'grown', ...request, '--headnode', 'scail@headnode']);
      await growsAndShrinks({ host: 'headnode', user: 'scail', name: 'grown' }, lab, jobs);
      await expect
        .poll(() => growthOf(lab, 'laptop', 'grown'), { timeout: 60_000 })
        .toMatchObject({ queued: 0, running: 0, held: 0, failures: 0, state: 'alive' });
      expect(await down(lab, 'laptop', 'grown')).toContain(verified);
      await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
    });
  },
);
