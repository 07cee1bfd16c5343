import { removeTree } from '../../tree.js';
import { type Call, isObject, jsonObject, ok } from '../http/call.js';
import { HttpError } from '../http/errors.js';
import type { Route } from '../http/router.js';
import { changes } from '../people/rules.js';
import { fullName, mayBecome, type RunRecord, runNumber } from '../runs/record.js';
import { named, type Parts, runOf } from './parts.js';
import { checkSpecification } from './specification.js';

/** Start, stop and delete runs. */
export const lifeRoutes = (parts: Parts): Route[] => [
  {
    method: 'POST',
    path: '/api/workflows/:run/start',
    rule: changes('run'),
    handle: async call => ok(await start(parts, runOf(call), await jsonObject(call, 'specification'))),
  },
  {
    method: 'PUT',
    path: '/api/workflows/:run/status',
    rule: changes('run'),
    handle: async call => ok(await setStatus(parts, call)),
  },
];

async function setStatus(parts: Parts, call: Call): Promise<unknown> {
  const run = runOf(call);
  const body = await jsonObject(call, 'specification');
  const status = call.query.get('status');
  if (status === 'start') return start(parts, run, body);
  if (status === 'stop') return stop(parts, run);
  if (status === 'deleted') return remove(parts, run, body);
  throw new HttpError(400, `Status ${status} is not one of: start, stop, deleted`);
}

async function start(parts: Parts, wanted: RunRecord, body: Record<string, unknown>): Promise<unknown> {
  const parameters = objectOf(body.input_parameters);
  const options = objectOf(body.operational_options);
  const run = body.restart === true ? await again(parts, wanted, body.reana_specification) : wanted;
  if (run.status !== 'created') {
    throw new HttpError(403, `Workflow ${fullName(run)} is already ${run.status} and cannot be started again.`);
  }
  await parts.disk.left(parts.people.byId(run.owner));
  await begin(parts, run, parameters, options);
  const { workflow_id, user } = named(run);
  const names = { workflow_id, workflow_name: run.name, run_number: runNumber(run), user };
  return { message: 'Workflow submitted.', status: 'queued', ...names };
}

/** Puts a run that was not started yet into the queue. @throws HttpError 409 */
export async function begin(
  parts: Parts,
  run: RunRecord,
  parameters: Record<string, unknown>,
  options: Record<string, unknown>,
): Promise<void> {
  const queued = await parts.book.change(run.id, { status: 'queued', queued: Date.now(), parameters, options });
  if (!queued) throw new HttpError(409, `Workflow ${run.id} could not be started because it was started already.`);
  void parts.runner.next();
}

async function again(parts: Parts, run: RunRecord, specification: unknown): Promise<RunRecord> {
  if (run.status !== 'finished' && run.status !== 'failed') {
    throw new HttpError(403, 'Only finished or failed workflows can be restarted.');
  }
  if (specification === undefined || specification === null) return parts.book.restart(run, run.specification);
  if (!isObject(specification)) throw new HttpError(400, 'Malformed request.');
  return parts.book.restart(run, checkSpecification(specification, parts.engines));
}

function objectOf(value: unknown): Record<string, unknown> {
  if (value === undefined || value === null) return {};
  if (isObject(value)) return value;
  throw new HttpError(400, 'Malformed request.');
}

async function stop({ book, runner }: Parts, run: RunRecord): Promise<unknown> {
  const stopped = await book.change(run.id, { status: 'stopped', stopped: Date.now() });
  if (!stopped) throw new HttpError(409, `Workflow ${run.id} is not running.`);
  // the stop is recorded, so it will happen in any case; the pool may take a while
  void runner.stop(run.id).catch(error => runner.log(run.id, `while it was stopped: ${error.message}`));
  return { message: 'Workflow successfully stopped', status: 'stopped', ...named(run) };
}

async function remove(parts: Parts, run: RunRecord, body: Record<string, unknown>): Promise<unknown> {
  if (body.workspace === false) {
    throw new HttpError(400, 'Workspace must always be deleted when deleting a workflow.');
  }
  if (run.status === 'running') {
    throw new HttpError(409, `Workflow ${fullName(run)} cannot be deleted as it is currently running.`);
  }
  const others = body.all_runs === true ? parts.book.namedAs(run) : [];
  for (const each of [run, ...others]) if (mayBecome(each, 'deleted')) await removeOne(parts, each);
  const message =
    body.all_runs === true ? `All workflows named ${run.name} successfully deleted.` : 'Workflow successfully deleted.';
  return { message, status: 'deleted', ...named(run) };
}

async function removeOne(parts: Parts, { id }: RunRecord): Promise<void> {
  const run = await parts.book.change(id, { status: 'deleted' });
  if (run) await discard(parts, run);
}

/** Removes what a deleted run leaves: its steps, and its files unless another run uses them, too. */
export async function discard(parts: Parts, run: RunRecord): Promise<void> {
  await parts.runner.stop(run.id);
  await parts.sessions.drop(run.id);
  await parts.steps.forget(run.id);
  const isShared = parts.book.onFilesOf(run).some(other => other.status !== 'deleted');
  if (!isShared) await removeTree(parts.workspace(run));
  parts.disk.changed(run);
  await removeTree(parts.book.dir(run.id), ['journal.jsonl']);
  await parts.book.lighten(run.id);
}
