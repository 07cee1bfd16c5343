import type { Command, Inquiry, Output } from '../job.js';
import { limited } from './limited.js';
import { statusOf } from './list.js';
import { longJobs } from './text.js';
import { CutShort, type LsfJob } from './verdict.js';
import { AWAY } from './words.js';

/** The history was asked for these ids before. */
export const commands = (ids: readonly string[]): Command[] => [{ argv: limited(30, 'bjobs', '-a', '-l', ...ids) }];

export function parse([out]: readonly Output[], ids: readonly string[]): Inquiry {
  if (out === undefined || AWAY.test(out.stderr) || ![0, 255].includes(out.exitCode ?? -1))
    return { jobs: [], denied: [] };
  let jobs: LsfJob[];
  try {
    jobs = longJobs(out.stdout);
  } catch (error) {
    if (!(error instanceof CutShort)) throw error;
    return { jobs: [], denied: [] };
  }
  const denied = new Set([...out.stderr.matchAll(/^Job <(\d+)> is not found/gm)].map(m => m[1] as string));
  return { jobs: jobs.map(job => statusOf(job, '')), denied: ids.filter(id => denied.has(id)) };
}
