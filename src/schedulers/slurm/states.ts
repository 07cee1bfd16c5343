import type { BatchJobState } from '../job.js';
import { taskNumbers } from '../most.js';

/** Job state codes, squeue(1) "JOB STATE CODES"; sacct(1) adds words to some (`CANCELLED by 1002`). */
const STATES: Record<string, BatchJobState> = {
  PENDING: 'queued',
  CONFIGURING: 'queued',
  REQUEUED: 'queued',
  REQUEUE_FED: 'queued',
  REQUEUE_HOLD: 'held',
  RESV_DEL_HOLD: 'held',
  SPECIAL_EXIT: 'held',
  RUNNING: 'running',
  SUSPENDED: 'held',
  STOPPED: 'held',
  RESIZING: 'running',
  SIGNALING: 'running',
  COMPLETING: 'completing',
  STAGE_OUT: 'completing',
  COMPLETED: 'finished',
  FAILED: 'failed',
  BOOT_FAIL: 'failed',
  DEADLINE: 'failed',
  NODE_FAIL: 'failed',
  OUT_OF_MEMORY: 'failed',
  PREEMPTED: 'failed',
  REVOKED: 'failed',
  TIMEOUT: 'failed',
  CANCELLED: 'cancelled',
};

/** How jobs end through no fault of their own, squeue(1) "JOB STATE CODES". */
const LOST: ReadonlySet<string> = new Set(['NODE_FAIL', 'BOOT_FAIL', 'PREEMPTED']);

/** What its state word says of how a job ended. */
export const lossOf = (word: string): { lost?: true } => (LOST.has(word) ? { lost: true } : {});

/** Reasons of a pending job that only a person can remove, squeue(1) "JOB REASON CODES". */
const HOLDS = new Set([
  'JobHeldUser',
  'JobHeldAdmin',
  'BadConstraints',
  'DependencyNeverSatisfied',
  'PartitionTimeLimit',
]);

/** The meaning of a state word, with the reason beside it. */
export function stateOf(word: string, reason?: string): BatchJobState {
  const state = STATES[word] ?? 'unknown';
  return state === 'queued' && reason !== undefined && HOLDS.has(reason) ? 'held' : state;
}

/** `CANCELLED+`, as sacct cuts long words in its tables: the only state that begins like this. */
export function wholeWord(cut: string): string {
  const begin = cut.replace(/\+$/, '');
  const meant = Object.keys(STATES).filter(word => word.startsWith(begin));
  return meant.includes(begin) || meant.length !== 1 ? begin : (meant[0] as string);
}

/** ExitCode as text, `3:0` or `0:9`, as a shell reports it. */
export function exitOf(text: string): number | undefined {
  const [, code, signal] = /^(\d+):(\d+)$/.exec(text) ?? [];
  if (code === undefined) return undefined;
  return Number(signal) ? 128 + Number(signal) : Number(code);
}

/** `17_[2-4,9%2]` → 17_2, 17_3, 17_4, 17_9; other texts, also a shortened list, stay unchanged. */
export function expandTasks(id: string): string[] {
  const [, job, list] = /^(\d+)_\[([\d,:-]+)(?:%\d+)?\]$/.exec(id) ?? [];
  if (job === undefined || list === undefined) return [id];
  return taskNumbers(list)?.map(n => `${job}_${n}`) ?? [id];
}
