import { describe, expect, it } from 'vitest';
import { committed, jobsLeft, mostGrown, walltimeWithin } from '../../src/cluster/allowance.js';
import type { Batch } from '../../src/cluster/record.js';
import { UsageError } from '../../src/errors.js';

const batch = (count: number, more: Partial<Batch> = {}): Batch => ({
  ...{ label: 'b1', count, jobIds: ['7'], outcome: 'submitted' },
  ...more,
});

describe('a limit of node-hours', () => {
  it('shortens the walltime until all glide-ins together stay within it', () => {
    expect(walltimeWithin(3600, 1, undefined)).toBe(3600);
    expect(walltimeWithin(3600, 4, 100)).toBe(3600);
    expect(walltimeWithin(3600, 1, 0.05)).toBe(180);
    expect(walltimeWithin(3600, 4, 2)).toBe(1800);
  });

  it('is refused where it leaves no time to work', () => {
    const refused = () => walltimeWithin(3600, 4, 0.05);
    expect(refused).toThrow(UsageError);
    expect(refused).toThrow('0.05 node-hours are 45 s for each of 4 glide-ins, too short to work');
    expect(() => walltimeWithin(3600, 4, 0.14)).not.toThrow();
  });

  it('counts each job with its whole walltime, unless the batch system says how long it ran', () => {
    const batches = [
      batch(2),
      batch(1, { nodes: 4 }),
      batch(9, { outcome: 'refused' }),
      batch(1, { outcome: 'intended' }),
    ];
    expect(committed(batches, [], 3600)).toBe(7);
    const ended = { state: 'finished', nodes: 4, elapsed: 900 } as const;
    expect(committed(batches, [ended], 3600)).toBe(4);
    // nobody knows how long it ran, or it still runs
    expect(committed(batches, [{ state: 'failed', nodes: 4 }], 3600)).toBe(7);
    expect(committed(batches, [{ state: 'running', nodes: 4, elapsed: 900 }], 3600)).toBe(7);
    expect(committed(batches, [{ ...ended, elapsed: 5000 }], 3600)).toBe(7);
  });

  it('allows as many whole jobs as are left', () => {
    const site = { maxNodeHours: 10, nodesPerJob: 4, walltime: 3600 };
    expect([0, 1.9, 2.1, 6, 6.01, 12].map(used => jobsLeft(site, used))).toEqual([2, 2, 1, 1, 0, 0]);
    expect(jobsLeft({ walltime: 3600 }, 99)).toBe(Number.POSITIVE_INFINITY);
    // 0.05 is no whole number of hours, but a whole number of seconds
    expect(jobsLeft({ maxNodeHours: 0.05, walltime: 180 }, 0)).toBe(1);
    expect([mostGrown({ maxNodeHours: 3, walltime: 1800 }), mostGrown({ walltime: 1800 })]).toEqual([6, undefined]);
  });
});
