import type { StepState } from '../jobs/step.js';
import type { Progress, RunStatus, WorkflowType } from '../run.js';

/*
 * What the edge tells its page. All need the token, as `Authorization: Bearer`.
 *   GET /api/edge/overview[?run=ID]        Overview
 *   GET /api/edge/events[?run=ID]          EdgeEvents as server-sent events: `event: NAME`, `data: JSON`
 *   GET /api/edge/steps/:step/log          LogEvents in the same way: all there is, then what is added, until its end
 *   GET /api/edge/graph?run=ID             GraphAnswer
 *   GET /api/edge/ticket?path=PATH         Ticket
 * A stream says something at least every 20 s, be it an empty comment. Times are milliseconds since 1970, by the
 * edge's clock.
 */

/** Everything at one moment. */
export interface Overview {
  readonly cluster: string;
  /** Of scailfin. */
  readonly version: string;
  readonly now: number;
  readonly pool: PoolView;
  /** The samples of the last day, oldest first, not more than a plot can show (at most 500). */
  readonly history: readonly PoolSample[];
  /** Those that the reader may see, newest first; without deleted runs. */
  readonly runs: readonly RunView[];
  /** Steps of the requested run, oldest first; undefined if no run was requested, or if it does not exist. */
  readonly steps?: readonly StepView[] | undefined;
}

/** The pool by HTCondor's last answer. It is asked rarely, and only while somebody looks or a run is active. */
export interface PoolView {
  /** The time of the answer; undefined before the first one. */
  readonly time?: number | undefined;
  /** Why the last query failed; all other fields are from the answer before it. */
  readonly problem?: string | undefined;
  readonly glideins: readonly GlideinView[];
  readonly jobs: { readonly waiting: number; readonly running: number; readonly held: number };
}

/** A glide-in in the pool. A slot is a core. */
export interface GlideinView {
  /** The batch job's id in the site's scheduler. */
  readonly id: string;
  readonly site: string;
  readonly node: string;
  readonly slots: number;
  /** Slots on which a step runs. */
  readonly used: number;
  /** The latest time at which it ends. */
  readonly ends?: number | undefined;
}

export interface PoolSample {
  readonly time: number;
  readonly used: number;
  readonly free: number;
  /** Jobs that wait for a slot. */
  readonly waiting: number;
}

export interface RunView {
  readonly id: string;
  /** The complete name: `analysis.3.1`. */
  readonly name: string;
  /** The name of the person whose run it is; undefined if it is the reader's own. */
  readonly owner?: string | undefined;
  /** It is shared with the reader, who can't change it. */
  readonly isReadOnly?: boolean | undefined;
  readonly type: WorkflowType;
  readonly status: RunStatus;
  readonly created: number;
  readonly queued?: number | undefined;
  readonly started?: number | undefined;
  /** When it finished, failed or was stopped. */
  readonly ended?: number | undefined;
  /** Why it failed, in one sentence; the end of its log. */
  readonly reason?: string | undefined;
  /** Numbers of steps. */
  readonly progress: { readonly [K in keyof Progress]: number };
  /** The outputs in its specification. */
  readonly outputs: { readonly files: readonly string[]; readonly directories: readonly string[] };
}

export interface StepView {
  readonly id: string;
  readonly run: string;
  readonly name: string;
  readonly state: StepState;
  /** The command as a person reads it; at most its first 2000 characters. */
  readonly command: string;
  readonly image: string;
  /** The pool's job: `12.0`. */
  readonly job?: string | undefined;
  readonly node?: string | undefined;
  readonly created: number;
  readonly started?: number | undefined;
  readonly ended?: number | undefined;
  readonly exitCode?: number | undefined;
  readonly reason?: string | undefined;
  readonly attempts: number;
}

/** `overview` comes first, and again whenever the page reconnects; the other events update one thing each. */
export interface EdgeEvents {
  readonly overview: Overview;
  readonly pool: { readonly pool: PoolView; readonly sample?: PoolSample | undefined };
  readonly run: RunView;
  readonly deleted: { readonly id: string };
  /** Only steps of the requested run. */
  readonly step: StepView;
}

export interface LogEvents {
  /** The text to show from now on: at the beginning, and if the beginning of the log was cut off. */
  readonly text: { readonly text: string };
  readonly more: { readonly text: string };
  /** The step is over, and nothing more will come. */
  readonly end: Record<string, never>;
}

/** The order of a run's steps, by their names: a pair says that the first one comes before the second. */
export interface WorkflowGraph {
  readonly nodes: readonly string[];
  readonly edges: readonly (readonly [before: string, after: string])[];
}

/** No graph: it is not known yet, or it is too large to be drawn. */
export interface GraphAnswer {
  readonly graph?: WorkflowGraph | undefined;
}

/** Lets a browser download by a link without the token: `PATH?ticket=…`, for one minute and for this path only. */
export interface Ticket {
  readonly ticket: string;
}
