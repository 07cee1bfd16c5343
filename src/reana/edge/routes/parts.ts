import type { StepService } from '../../jobs/step.js';
import { type Call, param } from '../http/call.js';
import { HttpError } from '../http/errors.js';
import type { PoolWatch } from '../page/pool.js';
import type { Tickets } from '../page/tickets.js';
import type { RunBook } from '../runs/book.js';
import { fullName, type RunRecord } from '../runs/record.js';
import type { Runner, WorkflowEngines } from '../runs/runner.js';
import type { SecretStore } from '../secret-store.js';

/** The objects that the routes use. */
export interface Parts {
  readonly cluster: string;
  /** Of scailfin. */
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly began: number;
  readonly book: RunBook;
  readonly runner: Runner;
  readonly steps: StepService;
  readonly engines: WorkflowEngines;
  readonly secrets: SecretStore;
  readonly pool: PoolWatch;
  readonly tickets: Tickets;
  readonly workspaces: string;
  /** Directory of incomplete uploads, on the workspaces' file system. */
  readonly incoming: string;
  readonly workspace: (run: RunRecord) => string;
  /** Disk usage of all workspaces in bytes, which is cached, and the free space. */
  readonly disk: () => Promise<{ readonly used: number; readonly free: number }>;
}

/** The only user: whoever has the token. User ids in REANA are UUIDs. */
export const user = '00000000-0000-0000-0000-000000000000';

/** A time in REANA's form, from milliseconds since 1970. */
export const timeOf = (ms: number): string => new Date(ms).toISOString().slice(0, 19);

/** The run that a route's `:run` names. @throws HttpError 404 */
export const runOf = (parts: Parts, call: Call): RunRecord => parts.book.find(param(call, 'run'));

/** The directory of its files. @throws HttpError 404 for a run that was deleted, with its files */
export function filesOf(parts: Parts, call: Call): { readonly run: RunRecord; readonly root: string } {
  const run = runOf(parts, call);
  if (run.status === 'deleted') throw new HttpError(404, 'Workspace does not exist.');
  return { run, root: parts.workspace(run) };
}

/** The fields by which answers name a run. */
export const named = (run: RunRecord): { workflow_id: string; workflow_name: string; user: string } => ({
  ...{ workflow_id: run.id, workflow_name: fullName(run), user },
});
