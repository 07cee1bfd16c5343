import { describe, expect, it } from 'vitest';
import { hoursText, JobTimes, nodeHours, sumOf } from '../../src/cluster/nodehours.js';
import type { SiteSpec } from '../../src/cluster/spec.js';
import type { BatchJobStatus } from '../../src/schedulers/job.js';

describe('node-hours', () => {
  it('of running jobs: the time they ran, and the time that is left', () => {
    const job = { state: 'running', nodes: 2, secondsLeft: 1800 } as const;
    expect(nodeHours([job], 7200)).toEqual({ used: 3, usedAtLeast: false, bound: 1 });
    expect(nodeHours([{ ...job, elapsed: 3600 }], 7200)).toEqual({ used: 2, usedAtLeast: false, bound: 1 });
  });

  it('of jobs that wait: nothing yet, and their whole walltime', () => {
    expect(nodeHours([{ state: 'queued', nodes: 3 }], 3600)).toEqual({ used: 0, usedAtLeast: false, bound: 3 });
  });

  it('of jobs that ended: what the scheduler says, or at least nothing', () => {
    expect(nodeHours([{ state: 'finished', nodes: 2, elapsed: 1800 }], 3600)).toMatchObject({ used: 1, bound: 0 });
    expect(nodeHours([{ state: 'cancelled', nodes: 2 }], 3600)).toEqual({ used: 0, usedAtLeast: true, bound: 0 });
  });

  it('of unknown jobs: they may use all of it', () => {
    expect(nodeHours([{ state: 'unknown', nodes: 1 }], 3600)).toEqual({ used: 0, usedAtLeast: true, bound: 1 });
  });

  it('of jobs that end meanwhile: what they showed before counts', () => {
    const batch = { label: 'b1', count: 2, jobIds: ['7'], outcome: 'submitted' } as const;
    const times = new JobTimes({ spec: { walltime: 3600 } as SiteSpec, batches: [batch] });
    const job = (n: number, more: Partial<BatchJobStatus>): BatchJobStatus => ({
      ...{ id: `7_${n}`, jobId: '7', state: 'running', word: 'R' },
      ...more,
    });
    times.see([job(1, { secondsLeft: 1800 }), job(2, { elapsed: 900 })]);
    times.see([job(1, { state: 'cancelled' })]);
    times.see([job(2, { state: 'cancelled', elapsed: 1800 })]);
    expect(times.hours).toEqual({ used: 1, usedAtLeast: false, bound: 0 });
    expect(new JobTimes({ spec: { walltime: 3600 } as SiteSpec, batches: [batch] }).hours.usedAtLeast).toBe(true);
  });

  it('in words', () => {
    const text = (used: number, usedAtLeast = false): string => hoursText({ used, usedAtLeast, bound: 0 });
    expect([text(0), text(0.004), text(1.234), text(0.004, true)]).toEqual([
      '0.00 node-hours',
      'less than 0.01 node-hours',
      '1.23 node-hours',
      'at least 0.00 node-hours',
    ]);
  });

  it('of several sites together', () => {
    const one = { used: 1, usedAtLeast: false, bound: 2 };
    expect(sumOf([one, { ...one, usedAtLeast: true }])).toEqual({ used: 2, usedAtLeast: true, bound: 4 });
    expect(sumOf([])).toEqual({ used: 0, usedAtLeast: false, bound: 0 });
  });
});
