import type { StepState } from '../jobs/step.js';
import type { Progress, RunStatus, WorkflowType } from '../run.js';

/*
 * What the edge tells its page. All need the token, as `Authorization: Bearer`.
 *   GET /api/edge/overview[?run=ID]        Overview
 *   GET /api/edge/events[?run=ID]          EdgeEvents as server-sent events: `event: NAME`, `data: JSON`
 *   GET /api/edge/steps/:step/log          LogEvents in the same way: all there is, then what is added, until its end
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
  /** Of the last day, oldest first, not more than a plot has room for (thinned to 500 at most). */
  readonly history: readonly PoolSample[];
  /** Newest first; no deleted ones. */
  readonly runs: readonly RunView[];
  /** Of the run asked for, oldest first; undefined where none was asked for, or it is not there. */
  readonly steps?: readonly StepView[] | undefined;
}

/** The pool as HTCondor told last; it is asked seldom, and only while somebody looks or a run is active. */
export interface PoolView {
  /** When it was asked; undefined before the first answer. */
  readonly time?: number | undefined;
  /** Why the last question was not answered; what else is told is from the one before. */
  readonly problem?: string | undefined;
  readonly glideins: readonly GlideinView[];
  readonly jobs: { readonly waiting: number; readonly running: number; readonly held: number };
}

/** A glide-in that is in the pool. A slot is a core. */
export interface GlideinView {
  /** The batch job's id, as the site's scheduler has it. */
  readonly id: string;
  readonly site: string;
  readonly node: string;
  readonly slots: number;
  /** Slots on which a step runs. */
  readonly used: number;
  /** When it leaves at the latest. */
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
  /** In full: `analysis.3.1`. */
  readonly name: string;
  readonly type: WorkflowType;
  readonly status: RunStatus;
  readonly created: number;
  readonly queued?: number | undefined;
  readonly started?: number | undefined;
  /** When it finished, failed or was stopped. */
  readonly ended?: number | undefined;
  /** Why it failed, in a sentence; the end of its log. */
  readonly reason?: string | undefined;
  /** How many steps. */
  readonly progress: { readonly [K in keyof Progress]: number };
  /** What its specification names as outputs. */
  readonly outputs: { readonly files: readonly string[]; readonly directories: readonly string[] };
}

export interface StepView {
  readonly id: string;
  readonly run: string;
  readonly name: string;
  readonly state: StepState;
  /** The command as a person reads it; at most 2000 characters of it. */
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

/** `overview` comes first, and again whenever the page connects anew; the others bring one thing up to date. */
export interface EdgeEvents {
  readonly overview: Overview;
  readonly pool: { readonly pool: PoolView; readonly sample?: PoolSample | undefined };
  readonly run: RunView;
  readonly deleted: { readonly id: string };
  /** Only of the run asked for. */
  readonly step: StepView;
}

export interface LogEvents {
  /** What to show from now on: at first, and where the log was cut at its front. */
  readonly text: { readonly text: string };
  readonly more: { readonly text: string };
  /** The step is over, and nothing more will come. */
  readonly end: Record<string, never>;
}

/** Lets a browser download by a link without the token in it: `PATH?ticket=…`, for a minute, that one path only. */
export interface Ticket {
  readonly ticket: string;
}
