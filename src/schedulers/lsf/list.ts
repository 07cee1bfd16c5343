import { SchedulerError } from '../../errors.js';
import { type BatchJobStatus, type Command, isOver, type JobQuery, type Output } from '../job.js';
import { limited } from './limited.js';
import { historyJobs, longJobs, secondsLeft } from './text.js';
import { CutShort, type LsfJob } from './verdict.js';
import { AWAY, NOTHING, refusal } from './words.js';

/** If bjobs waited for LSF in vain, the history query must not take as long again. */
const HISTORY = `timeout 10 bqueues >/dev/null 2>&1
[ "$?" -ne 124 ] || { echo 'LSF is not responding' >&2; exit 124; }
exec timeout 40 bhist -l "$@"`;

export function list({ tag, ids }: JobQuery): Command[] {
  // not -UF: OpenLava takes the job's command as a format there, and crashes on some
  const queue = [
    { argv: limited(30, 'bjobs', '-a', '-l', '-J', tag) },
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
  let jobs: LsfJob[];
  try {
    jobs = longJobs(out.stdout);
  } catch (error) {
    if (!(error instanceof CutShort)) throw error;
    throw new SchedulerError("the answer of LSF's bjobs was cut short");
  }
  if (jobs.length > 0 && out.exitCode === 0) return jobs;
  if (jobs.length === 0 && `${out.stderr}\n${out.stdout}`.split('\n').some(l => NOTHING.test(l.trim()))) return [];
  throw refusal('bjobs', out);
}

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
  const { started: _, runLimit: __, ...rest } = job;
  const left = job.state === 'running' ? secondsLeft(job, now) : undefined;
  return {
    ...rest,
    state: job.state ?? 'unknown',
    word: job.word ?? '',
    ...(left === undefined ? {} : { secondsLeft: left }),
  };
}
