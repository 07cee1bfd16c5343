import { SchedulerError } from '../../errors.js';
import type { BatchJobStatus, Command, JobQuery, Output } from '../job.js';
import { nativeIds } from '../pbs-family/ids.js';
import { jobsFromText, ours } from '../pbs-family/jobs.js';
import { statuses } from '../pbs-family/status.js';
import { answered } from '../pbs-family/words.js';
import { interpret } from './states.js';

/** The last line of a complete answer, with its time. */
const END = /(?:^|\n)asked at (\d+)\n\s*$/;
export const FINISH = `status=$?
printf '\\nasked at %s\\n' "$(date +%s)"
exit "$status"`;

/**
 * Jobs in the queue, selected by name. Without ids qstat would list everybody's jobs, so then it is not run. Plain text,
 * because of several ids `-F json` prints only the first (OpenPBS 23.06). Times are in the time zone of the caller.
 */
const QUEUE = `set -f
ids=$(qselect -u "$1" -N "$2") || exit
set -- $(printf '%s\\n' "$ids" | grep '^[0-9]')
[ $# -eq 0 ] || TZ=UTC0 qstat -t -f "$@"
${FINISH}`;
const HISTORY = `TZ=UTC0 qstat -x -t -f "$@"
${FINISH}`;

export function list({ tag, user, ids }: JobQuery): Command[] {
  const queue = { argv: ['sh', '-c', QUEUE, 'pbs-queue', user, tag] };
  if (ids.length === 0) return [queue];
  // the history, if the site keeps one, has jobs that have left the queue
  return [queue, { argv: ['sh', '-c', HISTORY, 'pbs-history', ...ids.flatMap(nativeIds)] }];
}

export function parseList([queue, history]: readonly Output[], { tag, ids }: JobQuery): BatchJobStatus[] {
  answered('PBS', 'qstat', queue);
  const now = endOf(queue.stdout);
  if (now === undefined) throw new SchedulerError("the answer of PBS's qstat was cut short");
  const jobs = jobsFromText(
    queue.stdout,
    ours(ids, () => tag),
  );
  const found = statuses(jobs, interpret, now);
  const past = historyOf(history);
  // the history is asked later, and includes running jobs
  return [...new Map([...found, ...past].map(s => [s.id, s])).values()];
}

/** Without a history, or if it could not be asked, only the queue's answer is used. */
function historyOf(out: Output | undefined): BatchJobStatus[] {
  if (out === undefined) return [];
  try {
    answered('PBS', 'qstat', out);
  } catch {
    return [];
  }
  const now = endOf(out.stdout);
  return now === undefined ? [] : statuses(jobsFromText(out.stdout), interpret, now);
}

/**
 * The time of a complete answer in seconds; undefined if it was cut short: a job on a missing line must not count as
 * gone.
 */
export function endOf(stdout: string): number | undefined {
  const [, now] = END.exec(stdout.slice(-100)) ?? [];
  return now === undefined ? undefined : Number(now);
}
