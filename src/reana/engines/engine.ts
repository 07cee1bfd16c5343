import type { StepService } from '../jobs/step.js';
import type { Progress, Specification } from '../run.js';

/** What an engine is given of a run. */
export interface EngineRun {
  readonly workflow: string;
  /** Absolute. */
  readonly workspace: string;
  /** A directory of the run's own, outside the workspace, which survives the edge: for what an engine must remember. */
  readonly dir: string;
  readonly specification: Specification;
  /** Those of the specification, with what `start` was given over them. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** `CACHE`, `FROM`, `TARGET` and the engines' own (REANA, operational options). */
  readonly options: Readonly<Record<string, unknown>>;
  /** Secrets and REANA's variables, for every step. */
  readonly environment: Readonly<Record<string, string>>;
  /** Directory of secret files, which every step finds as `/etc/reana/secrets`; undefined where there are none. */
  readonly secrets?: string | undefined;
  readonly steps: StepService;
  /** Changes in how far it is. */
  progress(progress: Progress): void;
  /** A line for the run's own log, which `reana-client logs` shows. */
  log(text: string): void;
}

/** Runs workflows of one language. */
export interface Engine {
  /**
   * Runs a workflow to its end, or goes on where an edge that was killed had left it.
   * @param signal stops it: steps that run are stopped before it settles
   * @throws ScailfinError why the workflow failed, in the words a physicist needs
   */
  run(run: EngineRun, signal: AbortSignal): Promise<void>;
}
