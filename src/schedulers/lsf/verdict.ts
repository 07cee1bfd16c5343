import { trimEndOf } from '../../text.js';
import type { BatchJobState } from '../job.js';

/** Job states, bjobs(1) "STAT"; ZOMBI and UNKWN mean that LSF lost contact to a job that may still run. */
const STATES: Record<string, BatchJobState> = {
  PEND: 'queued',
  WAIT: 'queued',
  PROV: 'queued',
  FWD_PEND: 'queued',
  PSUSP: 'held',
  USUSP: 'held',
  SSUSP: 'held',
  RUN: 'running',
  DONE: 'finished',
  POST_DONE: 'finished',
  EXIT: 'failed',
  POST_ERR: 'failed',
  UNKWN: 'unknown',
  ZOMBI: 'unknown',
};

/** Why a job is unknown: bjobs(1) "UNKWN" and "ZOMBI". */
const LOST: Record<string, string> = {
  UNKWN: 'LSF cannot reach its node',
  ZOMBI: 'LSF cannot reach its node, and ends the job there as soon as it can',
};

/** Termination reasons that a person caused, lsf_admin "Termination reasons displayed by bacct, bhist, and bjobs". */
const KILLED = /\bTERM_(FORCE_)?(OWNER|ADMIN)\b|\bTERM_(BUCKET_KILL|REMOVE_HUNG_JOB)\b/;

/** One job or array task, as any command of LSF shows it. */
export interface LsfJob {
  /** `123`, or `123_2` for an array task. */
  readonly id: string;
  readonly jobId: string;
  readonly state?: BatchJobState;
  readonly word?: string;
  readonly exitCode?: number;
  readonly reason?: string;
  readonly node?: string;
  /** LSF's local clock, without a year: `Nov 22 03:14:11`. */
  readonly started?: string;
  /** Seconds. */
  readonly runLimit?: number;
  /** LSF says that it ended, but not how. */
  readonly isUnsure?: true;
}

/** LSF's answer is incomplete: what is missing is unknown. */
export class CutShort extends Error {}

export function idOf(jobId: string, index: string | undefined): Pick<LsfJob, 'id' | 'jobId'> {
  return { id: index === undefined || index === '0' ? jobId : `${jobId}_${index}`, jobId };
}

/** Facts about how a job ended, in addition to its state. */
interface Ending {
  readonly exitCode?: number | undefined;
  /** LSF's sentence, or its TERM_ reason. */
  readonly words?: string | undefined;
  readonly started?: boolean | undefined;
  /** LSF reported that somebody sent it a signal. */
  readonly killed?: boolean | undefined;
}

/** State, exit status and reason of a job in the state `word`. */
export function judge(word: string, { exitCode, words, started, killed }: Ending): Partial<LsfJob> {
  const state = Object.hasOwn(STATES, word) ? (STATES[word] as BatchJobState) : 'unknown';
  if (state === 'finished') return { state, word, exitCode: exitCode ?? 0 };
  if (state !== 'failed')
    return { state, word, ...(Object.hasOwn(LOST, word) ? { reason: LOST[word] as string } : {}) };
  const said = words === undefined ? undefined : trimEndOf(words.split('The CPU time used is', 1)[0] as string, '.;');
  const exit = exitCode === undefined ? {} : { exitCode };
  // a job that never started can only have been cancelled; INT is the first signal that bkill sends (bkill(1))
  const given = said !== undefined && /\bTERM_[A-Z_]+/.test(said);
  const cancelled = given
    ? KILLED.test(said)
    : killed || exitCode === 130 || (started === false && exitCode === undefined);
  if (cancelled) return { state: 'cancelled', word, ...exit, ...(said ? { reason: said } : {}) };
  // LSF ends a job at its run limit with USR2 (bsub(1) -W)
  const why = !given && exitCode === 140 ? ' (signal 12, which LSF sends at the run limit)' : '';
  return { state, word, ...exit, ...(said ? { reason: said + why } : {}) };
}

/** `Exited with exit code 3.` → 3, `Exited by signal 9.` → 137. */
export function exitOf(text: string | undefined): number | undefined {
  const code = /\bexit\s*code\s*(\d+)/i.exec(text ?? '')?.[1];
  if (code !== undefined) return Number(code);
  const signal = /\bby\s*signal\s*(\d+)/i.exec(text ?? '')?.[1];
  return signal === undefined ? undefined : 128 + Number(signal);
}
