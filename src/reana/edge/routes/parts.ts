import type { StepService } from '../../jobs/step.js';
import type { Call } from '../http/call.js';
import { HttpError } from '../http/errors.js';
import type { Launcher } from '../launch/launcher.js';
import type { PoolWatch } from '../page/pool.js';
import type { Tickets } from '../page/tickets.js';
import type { Disk } from '../people/disk.js';
import type { People } from '../people/people.js';
import type { RunBook } from '../runs/book.js';
import { fullName, type RunRecord } from '../runs/record.js';
import type { Runner, WorkflowEngines } from '../runs/runner.js';
import type { SecretStores } from '../secret-store.js';
import type { Sessions } from '../sessions/sessions.js';

/** What routes do with runs that they have: which runs somebody may see is for `Access` to say. */
export type Runs = Pick<
  RunBook,
  'create' | 'restart' | 'change' | 'lighten' | 'onChange' | 'dir' | 'onFilesOf' | 'namedAs'
>;

/** The objects that the routes use. */
export interface Parts {
  readonly cluster: string;
  /** Of scailfin. */
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly began: number;
  readonly book: Runs;
  readonly people: People;
  readonly runner: Runner;
  readonly steps: StepService;
  readonly engines: WorkflowEngines;
  readonly secrets: SecretStores;
  readonly pool: PoolWatch;
  readonly tickets: Tickets;
  readonly workspaces: string;
  /** Directory of incomplete uploads, on the workspaces' file system. */
  readonly incoming: string;
  readonly workspace: (run: RunRecord) => string;
  readonly disk: Disk;
  readonly launcher: Launcher;
  readonly sessions: Sessions;
}

/** A time in REANA's form, from milliseconds since 1970. */
export const timeOf = (ms: number): string => new Date(ms).toISOString().slice(0, 19);

/** A run that a request names, which its sender may see: the route's rule says which word of it that is. */
export function runOf({ runs }: Call, word = 'run'): RunRecord {
  const run = runs[word];
  if (!run) throw new HttpError(404, 'Workflow does not exist.');
  return run;
}

/** The directory of its files. @throws HttpError 404 for a run that was deleted, with its files */
export function filesOf(parts: Parts, call: Call): { readonly run: RunRecord; readonly root: string } {
  const run = runOf(call);
  if (run.status === 'deleted') throw new HttpError(404, 'Workspace does not exist.');
  return { run, root: parts.workspace(run) };
}

/** The fields by which answers name a run. */
export const named = (run: RunRecord): { workflow_id: string; workflow_name: string; user: string } => ({
  ...{ workflow_id: run.id, workflow_name: fullName(run), user: run.owner },
});
