import type { BatchJobState, BatchJobStatus } from '../job.js';
import { canonicalId } from './ids.js';
import type { RawJob } from './jobs.js';

/** The meaning of one system's letters and numbers. */
export type Interpret = (
  attributes: ReadonlyMap<string, string>,
  native?: string,
) => {
  state: BatchJobState;
  exitCode?: number;
  reason?: string;
};

/**
 * One status per task if tasks are listed, otherwise one per job; a job that is listed twice counts once. A task that
 * waits has the reason of its array.
 * @param now the time of the answer in seconds, if known
 */
export function statuses(jobs: Iterable<RawJob>, interpret: Interpret, now?: number): BatchJobStatus[] {
  const found = new Map<string, BatchJobStatus>();
  const parents = new Map<string, BatchJobStatus>();
  for (const { native, attributes } of jobs) {
    const id = canonicalId(native);
    const word = attributes.get('job_state')?.trim();
    if (id === undefined) continue;
    const jobId = id.split('_')[0] as string;
    const { state, exitCode, reason } = interpret(attributes, native);
    const hosts = hostsIn(attributes.get('exec_host') ?? '');
    const left = state === 'running' ? secondsLeft(attributes, now) : undefined;
    const status = {
      ...{ id, jobId, state, word: word || '?' },
      ...(reason ? { reason } : {}),
      ...(hosts[0] === undefined ? {} : { node: hosts[0] }),
      ...(hosts.length > 1 ? { allNodes: hosts } : {}),
      ...(left === undefined ? {} : { secondsLeft: left }),
      ...(exitCode === undefined ? {} : { exitCode }),
    };
    if (native.includes('[]')) parents.set(jobId, status);
    else found.set(id, status);
  }
  for (const [id, status] of found) {
    const parent = parents.get(status.jobId);
    if (status.state === 'queued' && parent?.state === 'held')
      found.set(id, {
        ...status,
        state: 'held',
        word: parent.word,
        ...(parent.reason ? { reason: parent.reason } : {}),
      });
    else if (status.state === 'queued' && !status.reason && parent?.reason)
      found.set(id, { ...status, reason: parent.reason });
  }
  const told = new Set([...found.values()].map(s => s.jobId));
  return [...found.values(), ...[...parents.values()].filter(s => !told.has(s.jobId))];
}

/** The hosts of exec_host, each once: `c1/0-7+c2/0-7` in Torque, `c1/0*8+c2/0*8` in PBS. */
function hostsIn(text: string): string[] {
  const hosts = text.split('+').flatMap(part => /^([^/\s]+)/.exec(part.trim())?.[1] ?? []);
  return [...new Set(hosts.filter(host => host !== '--'))];
}

/**
 * Torque prints the remaining time. OpenPBS prints the used time (late), and the start, which counts if it agrees with
 * the used time.
 */
function secondsLeft(attributes: ReadonlyMap<string, string>, now = Number.NaN): number | undefined {
  const remaining = attributes.get('Walltime.Remaining');
  if (remaining !== undefined && /^-?\d+$/.test(remaining.trim())) return Math.max(0, Number(remaining));
  const limit = clockSeconds(attributes.get('Resource_List.walltime'));
  if (limit === undefined) return undefined;
  const used = clockSeconds(attributes.get('resources_used.walltime')) ?? 0;
  const since = now - Date.parse(`${attributes.get('stime')} UTC`) / 1000;
  return Math.max(0, limit - (since >= used - 60 && since < used + 1800 ? Math.floor(since) : used));
}

/** `[[hours:]minutes:]seconds`; numbers in JSON have the same form. */
function clockSeconds(text: string | undefined): number | undefined {
  if (!/^\d+(:\d+){0,2}$/.test(text ?? '')) return undefined;
  return (text as string).split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}

/**
 * 0 to 255 are the job's own status; 256 + N means signal N to its shell (271: TERM), and becomes 128 + N as in a shell.
 */
export function exitStatus(text: string | undefined): number | undefined {
  if (!/^-?\d{1,9}$/.test(text?.trim() ?? '')) return undefined;
  const code = Number(text);
  return code > 256 ? 128 + (code - 256) : code;
}

/** Why a job waits or is held, if the comment does not say it. */
export function waitingReason(attributes: ReadonlyMap<string, string>, state: BatchJobState): string | undefined {
  const comment = attributes.get('comment')?.replace(/\s+/g, ' ').trim();
  if (comment && !/^Job (started|run at|Array Began)\b/.test(comment)) return comment;
  if (state === 'held') {
    const depend = attributes.get('depend');
    if (depend) return `depend = ${depend}`;
    const holds = attributes.get('Hold_Types');
    if (holds && holds !== 'n') return `Hold_Types = ${holds}`;
  }
  const start = attributes.get('Execution_Time');
  return state === 'queued' && start ? `Execution_Time = ${start}` : undefined;
}
