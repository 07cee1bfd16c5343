import { expect } from 'vitest';
import { SchedulerError } from '../../src/errors.js';

/** The SchedulerError that `work` ends with; any other end is a failure. */
export function thrown(work: () => unknown): SchedulerError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(SchedulerError);
    return error as SchedulerError;
  }
  throw new Error('nothing was thrown');
}

/** What `work` returns, or undefined where it ends with a SchedulerError; any other end is a failure. */
export function tame<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    expect(error).toBeInstanceOf(SchedulerError);
    return undefined;
  }
}
