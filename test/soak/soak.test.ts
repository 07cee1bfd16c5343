// @module-tag nightly; each time: faults
import { expect, test } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { soak } from './soak.js';
import { describe } from './table.js';

const reason = labUnavailable();
const lab = `soak-${process.pid}`;

/** The short form of `npm run soak`. */
test.skipIf(reason !== undefined)(
  `a cluster works under faults${reason ? ` (skipped: ${reason})` : ''}`,
  async () => {
    const only = ['connections reset', 'edge killed', 'schedd killed'] as const;
    try {
      const report = await soak({ ground: 'plain', seed: 7, seconds: 25, hasLanguages: false, only, lab }, () => {});
      expect(report.problems, describe(report)).toEqual([]);
      expect(Object.keys(report.faults).length).toBeGreaterThan(0);
      expect(report.jobs.right).toBeGreaterThan(0);
      expect(report.runs.right).toBeGreaterThan(0);
      expect(report.isGone).toBe(true);
    } finally {
      await Lab.down(lab);
    }
  },
  300_000,
);
