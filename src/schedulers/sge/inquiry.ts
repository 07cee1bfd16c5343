import { type BatchJobStatus, type Command, type Inquiry, isOver, type JobQuery, type Output } from '../job.js';
import { bounded, every } from '../most.js';
import { accountRows } from './accounting.js';
import { detailTextRows } from './answers.js';
import { accounting, statuses, UNREACHABLE } from './list.js';

/** The accounting is asked once more: it may have been late. */
export const commands = (ids: readonly string[], { user, tag }: JobQuery): Command[] => [
  { argv: ['qstat', '-j', ids.join(',')] },
  accounting(user, tag),
];

export function parse([queue, account]: readonly Output[], ids: readonly string[], { tag, user }: JobQuery): Inquiry {
  const ended = account?.exitCode === 0 ? (accountRows(account.stdout) ?? []) : [];
  const past = ended.filter(row => row.name === tag && row.owner === user && ids.includes(row.job));
  const live = queue?.exitCode === 0 ? detailTextRows(queue.stdout) : [];
  const found = new Map<string, BatchJobStatus>();
  for (const s of bounded('Grid Engine', every(past, statuses))) if (isOver(s.state)) found.set(s.id, s);
  for (const s of bounded('Grid Engine', every(live, statuses))) found.set(s.id, s);
  const told = new Set([...found.values()].map(s => s.jobId));
  return { jobs: [...found.values()], denied: isAnswer(queue) ? ids.filter(id => !told.has(id)) : [] };
}

/** If it knows none of the ids, qstat says so and exits with 1; of several, it shows those that it knows. */
const isAnswer = (out: Output | undefined): boolean =>
  out !== undefined &&
  !UNREACHABLE.test(out.stderr) &&
  (out.exitCode === 0 || /^Following jobs do not exist/m.test(`${out.stderr}\n${out.stdout}`));
