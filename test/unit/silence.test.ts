import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Silence } from '../../src/cluster/silence.js';
import type { BatchJobStatus } from '../../src/schedulers/job.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const missing = (seconds: number, limit: number): BatchJobStatus => ({
  ...{ id: '17', jobId: '17', state: 'unknown', word: 'missing', missing: { seconds, limit } },
});
const pass = (seconds: number): void => {
  vi.setSystemTime(Date.now() + seconds * 1000);
};

describe('how long down waits for the word about a job that is not shown', () => {
  it('until its time has passed, by the marks of the site', () => {
    const silence = new Silence(120, false);
    expect(silence.isOver(missing(119, 120))).toBe(false);
    expect(silence.isOver(missing(120, 120))).toBe(true);
  });

  it('or in this run, where the site can remember nothing', () => {
    const silence = new Silence(300, true);
    expect(silence.isOver(missing(0, 300))).toBe(false);
    pass(299);
    expect(silence.isHopeless([missing(0, 300)])).toBe(false);
    expect(silence.isOver(missing(0, 300))).toBe(false);
    pass(1);
    expect(silence.isOver(missing(0, 300))).toBe(true);
  });

  it('and not if that takes longer than a person waits; but a new job has some seconds to be shown', () => {
    const silence = new Silence(600, false);
    silence.isOver(missing(0, 600));
    expect(silence.isHopeless([missing(0, 600)])).toBe(false);
    pass(20);
    expect(silence.isHopeless([missing(20, 600)])).toBe(true);
  });

  it('a job that was shown again begins anew', () => {
    const silence = new Silence(120, false);
    silence.isOver(missing(0, 120));
    pass(100);
    const { missing: _, ...shown } = missing(0, 120);
    expect(silence.isOver({ ...shown, state: 'running' })).toBe(false);
    pass(30);
    expect(silence.isOver(missing(0, 120))).toBe(false);
  });
});
