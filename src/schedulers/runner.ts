import { SchedulerError, TimeoutError } from '../errors.js';
import type { Host } from '../hosts/host.js';
import { runScript } from '../hosts/script.js';
import { templateText } from '../templates.js';
import { type BatchJob, type BatchJobStatus, type Command, isOver, type JobQuery, type Output } from './job.js';
import {
  type Changes,
  changesAfter,
  forgotten,
  limitOf,
  type Marks,
  marksCommand,
  missingFor,
  parseMarks,
  statusOfMissing,
} from './missing.js';
import { runBatch, runBatches } from './programs.js';
import type { Scheduler } from './scheduler.js';

/**
 * The cluster's jobs in the batch system, usually read in one round trip. One of our jobs that is missing in a successful
 * answer is asked for by its id. If the system says nothing of it then either, it is *unknown*, until it has been missing
 * for longer than the system may take.
 * @throws SchedulerError if the system could not be asked: then nothing is known
 */
export async function listJobs(host: Host, scheduler: Scheduler, query: JobQuery): Promise<BatchJobStatus[]> {
  return (await listJobsAnd(host, scheduler, query, [])).jobs;
}

/** The same, and the outputs of other commands, in the same round trip. */
export async function listJobsAnd(
  host: Host,
  scheduler: Scheduler,
  query: JobQuery,
  more: readonly Command[],
): Promise<{ readonly jobs: BatchJobStatus[]; readonly outputs: readonly Output[] }> {
  const commands = [...scheduler.list(query)];
  const reading = query.ids.length === 0 ? [] : [marksCommand(query.dir)];
  const outputs = await runBatches(host, scheduler, query, [...commands, ...reading, ...more], { timeoutMs: 90_000 });
  const told = outputs.slice(0, commands.length);
  const marks = parseMarks((reading.length > 0 && outputs[commands.length]?.stdout) || '');
  return {
    jobs: await judged(host, scheduler, query, told, marks),
    outputs: outputs.slice(commands.length + reading.length),
  };
}

/** @param outputs the answers to `scheduler.list` */
async function judged(
  host: Host,
  scheduler: Scheduler,
  query: JobQuery,
  outputs: readonly Output[],
  marks: Marks,
): Promise<BatchJobStatus[]> {
  // finished jobs that are not ours belong to an earlier cluster of the same name, which the batch system still remembers
  const known = new Set(query.ids);
  const isOurs = (s: BatchJobStatus): boolean => !isOver(s.state) || known.has(s.jobId);
  const found = scheduler.parseList(outputs, query).filter(isOurs);
  const limit = limitOf(scheduler, query);
  const changes = changesAfter(found, query.ids, marks);
  const { lost, back, ended } = changes;
  const isSettled = (id: string): boolean =>
    limit === 0 || (marks.since.has(id) && missingFor(id, marks, limit).seconds >= limit);
  // what `down` cancels needs no mark for its end: its directory is removed next
  const marked = limit === 0 || query.cancelled !== undefined ? [] : ended;
  if (back.length + marked.length === 0 && lost.every(isSettled)) return [...found, ...lost.map(forgotten)];
  return [...found, ...(await askFor(host, scheduler, query, changes))];
}

/** The jobs that the list does not show, in one more round trip. */
async function askFor(host: Host, scheduler: Scheduler, query: JobQuery, changes: Changes): Promise<BatchJobStatus[]> {
  const { inquiry, absence, survey } = scheduler;
  const { lost } = changes;
  const commands = lost.length > 0 ? (inquiry?.commands(lost, query) ?? []) : [];
  const outputs = await runBatches(host, scheduler, query, [...commands, marksCommand(query.dir, changes)], {
    timeoutMs: 90_000,
  });
  const asked = commands.length > 0 ? inquiry?.parse(outputs.slice(0, commands.length), lost, query) : undefined;
  const found = (asked?.jobs ?? []).filter(s => lost.includes(s.jobId));
  const marks = parseMarks(outputs[commands.length]?.stdout ?? '');
  const limit = limitOf(scheduler, query);
  const isEnded = (id: string): boolean =>
    absence.forgetsCancelled === true && query.cancelled?.includes(id) === true && asked?.denied.includes(id) === true;
  const silent = lost.filter(id => !found.some(s => s.jobId === id));
  return [
    ...found,
    ...silent.map(id =>
      isEnded(id) ? forgotten(id) : statusOfMissing(id, missingFor(id, marks, limit), survey.title),
    ),
  ];
}

