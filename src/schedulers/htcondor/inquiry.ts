import type { BatchJobStatus, Command, Inquiry, Output } from '../job.js';
import { fromHistory, fromQueue, historyAttributes, jsonAds, queueAttributes } from './ads.js';
import { DOWN } from './words.js';

/** Here the whole history is searched, as long as that takes no more than half a minute. */
export const commands = (ids: readonly string[]): Command[] => [
  { argv: ['condor_q', '-allusers', '-json', '-attributes', queueAttributes, ...ids] },
  { argv: ['timeout', '30', 'condor_history', '-json', '-attributes', historyAttributes, ...ids] },
];

export function parse([queue, history]: readonly Output[], ids: readonly string[]): Inquiry {
  const live = queue?.exitCode === 0 && !DOWN.test(queue.stderr) ? jsonAds(queue.stdout) : undefined;
  const past = history?.exitCode === 0 ? jsonAds(history.stdout) : undefined;
  const found = new Map<string, BatchJobStatus>();
  for (const s of (past ?? []).flatMap(fromHistory)) found.set(s.id, s);
  for (const s of (live ?? []).flatMap(fromQueue)) if (!found.has(s.id)) found.set(s.id, s);
  const told = new Set([...found.values()].map(s => s.jobId));
  return { jobs: [...found.values()], denied: live === undefined ? [] : ids.filter(id => !told.has(id)) };
}
