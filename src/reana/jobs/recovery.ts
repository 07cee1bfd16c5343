import { readdir, readFile } from 'node:fs/promises';
import type { Ledger } from './ledger.js';
import type { JobQueue, QueuedJob } from './queue.js';
import { type Change, isInPool, type StepRecord } from './record.js';

/** Waits until no other process submits descriptions of `dir`: a service that was killed may have left one. */
export async function othersSubmitted(dir: string): Promise<void> {
  while (await someoneSubmits(dir)) await new Promise(resolve => setTimeout(resolve, 100));
}

async function someoneSubmits(dir: string): Promise<boolean> {
  const pids = (await readdir('/proc').catch(() => [])).filter(name => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map(pid => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return lines
    .map(line => line.split('\0'))
    .some(([program, ...args]) => {
      return program?.endsWith('condor_submit') && args.some(arg => arg.startsWith(`${dir}/`));
    });
}

/**
 * Compares the records with the state of the pool, to find what the event log did not report.
 * @param settled resolves when the events that were on their way have been read
 * @param isBusy whether a step's job is being submitted now
 * @returns the steps that the pool has never heard of
 * @throws CommandError if the pool does not answer
 */
export async function reconcile(
  ledger: Ledger,
  queue: JobQueue,
  isBusy: (id: string) => boolean,
  settled: () => Promise<void>,
): Promise<string[]> {
  const left = [...ledger.steps.left()];
  const busy = new Set(left.filter(({ id }) => isBusy(id)).map(({ id }) => id));
  const before = new Map(left.filter(({ id }) => !busy.has(id)).map(step => [step.id, step]));
  const jobs = await queue.jobs();
  const unwanted = jobs.filter(({ step: id }) => {
    const now = ledger.get(id);
    return now === undefined || (!busy.has(id) && isUnwanted(before.get(id) ?? now));
  });
  if (unwanted.length > 0) await queue.remove(unwanted.map(({ job }) => job));
  const there = new Map(jobs.map(job => [job.step, job]));
  const missing: StepRecord[] = [];
  for (const step of before.values()) {
    if (!isInPool(step)) continue;
    const job = there.get(step.id);
    if (!job) missing.push(step);
    else await adopt(ledger, step, job);
  }
  if (missing.length === 0) return [];
  await settled();
  const never: string[] = [];
  const history = await queue.past(missing.map(({ id }) => id));
  for (const { id, job } of missing) {
    const past = history.get(id);
    const step = ledger.get(id);
    // the answer can't include what happened to the step meanwhile
    if (!step || !isInPool(step) || isBusy(id) || step.job !== job) continue;
    if (past) await ledger.change(id, endOf(past, step));
    else if (step.job === undefined && step.stopping) await ledger.change(id, stopped());
    else if (step.job === undefined) never.push(id);
    else await ledger.change(id, { state: 'failed', ended: Date.now(), reason: 'its job vanished from the pool' });
  }
  return never;
}

/** The job is in the queue, but nobody waits for it any more. */
const isUnwanted = (step: StepRecord): boolean =>
  (!isInPool(step) && step.ending === undefined) || step.stopping === true;

async function adopt(ledger: Ledger, step: StepRecord, { job, status, reason }: QueuedJob): Promise<void> {
  const held = status === 5 ? { state: 'failed', ended: Date.now(), reason: `HTCondor held it: ${reason}` } : {};
  if (step.job !== job || status === 5) await ledger.change(step.id, { job, ...held } as Change);
}

const stopped = (): Change => ({ state: 'stopped', ended: Date.now(), reason: 'stopped' });

function endOf(past: QueuedJob, step: StepRecord): Change {
  const { job, exitCode, signal, status, reason } = past;
  const at = Date.now();
  if (status === 4) return { job, ending: { exitCode, signal, at } };
  if (step.stopping) return { job, ...stopped() };
  return { job, state: 'failed', ended: at, reason: `it was removed from the pool: ${reason ?? 'no reason given'}` };
}