/** Cancels jobs; jobs that are over already count as success. */
export async function cancelJobs(
  host: Host,
  scheduler: Scheduler,
  ids: readonly string[],
  query: JobQuery,
): Promise<void> {
  if (ids.length === 0) return;
  const { argv, stdin } = scheduler.cancel(ids, query);
  scheduler.parseCancel(
    await runBatch(host, scheduler, query, argv, { timeoutMs: 90_000, ...(stdin === undefined ? {} : { stdin }) }),
  );
}

/**
 * A batch system that answers late may have accepted the job all the same. If it could not be connected to, it has not.
 */
const UNSURE =
  /timed? ?out|not responding|send\/recv|zero bytes|communication failure|receiving gdi|read error|connection (was )?(reset|lost|closed|broken)|end of (file|message)/i;

/** Whether the batch system may have accepted a job although it answered with these words. */
export const isUnsure = (stderr: string): boolean => UNSURE.test(stderr);

/** Another submission with the same label is under way (templates/site/submit.sh). */
const BUSY = 76;

/**
 * Submits once, however often it is called with the same label, because the site keeps the answer. If the answer is lost
 * or uncertain, a job with our tag that is not known yet must be this one, and is adopted. The batch system may show it
 * later, so that it counts as refused only after the time that the system may take.
 * @returns the job ids
 * @throws SchedulerError with the system's error if it refused and no such job exists; TimeoutError if that is not known
 */
export async function submitOnce(
  host: Host,
  scheduler: Scheduler,
  job: BatchJob,
  label: string,
  query: JobQuery,
): Promise<string[]> {
  const submission = scheduler.submit(job);
  const argv = ['bash', '--norc', '-c', templateText('site/submit.sh'), 'submit', query.dir, label];
  const stdin = submission.stdin ?? '';
  argv.push(String(Buffer.byteLength(stdin)), ...submission.argv);
  for (let attempt = 0; ; attempt++) {
    const out = await runBatch(host, scheduler, query, argv, { stdin, timeoutMs: 180_000 });
    if (out.exitCode === BUSY && attempt < 15) {
      await delay(2000);
      continue;
    }
    try {
      return [scheduler.parseSubmit(out)];
    } catch (error) {
      if (!(error instanceof SchedulerError)) throw error;
      const mayBeThere = out.exitCode === BUSY || isUnsure(out.stderr);
      const adopted = await adopt(host, scheduler, query, mayBeThere ? limitOf(scheduler, query) : 0);
      if (adopted.ids.length > 0) {
        await runScript(host, noteAdopted, [query.dir, label], { check: false });
        return adopted.ids;
      }
      if (out.exitCode === BUSY || (mayBeThere && !adopted.isAnswered)) throw unanswered(scheduler, error);
      throw error;
    }
  }
}

/** `DIR LABEL`: writes down at the site that the job of a submission without an answer is known; `close.sh` reads it. */
export const noteAdopted = ': >"$1/submit/$2.adopted"';

/**
 * Withdraws a submission of which nobody knows whether it has begun.
 * @returns whether it never begins; if false, `submitOnce` with its label has its answer
 */
export async function withdraw(host: Host, label: string, { dir }: JobQuery): Promise<boolean> {
  const out = await runScript(host, templateText('site/withdraw.sh'), [dir, label]);
  return /^withdrawn$/m.test(out.stdout);
}

const unanswered = ({ survey }: Scheduler, error: SchedulerError): TimeoutError =>
  new TimeoutError(`${survey.title} may have taken the job, and can't be asked now: ${error.message}`, {
    hint: 'run the same command again: it looks for the job before it submits another one',
    cause: error,
  });

/** Ids of jobs with the tag that are not over and not known; looks for them for so many seconds. */
async function adopt(
  host: Host,
  scheduler: Scheduler,
  query: JobQuery,
  seconds: number,
): Promise<{ readonly ids: string[]; readonly isAnswered: boolean }> {
  const end = Date.now() + seconds * 1000;
  for (let failures = 0; ; ) {
    const jobs = await listJobs(host, scheduler, query).catch(error => {
      if (!(error instanceof SchedulerError)) throw error;
      failures += 1;
    });
    const fresh = jobs?.filter(s => !isOver(s.state) && !query.ids.includes(s.jobId)) ?? [];
    if (fresh.length > 0) return { ids: [...new Set(fresh.map(s => s.jobId))], isAnswered: true };
    if (Date.now() >= end || failures >= 3) return { ids: [], isAnswered: jobs !== undefined };
    await delay(Math.min(3000, end - Date.now()));
  }
}

const delay = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));
