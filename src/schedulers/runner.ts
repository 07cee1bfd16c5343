import { SchedulerError } from '../errors.js';
import { runAll } from '../hosts/batch.js';
import type { Host } from '../hosts/host.js';
import { templateText } from '../templates.js';
import { type BatchJob, type BatchJobStatus, type Command, isOver, type JobQuery, type Output } from './job.js';
import type { Scheduler } from './scheduler.js';

/**
 * The cluster's jobs in the batch system, read in one round trip. One of our jobs that is missing in a successful answer
 * is over: the system has forgotten it.
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
  const listing = scheduler.list(query);
  const outputs = await runAll(host, [...listing, ...more], { timeoutMs: 90_000 });
  return { jobs: jobsIn(outputs.slice(0, listing.length), scheduler, query), outputs: outputs.slice(listing.length) };
}

function jobsIn(outputs: readonly Output[], scheduler: Scheduler, query: JobQuery): BatchJobStatus[] {
  // finished jobs that are not ours belong to an earlier cluster of the same name, which the batch system still remembers
  const known = new Set(query.ids);
  const found = scheduler.parseList(outputs, query).filter(s => !isOver(s.state) || known.has(s.jobId));
  const told = new Set(found.map(s => s.jobId));
  const forgotten = query.ids.filter(id => !told.has(id));
  return [
    ...found,
    ...forgotten.map((id): BatchJobStatus => ({ id, jobId: id, state: 'finished', word: 'forgotten' })),
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
    await host.run(argv, { check: false, timeoutMs: 90_000, ...(stdin === undefined ? {} : { stdin }) }),
  );
}

/** A batch system that answers late may have accepted the job all the same. */
const AMBIGUOUS = /timed? ?out|unable to contact|communication|connection|not responding|socket/i;

/**
 * Submits once, however often it is called with the same label, because the site keeps the answer. If the answer is lost
 * or uncertain, a job with our tag that is not known yet must be this one, and is adopted.
 * @returns the job ids
 * @throws SchedulerError with the system's error if it refused and no such job exists
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
    const out = await host.run(argv, { stdin, check: false, timeoutMs: 180_000 });
    if (out.exitCode === 76 && attempt < 15) {
      await delay(2000);
      continue;
    }
    try {
      return [scheduler.parseSubmit(out)];
    } catch (error) {
      if (!(error instanceof SchedulerError)) throw error;
      const tries = out.exitCode === 76 || AMBIGUOUS.test(out.stderr) ? 4 : 1;
      const adopted = await adopt(host, scheduler, query, tries);
      if (adopted.length > 0) return adopted;
      throw error;
    }
  }
}

/** Ids of jobs with the tag that are not over and not known; looks for them `tries` times. */
async function adopt(host: Host, scheduler: Scheduler, query: JobQuery, tries: number): Promise<string[]> {
  for (let n = 0; n < tries; n++) {
    if (n > 0) await delay(3000);
    const jobs = await listJobs(host, scheduler, query).catch(() => []);
    const ids = jobs.filter(s => !isOver(s.state) && !query.ids.includes(s.jobId)).map(s => s.jobId);
    if (ids.length > 0) return [...new Set(ids)];
  }
  return [];
}

const delay = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));
