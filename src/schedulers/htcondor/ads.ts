import type { BatchJobState, BatchJobStatus } from '../job.js';

/** A ClassAd's attributes as JSON values; an expression is a string such as `/Expr(…)/`. */
export type Ad = Record<string, unknown>;

/** The attributes that are asked for, of jobs in the queue and of jobs that have left it. */
const both = ['ClusterId', 'ProcId', 'JobStatus', 'ExitBySignal', 'ExitCode', 'ExitSignal'];
const live = [
  'HoldReason',
  'JobCurrentStartDate',
  'LastRejMatchReason',
  'RemoteHost',
  'ScailfinWalltime',
  'ServerTime',
];
export const queueAttributes = [...both, ...live].join(',');
export const historyAttributes = [...both, 'LastRemoteHost', 'RemoveReason'].join(',');

const REMOVED = 3;
const COMPLETED = 4;

/**
 * JobStatus, HTCondor manual "Job ClassAd Attributes"; a removed job stays in the queue until its node has released it.
 */
const STATES: Record<number, readonly [BatchJobState, string]> = {
  1: ['queued', 'IDLE'],
  2: ['running', 'RUNNING'],
  [REMOVED]: ['completing', 'REMOVED'],
  5: ['held', 'HELD'],
  6: ['completing', 'TRANSFERRING_OUTPUT'],
  7: ['held', 'SUSPENDED'],
};

/** `-json`: one array, or no output if nothing matched; undefined for an answer that was cut short or is not JSON. */
export function jsonAds(text: string): Ad[] | undefined {
  if (text.trim() === '') return [];
  // banners of the login node may come first
  const start = text.search(/^\[\s*$/m);
  try {
    const list: unknown = JSON.parse(text.slice(start));
    return Array.isArray(list) ? list.filter(ad => typeof ad === 'object' && ad !== null) : undefined;
  } catch {
    return undefined;
  }
}

/** A job in the schedd's queue. @returns nothing if the ad has no job id */
export function fromQueue(ad: Ad): BatchJobStatus[] {
  const ids = identity(ad);
  if (!ids) return [];
  const status = number(ad.JobStatus) ?? 0;
  if (status === COMPLETED) return [completed(ids, ad)];
  // newer versions report it as running until the output has arrived
  const shown = status === 2 && ad.TransferringOutput === true ? 6 : status;
  const [state, word] = STATES[shown] ?? (['unknown', `JobStatus ${status}`] as const);
  const reason = text(status === 5 ? ad.HoldReason : status === 1 ? ad.LastRejMatchReason : undefined)?.trim();
  const node = hostOf(ad.RemoteHost);
  const [now, began, walltime] = [ad.ServerTime, ad.JobCurrentStartDate, ad.ScailfinWalltime].map(number);
  const timed = state === 'running' && now !== undefined && began !== undefined && walltime !== undefined;
  return [
    {
      ...{ ...ids, state, word },
      ...(reason ? { reason } : {}),
      ...(node ? { node } : {}),
      ...(timed ? { secondsLeft: Math.max(0, began + walltime - now) } : {}),
    },
  ];
}

/** A job in the history. @returns nothing if the ad is not of a finished job */
export function fromHistory(ad: Ad): BatchJobStatus[] {
  const ids = identity(ad);
  if (ids && number(ad.JobStatus) === COMPLETED) return [completed(ids, ad)];
  if (!ids || number(ad.JobStatus) !== REMOVED) return [];
  const node = hostOf(ad.LastRemoteHost);
  // without the text of the expression
  const reason = withoutExpression(text(ad.RemoveReason));
  // nobody cancelled it: its time limit or the site's policy did
  const state = /PeriodicRemove|PERIODIC_REMOVE|ALLOWED_/i.test(reason ?? '') ? 'failed' : 'cancelled';
  return [{ ...ids, state, word: 'REMOVED', ...(reason ? { reason } : {}), ...(node ? { node } : {}) }];
}

/** `… expression 'a && b' evaluated to TRUE` */
function withoutExpression(reason: string | undefined): string | undefined {
  const [from, to] = [reason?.indexOf(" '") ?? -1, reason?.lastIndexOf("' evaluated") ?? -1];
  return from < 0 || to <= from + 1 ? reason : `${reason?.slice(0, from)}${reason?.slice(to + 1)}`;
}

/** A job whose program has ended, whether or not it is still in the queue. */
function completed(ids: Identity, ad: Ad): BatchJobStatus {
  const node = hostOf(ad.LastRemoteHost ?? ad.RemoteHost);
  const signal = ad.ExitBySignal === true ? number(ad.ExitSignal) : undefined;
  const exitCode = signal === undefined ? number(ad.ExitCode) : 128 + signal;
  return {
    ...{ ...ids, state: exitCode === undefined || exitCode === 0 ? 'finished' : 'failed', word: 'COMPLETED' },
    ...(signal === undefined ? {} : { reason: `killed by signal ${signal}` }),
    ...(node ? { node } : {}),
    ...(exitCode === undefined ? {} : { exitCode }),
  };
}

interface Identity {
  readonly id: string;
  readonly jobId: string;
}

export function identity(ad: Ad): Identity | undefined {
  const [cluster, proc] = [number(ad.ClusterId), number(ad.ProcId)];
  if (![cluster, proc].every(n => Number.isSafeInteger(n) && Number(n) >= 0)) return undefined;
  return { id: `${cluster}_${proc}`, jobId: String(cluster) };
}

const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
const text = (value: unknown): string | undefined => (typeof value === 'string' && value ? value : undefined);

/** `slot1_2@node07.site` → `node07.site` */
const hostOf = (slot: unknown): string | undefined => text(slot)?.split('@').at(-1);
