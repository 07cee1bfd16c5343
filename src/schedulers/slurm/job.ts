import { type BatchJobState, isOver } from '../job.js';
import type { UnderstoodJob } from '../understanding.js';
import { expandTasks, stateOf, wholeWord } from './states.js';

/** `exit` counts only for a job that is over: before its end it is also 0. */
export function understood(
  id: string,
  shown: string | undefined,
  why: string | undefined,
  exit?: number,
): UnderstoodJob[] {
  const reason = why && why !== 'None' && why !== '(null)' ? why : undefined;
  const word = shown === undefined ? undefined : wordOf(shown);
  const state: BatchJobState | undefined = word === undefined ? undefined : stateOf(word, reason);
  const job = {
    ...(state === undefined || word === undefined ? {} : { state, word }),
    ...(exit !== undefined && (state === undefined || isOver(state)) ? { exit } : {}),
    ...(reason === undefined ? {} : { reason }),
  };
  return expandTasks(id).map(task => ({ id: task, ...job }));
}

/** squeue's two-letter codes, squeue(1) "JOB STATE CODES". */
const COMPACT: Record<string, string> = {
  ...{ BF: 'BOOT_FAIL', CA: 'CANCELLED', CD: 'COMPLETED', CF: 'CONFIGURING', CG: 'COMPLETING', DL: 'DEADLINE' },
  ...{ F: 'FAILED', NF: 'NODE_FAIL', OOM: 'OUT_OF_MEMORY', PD: 'PENDING', PR: 'PREEMPTED', R: 'RUNNING' },
  ...{ RD: 'RESV_DEL_HOLD', RF: 'REQUEUE_FED', RH: 'REQUEUE_HOLD', RQ: 'REQUEUED', RS: 'RESIZING', RV: 'REVOKED' },
  ...{
    S: 'SUSPENDED',
    SE: 'SPECIAL_EXIT',
    SI: 'SIGNALING',
    SO: 'STAGE_OUT',
    ST: 'STOPPED',
    TO: 'TIMEOUT',
    OO: 'OUT_OF_MEMORY',
  },
};

function wordOf(shown: string): string {
  const word = shown.split(' ')[0] as string;
  return COMPACT[word] ?? wholeWord(word);
}
