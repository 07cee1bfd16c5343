import type { StepService } from '../jobs/step.js';
import type { Specification } from '../run.js';
import type { StepCache } from './cache.js';
import type { Tally } from './tally.js';

/** A run as its workflow engine sees it. */
export interface EngineRun {
  readonly workflow: string;
  /** Absolute. */
  readonly workspace: string;
  /**
   * The run's own directory outside the workspace, which survives the edge: for what the workflow engine must remember.
   */
  readonly dir: string;
  readonly specification: Specification;
  /** The parameters of the specification, overridden by those given to `start`. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** `CACHE`, `FROM`, `TARGET` and the workflow engines' own (REANA, operational options). */
  readonly options: Readonly<Record<string, unknown>>;
  /** Secrets and REANA's variables, for every step. */
  readonly environment: Readonly<Record<string, string>>;
  /** Directory of secret files, which every step sees as `/etc/reana/secrets`; undefined if there are none. */
  readonly secrets?: string | undefined;
  /** Repositories of CVMFS that every step sees. */
  readonly cvmfs?: readonly string[] | undefined;
  readonly steps: StepService;
  /** The outputs of earlier runs, if the run asks for them. */
  readonly cache?: StepCache | undefined;
  /** The progress, which the workflow engine keeps up to date. */
  readonly tally: Tally;
  /** Called when the progress has changed. */
  progress(): void;
  /** Writes a line to the run's own log, which `reana-client logs` shows. */
  log(text: string): void;
}

/** A workflow engine: runs workflows of one language. */
export interface WorkflowEngine {
  /**
   * Runs a workflow to its end, or continues it where an edge that was killed left it.
   * @param signal stops it: running steps are stopped before this settles
   * @throws ScailfinError why the workflow failed, in words that help a physicist
   */
  run(run: EngineRun, signal: AbortSignal): Promise<void>;
}
