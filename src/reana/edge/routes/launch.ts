import { chmod, mkdir } from 'node:fs/promises';
import type { Submission } from '../../submission.js';
import { type Call, isObject, jsonObject, ok } from '../http/call.js';
import { HttpError } from '../http/errors.js';
import type { Route } from '../http/router.js';
import { everyUser } from '../people/rules.js';
import type { RunRecord } from '../runs/record.js';
import { inside, namesOf } from '../workspace/inside.js';
import { upload } from '../workspace/upload.js';
import { begin, discard } from './life.js';
import { named, type Parts } from './parts.js';
import { checkSpecification } from './specification.js';
import { checkName } from './workflows.js';

/** Create and start a run of a specification that is somewhere on the web (reana-server 0.9.4, `launch`). */
export const launchRoutes = (parts: Parts): Route[] => [
  { method: 'POST', path: '/api/launch', rule: everyUser, handle: async call => ok(await launch(parts, call)) },
];

async function launch(parts: Parts, call: Call): Promise<unknown> {
  const { url, name, parameters, specification } = texts(await jsonObject(call));
  if (url === undefined) throw new HttpError(400, 'Malformed request: it has no url.');
  const given = parametersIn(parameters);
  const { who } = call.access;
  const room = await parts.disk.left(who);
  const left = leaving(call);
  return parts.launcher.fetch({ url, specification }, { who: who.id, room, left }, async fetched => {
    const { submission } = fetched;
    const own = submission.specification.inputs?.parameters ?? {};
    const strange = Object.keys(given).find(each => !Object.hasOwn(own, each));
    if (strange !== undefined) throw new HttpError(400, `Input parameter "${strange}" is not present in reana.yaml`);
    const checked = checkSpecification({ ...submission.specification }, parts.engines);
    const wanted = checkName(name?.replaceAll(' ', '') || fetched.name || 'workflow');
    // fetching takes minutes, in which an access may end
    if (left.aborted || parts.people.byId(who.id) === undefined) throw new HttpError(403, 'Token not valid.');
    const run = await parts.book.create(who.id, wanted, checked, fetched.url);
    try {
      await fill(parts, run, submission, room);
    } catch (error) {
      // without its files it can't run, and nobody asked for it as it is
      const gone = await parts.book.change(run.id, { status: 'deleted' });
      if (gone) await discard(parts, gone);
      throw error;
    } finally {
      parts.disk.changed(run);
    }
    await begin(parts, run, given, {});
    const { workflow_id, workflow_name } = named(run);
    return { message: 'The workflow has been successfully submitted.', workflow_id, workflow_name };
  });
}

/** Copies the inputs into the run's workspace, as if they were uploaded; a program stays one. */
async function fill(parts: Parts, run: RunRecord, { folder, files }: Submission, room: number): Promise<void> {
  const root = parts.workspace(run);
  await mkdir(root, { recursive: true, mode: 0o700 });
  let left = room;
  for (const { path } of files) {
    const handle = await folder.open(path);
    const { size, mode } = await handle.stat();
    await upload(root, path, handle.createReadStream(), parts.incoming, left);
    left -= size;
    if ((mode & 0o100) === 0) continue;
    const names = namesOf(path);
    const last = names.pop();
    await inside(root, names, directory => chmod(`${directory}/${last}`, 0o755));
  }
}

/** The fields of a request, all of which are texts. @throws HttpError 400 */
function texts(body: Record<string, unknown>): Readonly<Record<string, string | undefined>> {
  const fields = ['url', 'name', 'parameters', 'specification'].map(field => {
    const value = body[field];
    if (value === undefined || value === null || typeof value === 'string') return [field, value ?? undefined] as const;
    throw new HttpError(400, `Malformed request: ${field} is not a text.`);
  });
  return Object.fromEntries(fields);
}

/** They are JSON within JSON. */
function parametersIn(text = '{}'): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // reported below
  }
  throw new HttpError(400, "The workflow 'parameters' field is not valid JSON.");
}

/** Aborts when the client goes, or is cut off because its access has ended. */
function leaving({ response }: Call): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) controller.abort();
  });
  return controller.signal;
}
