import { setTimeout as sleep } from 'node:timers/promises';
import type { Ground } from './ground.js';
import type { Pulse } from './pulse.js';
import type { Death } from './tally.js';

/** What those who work on a ground share. */
export interface Work {
  readonly ground: Ground;
  /** No more work is begun. */
  isOver: boolean;
  readonly pulse: Pulse;
  readonly deaths: Death[];
  /** Something is worth a line. */
  readonly note: (text: string) => void;
  /** Something is not as it must be. */
  readonly problem: (text: string) => void;
}

/** Does something that a fault may keep from being done, until it is done. @returns undefined if it never was */
export async function insist<T>(
  times: number,
  act: (attempt: number) => Promise<T | undefined>,
): Promise<T | undefined> {
  for (let attempt = 0; attempt < times; attempt++) {
    const done = await act(attempt).catch(() => undefined);
    if (done !== undefined) return done;
    await sleep(3000);
  }
  return undefined;
}
