import type { StepOnNode } from '../../steps/environment.js';
import type { Wire, WireEvents } from './wire.js';

/** One job of a workflow, as a workflow engine asks for it. */
export interface StepRequest extends StepOnNode {
  readonly workflow: string;
  /** The command as a person reads it; default: the command. */
  readonly shown?: string | undefined;
  readonly resources: StepResources;
  /** Whose step it is, for HTCondor's accounting; only the edge itself sets it. Absent: the pool's owner. */
  readonly account?: Account | undefined;
  /** Its input and output are connected with the edge (`StepService.wire`); it is no step of a run. */
  readonly isSession?: boolean | undefined;
}

/** A person among those who share the pool. Neither word has blanks, quotes or dollar signs. */
export interface Account {
  /** What HTCondor's accounting calls the person. */
  readonly name: string;
  /** The name for people to read; `owner` for the pool's owner. */
  readonly person: string;
}

/** The resources that a step needs on a node; an absent one has the pool's default. */
export interface StepResources {
  readonly cores?: number | undefined;
  /** MiB. */
  readonly memory?: number | undefined;
  /** MiB. */
  readonly disk?: number | undefined;
  /** Seconds. */
  readonly time?: number | undefined;
}

/** The real state: queued is not running. */
export type StepState = 'queued' | 'running' | 'finished' | 'failed' | 'stopped';

/** A recorded step; times are milliseconds since 1970. */
export interface Step {
  /** A UUID. */
  readonly id: string;
  readonly request: StepRequest;
  readonly state: StepState;
  /** The pool's job: `12.0`; undefined until it has one. */
  readonly job?: string | undefined;
  /** Why it waits, failed or was stopped, in one sentence. */
  readonly reason?: string | undefined;
  readonly exitCode?: number | undefined;
  readonly node?: string | undefined;
  /** How often it was started; more than once if a node was lost. */
  readonly attempts: number;
  readonly created: number;
  readonly started?: number | undefined;
  readonly ended?: number | undefined;
}

export const isStepOver = (state: StepState): boolean => ['finished', 'failed', 'stopped'].includes(state);

/** Runs steps on the pool and records them: after a restart, `open` reads its records again. */
export interface StepService {
  /**
   * Records the step, then submits it; resolves when it is recorded, before the pool has answered.
   * @param id makes the call idempotent: if a step with this id exists, it is returned
   */
  submit(request: StepRequest, id?: string): Promise<Step>;
  get(id: string): Step | undefined;
  /** The steps of one run, oldest first. */
  of(workflow: string): readonly Step[];
  /** Resolves when the step is over; rejects when the signal says that nobody waits any more. */
  ended(id: string, signal?: AbortSignal): Promise<Step>;
  /** Removes it from the pool; if it is over already, that is fine. */
  stop(id: string): Promise<void>;
  /** Its output so far, both streams in their order, and the wrapper's messages; at most the last `bytes`. */
  log(id: string, bytes?: number): Promise<string>;
  /** The way to the program of a session, from the moment at which it says something. */
  wire(id: string, events: WireEvents): Wire;
  /**
   * Brings what a session has changed so far into its run's files.
   * @param archive of its changed files; it is removed @param deleted paths of files that are gone
   */
  save(id: string, archive: string, deleted: readonly string[]): Promise<void>;
  /** Called after each change. @returns a function that ends the subscription */
  onChange(listener: (step: Step) => void): () => void;
  /** Forgets a run's steps and removes their files, but not its workspace. Running steps are stopped. */
  forget(workflow: string): Promise<void>;
  /** Stops watching; the steps continue. */
  close(): Promise<void>;
}
