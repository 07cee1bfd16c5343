import { SchedulerError } from '../errors.js';
import { type BatchCommand, type BatchOptions, runAll } from '../hosts/batch.js';
import type { Host } from '../hosts/host.js';
import { type BatchJobStatus, type Command, isOver, type JobQuery, type Output } from './job.js';
import {
  type Changes,
  changesAfter,
  forgotten,
  limitOf,
  marksCommand,
  missingFor,
  parseMarks,
  statusOfMissing,
} from './missing.js';
import { placed, requireFound, runBatch, runBatches } from './programs.js';
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
  const asked = listing(scheduler, query);
  const outputs = await runBatches(host, scheduler, query, [...asked, ...more], { timeoutMs: 90_000 });
  return {
    jobs: await judged(host, scheduler, query, outputs.slice(0, asked.length)),
    outputs: outputs.slice(asked.length),
  };
}

/**
 * The same after other commands, in the same round trip; these run whatever becomes of the question.
 * @param read reads the output of the first of them; jobs that its query adds are asked for in one more round trip
 */
export async function listJobsAfter(
  host: Host,
  scheduler: Scheduler,
  query: JobQuery,
  before: readonly BatchCommand[],
  options: BatchOptions,
  read: (output: Output) => JobQuery,
): Promise<BatchJobStatus[]> {
  const asked = listing(scheduler, query);
  const ours = asked.map(({ argv, stdin }) => ({ argv: placed(scheduler, query, argv), stdin }));
  const all = await runAll(host, [...before, ...ours], options);
  const outputs = all.slice(before.length);
  const now = read(all[0] as Output);
  if (now.ids.some(id => !query.ids.includes(id))) return listJobs(host, scheduler, now);
  for (const { exitCode, stderr } of outputs) if (exitCode === 127) requireFound(scheduler, host, stderr);
  return judged(host, scheduler, now, outputs);
}

/** The commands that list a cluster's jobs, and what is known of those that were missing before. */
const listing = (scheduler: Scheduler, query: JobQuery): readonly Command[] => [
  ...scheduler.list(query),
  ...(query.ids.length === 0 ? [] : [marksCommand(query.dir)]),
];

/** @param answers to `listing` */
async function judged(
  host: Host,
  scheduler: Scheduler,
  query: JobQuery,
  answers: readonly Output[],
): Promise<BatchJobStatus[]> {
  const told = scheduler.list(query).length;
  const outputs = answers.slice(0, told);
  const marks = parseMarks(answers[told]?.stdout ?? '');
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

/** The jobs after a cancellation, and what the system said if it did not accept all of it. */
export interface AfterCancel {
  readonly jobs: BatchJobStatus[];
  readonly refused?: SchedulerError;
}

/**
 * The same, and then the jobs as `listJobs`, in the same round trip. A system that refuses to end one job may have ended
 * the others, so its answer about them counts.
 * @param wait the command that gives the jobs time to end
 */
export async function cancelAndList(
  host: Host,
  scheduler: Scheduler,
  ids: readonly string[],
  query: JobQuery,
  wait: readonly string[],
): Promise<AfterCancel> {
  const { argv, stdin } = scheduler.cancel(ids, query);
  const before = [{ argv: placed(scheduler, query, argv), stdin }, { argv: wait }];
  let refused: SchedulerError | undefined;
  const jobs = await listJobsAfter(host, scheduler, query, before, { timeoutMs: 180_000 }, output => {
    if (output.exitCode === 127) requireFound(scheduler, host, output.stderr);
    try {
      scheduler.parseCancel(output);
      return query;
    } catch (error) {
      if (!(error instanceof SchedulerError)) throw error;
      refused = error;
      // a job that is missing now may be one that was not cancelled
      return { ...query, cancelled: [] };
    }
  });
  return { jobs, ...(refused === undefined ? {} : { refused }) };
}
