import type { BatchJobStatus, Command, JobQuery, Output } from '../job.js';
import { fromHistory, fromQueue, historyAttributes, jsonAds, queueAttributes } from './ads.js';
import { string } from './submit.js';
import { DOWN, refusal } from './words.js';

/** How many of the newest records of ended jobs are searched: the history of a busy queue has millions. */
const HISTORY = 20_000;

export function list({ tag, user, ids }: JobQuery): Command[] {
  const which = ['-constraint', `ScailfinTag =?= ${string(tag)} && Owner =?= ${string(user)}`];
  const queue = { argv: ['condor_q', '-allusers', '-json', '-attributes', queueAttributes, ...which] };
  if (ids.length === 0) return [queue];
  const scan = ['-scanlimit', String(HISTORY)];
  return [queue, { argv: ['condor_history', '-json', '-attributes', historyAttributes, ...scan, ...ids] }];
}

export function parseList([queue, history]: readonly Output[]): BatchJobStatus[] {
  // some versions of condor_q exit with 0 although the schedd did not answer, and print nothing if nothing matches
  const live = queue?.exitCode === 0 && !DOWN.test(queue.stderr) ? jsonAds(queue.stdout) : undefined;
  if (!live) throw refusal('condor_q', queue);
  const past = history?.exitCode === 0 ? jsonAds(history.stdout) : [];
  const found = new Map<string, BatchJobStatus>();
  for (const s of (past ?? []).flatMap(fromHistory)) found.set(s.id, s);
  // jobs that left the queue between the two queries are over; for jobs in both, the history was read at the same
  // moment
  for (const s of live.flatMap(fromQueue)) if (!found.has(s.id)) found.set(s.id, s);
  return [...found.values()];
}
