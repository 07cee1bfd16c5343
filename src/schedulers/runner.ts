import { SchedulerError } from '../errors.js';
import type { Host } from '../hosts/host.js';
import { templateText } from '../templates.js';
import { type BatchJob, type BatchJobStatus, isOver, type JobQuery } from './job.js';
import { forgotten, limitOf, marksCommand, missingFor, parseMarks, statusOfMissing } from './missing.js';
import { runBatch, runBatches } from './programs.js';
import type { Scheduler } from './scheduler.js';

/**
 * The cluster's jobs in the batch system, usually read in one round trip. One of our jobs that is missing in a successful
 * answer is asked for by its id. If the system says nothing of it then either, it is *unknown*, until it has been missing
 * for longer than the system may take.
 * @throws SchedulerError if the system could not be asked: then nothing is known
 */
export async function listJobs(host: Host, scheduler: Scheduler, query: JobQuery): Promise<BatchJobStatus[]> {
  const commands = scheduler.list(query);
  const reading = query.ids.length === 0 ? [] : [marksCommand(query.dir, [], [])];
  const outputs = await runBatches(host, scheduler, query, [...commands, ...reading], { timeoutMs: 90_000 });
  // finished jobs that are not ours belong to an earlier cluster of the same name, which the batch system still remembers
  const known = new Set(query.ids);
  const isOurs = (s: BatchJobStatus): boolean => !isOver(s.state) || known.has(s.jobId);
  const found = scheduler.parseList(outputs.slice(0, commands.length), query).filter(isOurs);
  const told = new Set(found.map(s => s.jobId));
  const marks = parseMarks(outputs[commands.length]?.stdout ?? '');
  const limit = limitOf(scheduler, query);
  const lost = query.ids.filter(id => !told.has(id));
  const back = [...marks.since.keys()].filter(id => told.has(id));
  const isSettled = (id: string): boolean =>
    limit === 0 || (marks.since.has(id) && missingFor(id, marks, limit).seconds >= limit);
  if (back.length === 0 && lost.every(isSettled)) return [...found, ...lost.map(forgotten)];
  return [...found, ...(await askFor(host, scheduler, query, { lost, back }))];
}

/** The jobs that the list does not show, in one more round trip. */
async function askFor(
  host: Host,
  scheduler: Scheduler,
  query: JobQuery,
  { lost, back }: { readonly lost: readonly string[]; readonly back: readonly string[] },
): Promise<BatchJobStatus[]> {
  const { inquiry, absence, survey } = scheduler;
  const commands = lost.length > 0 ? (inquiry?.commands(lost, query) ?? []) : [];
  const outputs = await runBatches(host, scheduler, query, [...commands, marksCommand(query.dir, lost, back)], {
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
    const out = await runBatch(host, scheduler, query, argv, { stdin, timeoutMs: 180_000 });
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
