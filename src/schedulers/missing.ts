import { keyValues } from '../hosts/script.js';
import { templateText } from '../templates.js';
import { formatDuration } from '../units.js';
import type { BatchJobStatus, Command, JobQuery, Missing } from './job.js';
import type { Scheduler } from './scheduler.js';

/**
 * Jobs that a batch system does not show. The cluster's directory on the site remembers since when each is missing, so
 * that every command, on every machine, knows it.
 */
export interface Marks {
  /** Unix time there; undefined if the marks could not be read. */
  readonly now: number | undefined;
  /** The Unix time when a job was found missing for the first time. */
  readonly since: ReadonlyMap<string, number>;
}

/** Reads the marks, and changes them: `found` jobs lose theirs, `lost` jobs get one unless they have it. */
export function marksCommand(dir: string, lost: readonly string[], found: readonly string[]): Command {
  const changes = [...found.map(id => `-${id}`), ...lost.map(id => `+${id}`)];
  return { argv: ['sh', '-c', templateText('site/missing.sh'), 'missing', dir, ...changes] };
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
