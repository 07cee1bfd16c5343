import { SchedulerError } from '../../errors.js';
import type { BatchJobStatus, Command, JobQuery, Output } from '../job.js';
import { nativeIds } from '../pbs-family/ids.js';
import { jobsFromText, ours } from '../pbs-family/jobs.js';
import { statuses } from '../pbs-family/status.js';
import { answered } from '../pbs-family/words.js';
import { interpret } from './states.js';

/** The last line of a whole answer, and when it was given. */
const END = /(?:^|\n)asked at (\d+)\n\s*$/;
const FINISH = `status=$?
printf '\\nasked at %s\\n' "$(date +%s)"
exit "$status"`;

/**
 * Jobs in the queue by name. A qstat without ids would list everybody's, so it is not run then. Plain text: of several
 * ids, `-F json` tells the first only (OpenPBS 23.06). Times come in the time zone of whoever asks.
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
  // history, where the site keeps one, knows what has left the queue
  return [queue, { argv: ['sh', '-c', HISTORY, 'pbs-history', ...ids.flatMap(nativeIds)] }];
}

export function parseList([queue, history]: readonly Output[], { tag, ids }: JobQuery): BatchJobStatus[] {
  answered('PBS', 'qstat', queue);
  const now = endOf(queue);
  if (now === undefined) throw new SchedulerError("PBS's qstat was cut short in its answer");
  const jobs = jobsFromText(
    queue.stdout,
    ours(ids, () => tag),
  );
  const found = statuses(jobs, interpret, now);
  const past = historyOf(history);
  // history is asked later, and tells of live jobs as well
  return [...new Map([...found, ...past].map(s => [s.id, s])).values()];
}

/** Without history, or when it couldn't be asked, what the queue says has to do. */
function historyOf(out: Output | undefined): BatchJobStatus[] {
  if (out === undefined) return [];
  try {
    answered('PBS', 'qstat', out);
  } catch {
    return [];
  }
  const now = endOf(out);
  return now === undefined ? [] : statuses(jobsFromText(out.stdout), interpret, now);
}

/** When a whole answer was given, in seconds; undefined when it was cut: a job on a line that never came must not count as gone. */
function endOf({ stdout }: Output): number | undefined {
  const [, now] = END.exec(stdout.slice(-100)) ?? [];
  return now === undefined ? undefined : Number(now);
}
