import type { Progress, RunStatus, Specification } from '../../run.js';

/** A person with whom a run is shared. */
export interface Share {
  readonly id: string;
  /** When the share ends; absent: never. Milliseconds since 1970. */
  readonly until?: number | undefined;
}

/** The record of a run; times are milliseconds since 1970. */
export interface RunRecord {
  /** A UUID. */
  readonly id: string;
  /** The person whose run it is (people/person.ts). */
  readonly owner: string;
  /** Those who may read it, too. */
  readonly shares?: readonly Share[] | undefined;
  readonly name: string;
  /** Counts the runs of one name and one person, from 1. */
  readonly number: number;
  /** Counts the restarts of one run; 0 for the run itself. */
  readonly restart: number;
  /** Id of the run whose files it works on: its own id, or that of the run it restarts. */
  readonly workspace: string;
  readonly specification: Specification;
  /** The URL from which it was launched. */
  readonly launcher?: string | undefined;
  readonly created: number;
  readonly status: RunStatus;
  /** The parameters given to `start`, which override those of the specification. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly options: Readonly<Record<string, unknown>>;
  readonly queued?: number | undefined;
  readonly started?: number | undefined;
  readonly finished?: number | undefined;
  readonly stopped?: number | undefined;
  /** Why it failed. */
  readonly reason?: string | undefined;
  /** Its progress; while it runs, its workflow engine has the current values. */
  readonly progress?: Progress | undefined;
}

/** `3`, or `3.1` for a restart. */
export const runNumber = (run: RunRecord): string =>
  run.restart === 0 ? String(run.number) : `${run.number}.${run.restart}`;

/** `analysis.3`, or `analysis.3.1` for a restart. */
export const fullName = (run: RunRecord): string => `${run.name}.${runNumber(run)}`;

/** Which status may follow which (as in reana-db; stopping a queued run is our addition). */
const next: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
  created: ['queued', 'failed', 'deleted'],
  queued: ['pending', 'running', 'failed', 'stopped', 'deleted'],
  pending: ['running', 'queued', 'failed', 'stopped', 'deleted'],
  running: ['finished', 'failed', 'stopped'],
  finished: ['deleted'],
  failed: ['deleted'],
  stopped: ['deleted'],
  deleted: [],
};

export const mayBecome = (run: RunRecord, status: RunStatus): boolean => next[run.status].includes(status);

/** The parameters in effect: those of `start` override those of the specification. */
export const parametersOf = (run: RunRecord): Readonly<Record<string, unknown>> => ({
  ...run.specification.inputs?.parameters,
  ...run.parameters,
});
