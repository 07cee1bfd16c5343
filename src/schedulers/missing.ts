import { keyValues } from '../hosts/script.js';
import { templateText } from '../templates.js';
import { formatDuration } from '../units.js';
import { type BatchJobStatus, type Command, isOver, type JobQuery, type Missing } from './job.js';
import type { Scheduler } from './scheduler.js';

/**
 * Jobs that a batch system does not show. The cluster's directory on the site remembers since when each is missing, so
 * that every command, on every machine, knows it.
 */
export interface Marks {
  /** Unix time there; undefined if the marks could not be read. */
  readonly now: number | undefined;
  /** The Unix time when a job was found missing for the first time; 0 if the batch system has said that it is over. */
  readonly since: ReadonlyMap<string, number>;
}

/** Job ids whose marks change. */
export interface Changes {
  /** Not shown: they get a mark unless they have one. */
  readonly lost: readonly string[];
  /** Shown again. */
  readonly back: readonly string[];
  /** Over by the batch system's word. It may forget them soon, so that word is remembered. */
  readonly ended: readonly string[];
}

/** The changes after an answer that shows these jobs. */
export function changesAfter(shown: readonly BatchJobStatus[], ids: readonly string[], { since }: Marks): Changes {
  const told = new Set(shown.map(s => s.jobId));
  const alive = new Set(shown.filter(s => !isOver(s.state)).map(s => s.jobId));
  return {
    lost: ids.filter(id => !told.has(id)),
    back: ids.filter(id => alive.has(id) && since.has(id)),
    ended: ids.filter(id => told.has(id) && !alive.has(id) && since.get(id) !== 0),
  };
}

/** Reads the marks and changes them. */
export function marksCommand(dir: string, { lost, back, ended }: Changes = { lost: [], back: [], ended: [] }): Command {
  const changes = [...back.map(id => `-${id}`), ...lost.map(id => `+${id}`), ...ended.map(id => `=${id}`)];
  return { argv: ['bash', '--norc', '-c', templateText('site/missing.sh'), 'missing', dir, ...changes] };
}

export function parseMarks(text: string): Marks {
  const values = keyValues(text);
  const since = (values.get('missing') ?? []).flatMap(line => {
    const [, at, id] = /^(\d+) (\S+)$/.exec(line) ?? [];
    return id === undefined ? [] : [[id, Number(at)] as const];
  });
  const now = values.get('now')?.[0];
  return { now: now !== undefined && /^\d+$/.test(now) ? Number(now) : undefined, since: new Map(since) };
}

/** How long a job is missing, by the site's own clock. A clock that was set back begins anew. */
export function missingFor(id: string, { now, since }: Marks, limit: number): Missing {
  const at = since.get(id);
  return { seconds: now === undefined || at === undefined ? 0 : Math.max(0, now - at), limit };
}

/** The seconds after which a missing job counts as over. */
export const limitOf = (scheduler: Scheduler, query: JobQuery): number => query.silence ?? scheduler.absence.seconds;

/** A missing job is unknown, or over once it has been missing for longer than the batch system may take. */
export function statusOfMissing(id: string, missing: Missing, system: string): BatchJobStatus {
  if (missing.seconds >= missing.limit) return forgotten(id);
  const reason = `${system} has not shown it for ${formatDuration(missing.seconds)}; it counts as over after ${formatDuration(missing.limit)}`;
  return { id, jobId: id, state: 'unknown', word: 'missing', reason, missing };
}

export const forgotten = (id: string): BatchJobStatus => ({ id, jobId: id, state: 'finished', word: 'forgotten' });
