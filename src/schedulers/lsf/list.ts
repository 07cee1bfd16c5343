import { SchedulerError } from '../../errors.js';
import { type BatchJobStatus, type Command, isOver, type JobQuery, type Output } from '../job.js';
import { limited } from './limited.js';
import { CutShort, historyJobs, type LsfJob, longJobs, secondsLeft } from './text.js';
import { AWAY, NOTHING, refusal } from './words.js';

/** Where LSF has let bjobs wait in vain, the history is not to take as long again. */
const HISTORY = `timeout 10 bqueues >/dev/null 2>&1
[ "$?" -ne 124 ] || { echo 'LSF is not responding' >&2; exit 124; }
exec timeout 40 bhist -l "$@"`;

export function list({ tag, ids }: JobQuery): Command[] {
  // not -UF: OpenLava takes the job's command for a format there, and dies of some
  const queue = [
    { argv: limited(30, 'bjobs', '-a', '-l', '-J', tag) },
    // LSF tells when a job began, on this clock, and not how long it may go on
    { argv: ['date', '+%Y %m %d %H %M %S'] },
  ];
  if (ids.length === 0) return queue;
  // the history knows what bjobs has forgotten (CLEAN_PERIOD, an hour by default)
  return [...queue, { argv: ['sh', '-c', HISTORY, 'lsf-history', ...ids] }];
}

export function parseList([queue, date, history]: readonly Output[], { ids }: JobQuery): BatchJobStatus[] {
  const live = answered(queue);
  const found = new Map<string, BatchJobStatus>();
  for (const job of remembered(history)) {
    // a job that goes on there, though bjobs doesn't know it, ended in a part of the history that was not read
    if (ids.includes(job.jobId) && isOver(job.state ?? 'unknown')) found.set(job.id, statusOf(job, ''));
  }
  for (const job of live) {
    const before = found.get(job.id);
    const now = statusOf(job, date?.exitCode === 0 ? date.stdout : '');
    // only the history tells that a job was killed, and by whom
    found.set(job.id, before?.state === 'cancelled' && now.state === 'failed' ? { ...now, ...before } : now);
  }
  return [...found.values()];
}

/** @throws SchedulerError when bjobs could not be asked, or its answer is not whole */
function answered(out: Output | undefined): LsfJob[] {
  if (out === undefined || AWAY.test(out.stderr) || ![0, 255].includes(out.exitCode ?? -1)) throw refusal('bjobs', out);
  let jobs: LsfJob[];
  try {
    jobs = longJobs(out.stdout);
  } catch (error) {
    if (!(error instanceof CutShort)) throw error;
    throw new SchedulerError("LSF's bjobs was cut short in its answer");
  }
  if (jobs.length > 0 && out.exitCode === 0) return jobs;
  if (jobs.length === 0 && `${out.stderr}\n${out.stdout}`.split('\n').some(l => NOTHING.test(l.trim()))) return [];
  throw refusal('bjobs', out);
}

/** What the history tells, where it could be read; it is only asked for what bjobs doesn't know. */
function remembered(out: Output | undefined): LsfJob[] {
  if (out?.exitCode !== 0) return [];
  try {
    return historyJobs(out.stdout);
  } catch (error) {
    if (error instanceof CutShort) return [];
    throw error;
  }
}

function statusOf(job: LsfJob, now: string): BatchJobStatus {
  const { started: _, runLimit: __, ...rest } = job;
  const left = job.state === 'running' ? secondsLeft(job, now) : undefined;
  return {
    ...rest,
    state: job.state ?? 'unknown',
    word: job.word ?? '',
    ...(left === undefined ? {} : { secondsLeft: left }),
  };
}
