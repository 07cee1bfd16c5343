/** A run's status, with REANA's numbers for it (reana-db, RunStatus). */
export const runStatuses = {
  created: 0,
  running: 1,
  finished: 2,
  failed: 3,
  deleted: 4,
  stopped: 5,
  queued: 6,
  pending: 7,
} as const;
export type RunStatus = keyof typeof runStatuses;

export const isRunOver = (status: RunStatus): boolean => ['finished', 'failed', 'deleted', 'stopped'].includes(status);

export type WorkflowType = 'serial' | 'cwl' | 'yadage' | 'snakemake';

/** reana.yaml as a client sends it: complete, as JSON. */
export interface Specification {
  readonly version?: string;
  readonly inputs?: {
    readonly files?: readonly string[];
    readonly directories?: readonly string[];
    readonly parameters?: Readonly<Record<string, unknown>>;
    readonly options?: Readonly<Record<string, unknown>>;
  };
  readonly workflow: {
    readonly type: WorkflowType;
    readonly file?: string;
    /** The steps, in the form of the workflow language; null for yadage, which is loaded from the workspace. */
    readonly specification?: unknown;
    readonly resources?: Readonly<Record<string, unknown>>;
  };
  readonly outputs?: { readonly files?: readonly string[]; readonly directories?: readonly string[] };
  readonly workspace?: Readonly<Record<string, unknown>>;
}

/** The progress of a run, in steps; `failed` and the others contain the ids of steps. */
export interface Progress {
  /** Known from the start, or as soon as a workflow engine reports it. */
  readonly total: number;
  readonly running: readonly string[];
  readonly finished: readonly string[];
  readonly failed: readonly string[];
}
