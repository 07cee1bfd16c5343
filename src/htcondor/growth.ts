import { keyValues } from '../hosts/script.js';

/**
 * The state of the program that grows a pool at one site (templates/bosco/grow.sh), as it reported last. `min` and `max`
 * count glide-ins.
 */
export interface Growth {
  readonly site: string;
  readonly min: number;
  readonly max: number;
  /** Batch jobs in the site's queue, or on the way there. */
  readonly queued: number;
  /** Number of batch jobs. */
  readonly running: number;
  /** Number of batch jobs. */
  readonly held: number;
  /** Idle jobs that a glide-in of the site can run. */
  readonly waiting: number;
  /** Idle jobs that no glide-in of the site can run. */
  readonly unfit: number;
  /** Failures in a row. */
  readonly failures: number;
  /** Seconds until it submits again after a failure; 0: now. */
  readonly pause: number;
  /** The last error, as long as it matters. */
  readonly reason?: string;
  /** Several nodes were unfit and none was fit: nothing is submitted until its settings are written again. */
  readonly stopped?: true;
  /** `dead`: no glide-ins are submitted, however many jobs wait. */
  readonly state: 'alive' | 'dead';
}

/** Seconds without news after which it counts as dead; it reports every few seconds. */
const SILENCE = 120;

/** Reads the `growth=` lines of `pool-query`. @param now Unix time on the headnode */
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
      ...(one('stopped') === 'yes' ? { stopped: true as const } : {}),
      state: isAlive && now - Number(one('at')) < SILENCE ? 'alive' : 'dead',
    };
  });
}
