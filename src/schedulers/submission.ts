import { CommandError, messageOf, SchedulerError, TimeoutError } from '../errors.js';
import { type BatchCommand, runAll } from '../hosts/batch.js';
import type { FileToPut, Host } from '../hosts/host.js';
import { runScript } from '../hosts/script.js';
import { putting, requirePut } from '../hosts/transfer.js';
import { templateText } from '../templates.js';
import { type BatchJob, isOver, type JobQuery, type Output } from './job.js';
import { limitOf } from './missing.js';
import { placed, requireFound, runBatch } from './programs.js';
import { listJobs } from './runner.js';
import type { Scheduler } from './scheduler.js';

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
 * @param files that the job needs: they are put there first, in the same round trip
 * @returns the job ids
 * @throws SchedulerError with the system's error if it refused and no such job exists, or if the files could not be put
 *   there; TimeoutError if that is not known
 */
export async function submitOnce(
  host: Host,
  scheduler: Scheduler,
  job: BatchJob,
  label: string,
  query: JobQuery,
  files: readonly FileToPut[] = [],
): Promise<string[]> {
  const submission = scheduler.submit(job);
  const argv = ['bash', '--norc', '-c', templateText('site/submit.sh'), 'submit', query.dir, label];
  const stdin = submission.stdin ?? '';
  argv.push(String(Buffer.byteLength(stdin)), ...submission.argv);
  for (let attempt = 0; ; attempt++) {
    const out =
      attempt === 0 && files.length > 0
        ? await submitWith(host, scheduler, query, { argv, stdin }, files)
        : await runBatch(host, scheduler, query, argv, { stdin, timeoutMs: 180_000 });
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

/** @returns the output of the submission; if the files could not be put there, it did not begin */
async function submitWith(
  host: Host,
  scheduler: Scheduler,
  query: JobQuery,
  { argv, stdin }: BatchCommand,
  files: readonly FileToPut[],
): Promise<Output> {
  const commands = [putting(files), { argv: placed(scheduler, query, argv), stdin: stdin ?? '' }];
  const [put, out] = await runAll(host, commands, { timeoutMs: 180_000, stopAtFailure: true });
  try {
    if (put) requirePut(host, files, put);
  } catch (error) {
    const hint = 'nothing was submitted; once that is mended, the same command continues';
    if (error instanceof CommandError) throw new SchedulerError(messageOf(error), { hint, cause: error });
    throw error;
  }
  if (out?.exitCode === 127) requireFound(scheduler, host, out.stderr);
  // the shell was ended in between: nobody knows
  if (!out) throw new TimeoutError(`${host.name} did not say what became of the submission ${query.tag}`);
  return out;
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
