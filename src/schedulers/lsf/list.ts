import { SchedulerError } from '../../errors.js';
import { type BatchJobStatus, type Command, isOver, type JobQuery, type Output } from '../job.js';
import { historyJobs, longJobs, secondsLeft, tableJobs } from './text.js';
import { CutShort, judge, type LsfJob } from './verdict.js';
import { AWAY, NOTHING, refusal } from './words.js';

/** If bjobs waited for LSF in vain, the history query must not take as long again. */
const HISTORY = `timeout 10 bqueues >/dev/null 2>&1
[ "$?" -ne 124 ] || { echo 'LSF is not responding' >&2; exit 124; }
exec timeout 30 bhist -l "$@"`;

const BY_ID = 'asked by id';

/**
 * Jobs by their name, and some of them by their ids. A job that was killed while LSF could not reach its node may still run
 * there. If it is asked for by id, OpenLava's bjobs says ZOMBI; if by name, EXIT without an exit status, which it says of few
 * others. The exit status is that of the first question.
 */
const QUEUE = `said=$(timeout 30 bjobs -a -l -J "$1"; echo "=$?")
status=\${said##*=} said=\${said%=*}
printf '%s' "$said"
ids=$(printf '%s' "$said" | awk '/^Job (Id )?<[0-9]/ { id = $0; sub(/^[^<]*</, "", id); sub(/[^0-9].*/, "", id) }
  id != "" && /^[A-Z][a-z][a-z] [A-Z][a-z][a-z] .*: Exited( The CPU .*)?[.; ]*$/ { print id }' | sort -u)
[ -z "$ids" ] || { echo '${BY_ID}'; timeout 15 bjobs -a -w $ids; }
exit "$status"`;

export function list({ tag, ids }: JobQuery): Command[] {
  // not -UF: OpenLava takes the job's command as a format there, and crashes on some
  const queue = [
    { argv: ['sh', '-c', QUEUE, 'lsf-queue', tag] },
    // LSF shows when a job began, by this clock, but not how long it may continue
    { argv: ['date', '+%Y %m %d %H %M %S'] },
  ];
  if (ids.length === 0) return queue;
  // the history has jobs that bjobs has forgotten (CLEAN_PERIOD, an hour by default)
  return [...queue, { argv: ['sh', '-c', HISTORY, 'lsf-history', ...ids] }];
}

export function parseList([queue, date, history]: readonly Output[], { ids }: JobQuery): BatchJobStatus[] {
  const live = answered(queue);
  const found = new Map<string, BatchJobStatus>();
  for (const job of remembered(history)) {
    // a job that runs in the history although bjobs does not know it ended in a part of the history that was not read
    if (ids.includes(job.jobId) && isOver(job.state ?? 'unknown')) found.set(job.id, statusOf(job, ''));
  }
  for (const job of live) {
    const before = found.get(job.id);
    const now = statusOf(job, date?.exitCode === 0 ? date.stdout : '');
    // only the history shows that a job was killed, and by whom
    found.set(job.id, before?.state === 'cancelled' && now.state === 'failed' ? { ...now, ...before } : now);
  }
  return [...found.values()];
}

/** @throws SchedulerError if bjobs could not be asked, or if its answer is incomplete */
function answered(out: Output | undefined): LsfJob[] {
  if (out === undefined || AWAY.test(out.stderr) || ![0, 255].includes(out.exitCode ?? -1)) throw refusal('bjobs', out);
  const [named = '', byId] = out.stdout.split(`\n${BY_ID}\n`);
  let jobs: LsfJob[];
  try {
    jobs = longJobs(byId === undefined ? named : `${named}\n`);
  } catch (error) {
    if (!(error instanceof CutShort)) throw error;
    throw new SchedulerError("the answer of LSF's bjobs was cut short");
  }
  const table = tableJobs(byId ?? '');
  if (jobs.length > 0 && out.exitCode === 0) return jobs.map(job => (isSure(job, table, out) ? job : lost(job)));
  if (jobs.length === 0 && `${out.stderr}\n${out.stdout}`.split('\n').some(l => NOTHING.test(l.trim()))) return [];
  throw refusal('bjobs', out);
}

/** A job that ended without an exit status has ended only if LSF says so when it is asked by id, or has forgotten it since. */
function isSure({ id, jobId, isUnsure }: LsfJob, table: readonly LsfJob[], { stderr }: Output): boolean {
  if (!isUnsure) return true;
  const rows = table.filter(row => row.id === id || row.id === jobId);
  return rows.length > 0
    ? rows.every(row => isOver(row.state ?? 'unknown'))
    : stderr.split('\n').includes(`Job <${jobId}> is not found`);
}

const lost = ({ exitCode: _, reason: __, ...job }: LsfJob): LsfJob => ({ ...job, ...judge('ZOMBI', {}) });

/** The jobs in the history, if it could be read; it is only asked for jobs that bjobs does not know. */
function remembered(out: Output | undefined): LsfJob[] {
  if (out?.exitCode !== 0) return [];
  try {
    return historyJobs(out.stdout);
  } catch (error) {
    if (error instanceof CutShort) return [];
    throw error;
  }
}

export function statusOf(job: LsfJob, now: string): BatchJobStatus {
  const { started: _, runLimit: __, isUnsure: ___, ...rest } = job;
  const left = job.state === 'running' ? secondsLeft(job, now) : undefined;
  return {
    ...rest,
    state: job.state ?? 'unknown',
    word: job.word ?? '',
    ...(left === undefined ? {} : { secondsLeft: left }),
  };
}
