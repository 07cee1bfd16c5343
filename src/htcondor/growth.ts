import { keyValues } from '../hosts/script.js';

/** What grows a pool by itself at one site, as it told last (templates/bosco/grow.sh). `min` and `max` count glide-ins. */
export interface Growth {
  readonly site: string;
  readonly min: number;
  readonly max: number;
  /** Batch jobs that wait in the site's queue, or on the way there. */
  readonly queued: number;
  /** Batch jobs. */
  readonly running: number;
  /** Batch jobs. */
  readonly held: number;
  /** Idle jobs that the site can serve. */
  readonly waiting: number;
  /** Idle jobs that none of its nodes can serve. */
  readonly unfit: number;
  /** In a row. */
  readonly failures: number;
  /** Seconds until it submits again after a failure; 0: now. */
  readonly pause: number;
  /** What went wrong last, while it matters. */
  readonly reason?: string;
  /** `dead`: nothing is submitted, whoever waits. */
  readonly state: 'alive' | 'dead';
}

/** It looks around every few seconds. */
const SILENCE = 120;

/** Reads the `growth=` lines of `pool-query`. @param now Unix time there */
export function parseGrowth(text: string, now: number): Growth[] {
  const isAlive = /^grow=alive$/m.test(text);
  const states = keyValues(text).get('growth') ?? [];
  return states.map(state => {
    const values = keyValues(Buffer.from(state, 'base64').toString());
    const one = (key: string): string => values.get(key)?.[0] ?? '';
    const reason = one('reason');
    return {
      ...{ site: one('site'), min: Number(one('min')), max: Number(one('max')) },
      ...{ queued: Number(one('queued')), running: Number(one('running')), held: Number(one('held')) },
      ...{ waiting: Number(one('waiting')), unfit: Number(one('unfit')), failures: Number(one('failures')) },
      pause: Math.max(0, Number(one('retry')) - now),
      ...(reason ? { reason } : {}),
      state: isAlive && now - Number(one('at')) < SILENCE ? 'alive' : 'dead',
    };
  });
}
