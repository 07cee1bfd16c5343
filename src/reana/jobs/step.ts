/** One job of a workflow, as an engine asks for it. */
export interface StepRequest {
  readonly workflow: string;
  /** Absolute path of the run's files on the headnode; a step finds them at the same path. */
  readonly workspace: string;
  readonly name: string;
  /** As the specification has it: `docker.io/library/python:3.12`, an absolute path, or empty for none. */
  readonly image: string;
  /** A line for `bash -c`; whatever quotes it has are its own. */
  readonly command: string;
  /** The command as a person reads it; default: the command. */
  readonly shown?: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** Absolute path, on the headnode, of a directory of secret files: the step finds them in `/etc/reana/secrets`. */
  readonly secrets?: string | undefined;
  readonly resources: StepResources;
}

/** What a step needs of a node; absent takes the pool's default. */
export interface StepResources {
  readonly cores?: number | undefined;
  /** MiB. */
  readonly memory?: number | undefined;
  /** MiB. */
  readonly disk?: number | undefined;
  /** Seconds. */
  readonly time?: number | undefined;
}

/** As they really are: queued is not running. */
export type StepState = 'queued' | 'running' | 'finished' | 'failed' | 'stopped';

/** A step on record; times are milliseconds since 1970. */
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
  /** How often it was started; more than once where a node was lost. */
  readonly attempts: number;
  readonly created: number;
  readonly started?: number | undefined;
  readonly ended?: number | undefined;
}

export const isStepOver = (state: StepState): boolean => ['finished', 'failed', 'stopped'].includes(state);

/** Runs steps on the pool, and remembers them: what it knew before it was killed, it knows again after `open`. */
export interface StepService {
  /**
   * Writes the step down, then submits it; resolves when it is on record, before the pool has answered.
   * @param id makes it idempotent: the step of that id, where there is one already
   */
  submit(request: StepRequest, id?: string): Promise<Step>;
  get(id: string): Step | undefined;
  /** Of one run, oldest first. */
  of(workflow: string): readonly Step[];
  /** Resolves when the step is over. */
  ended(id: string): Promise<Step>;
  /** Removes it from the pool; over already is fine. */
  stop(id: string): Promise<void>;
  /** What it has printed so far, both streams as they came, and what the wrapper said; at most `bytes` of the end. */
  log(id: string, bytes?: number): Promise<string>;
  /** Called after each change. @returns what ends the subscription */
  onChange(listener: (step: Step) => void): () => void;
  /** Forgets a run's steps and removes their files, but not its workspace. Those that run are stopped. */
  forget(workflow: string): Promise<void>;
  /** Steps go on; nothing is watched any more. */
  close(): Promise<void>;
}
