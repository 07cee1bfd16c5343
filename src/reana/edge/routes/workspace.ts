import { type Call, flag, jsonObject, ok, pageOf, param, required, search, sendList } from '../http/call.js';
import { HttpError } from '../http/errors.js';
import type { Route } from '../http/router.js';
import { changes, reads } from '../people/rules.js';
import { fullName } from '../runs/record.js';
import { move, remove } from '../workspace/change.js';
import { WorkspaceError } from '../workspace/errors.js';
import { diskUsage, list } from '../workspace/listing.js';
import { prune } from '../workspace/prune.js';
import { upload } from '../workspace/upload.js';
import { download } from './download.js';
import { filesOf, named, type Parts } from './parts.js';

/** Requests about a run's files. */
export const workspaceRoutes = (parts: Parts): Route[] => [
  {
    method: 'PUT',
    path: '/api/workflows/move_files/:run',
    rule: changes('run'),
    handle: async call => ok(await moveFiles(parts, call)),
  },
  {
    method: 'POST',
    path: '/api/workflows/:run/workspace',
    rule: changes('run'),
    handle: async call => ok(await receive(parts, call)),
  },
  {
    method: 'GET',
    path: '/api/workflows/:run/workspace',
    rule: reads('run'),
    handle: async call => {
      const { root } = filesOf(parts, call);
      const wanted = search(call.query.get('search'));
      // files_only is our own: REANA lists everything that a pattern matches, including directories, without saying which
      // is which
      const filesOnly = flag(call, 'files_only');
      await sendList(call, list(root, call.query.get('file_name') ?? '', wanted, filesOnly, pageOf(call)));
      return undefined;
    },
  },
  {
    method: 'GET',
    path: '/api/workflows/:run/workspace/*',
    rule: reads('run'),
    handle: async call => {
      const { run, root } = filesOf(parts, call);
      await download(call, run, root, param(call, 'rest'));
      return undefined;
    },
  },
  {
    method: 'DELETE',
    path: '/api/workflows/:run/workspace/*',
    rule: changes('run'),
    handle: async call => ok(await remove(filesOf(parts, call).root, param(call, 'rest'))),
  },
  {
    method: 'POST',
    path: '/api/workflows/:run/prune',
    rule: changes('run'),
    handle: async call => ok(await pruneFiles(parts, call)),
  },
  {
    method: 'GET',
    path: '/api/workflows/:run/disk_usage',
    rule: reads('run'),
    handle: async call => ok(await usage(parts, call)),
  },
];

async function receive(parts: Parts, call: Call): Promise<unknown> {
  const name = required(call, 'file_name');
  const type = call.request.headers['content-type'];
  if (!type?.includes('application/octet-stream')) {
    throw new HttpError(400, `Wrong Content-Type ${type ?? 'None'} use application/octet-stream`);
  }
  const { run, root } = filesOf(parts, call);
  const left = await parts.disk.left(parts.people.byId(run.owner));
  await upload(root, name, call.request, parts.incoming, left);
  parts.disk.changed(run);
  return { message: `${name} has been successfully uploaded.` };
}

async function moveFiles(parts: Parts, call: Call): Promise<unknown> {
  const { run, root } = filesOf(parts, call);
  const source = required(call, 'source');
  try {
    await move(root, source, required(call, 'target'));
  } catch (error) {
    if (error instanceof WorkspaceError) throw new HttpError(409, error.message);
    throw error;
  }
  const { workflow_id, workflow_name } = named(run);
  return { message: `File(s) ${source} were successfully moved`, workflow_id, workflow_name };
}

const busy = ['queued', 'pending', 'running'];

/** Removes what is neither an input nor an output of the run; with `include_inputs` and `include_outputs` also these. */
async function pruneFiles(parts: Parts, call: Call): Promise<unknown> {
  const { run, root } = filesOf(parts, call);
  // a restart works on the same files
  const active = parts.book.onFilesOf(run).find(each => busy.includes(each.status));
  if (active) {
    throw new HttpError(400, `${fullName(active)} is ${active.status}: its files can be pruned when it is over.`);
  }
  const { inputs, outputs } = run.specification;
  const kept = [flag(call, 'include_inputs') ? {} : inputs, flag(call, 'include_outputs') ? {} : outputs];
  await prune(
    root,
    kept.flatMap(each => [...(each?.files ?? []), ...(each?.directories ?? [])]),
  );
  const { workflow_id, workflow_name } = named(run);
  return { message: 'The workspace has been correctly pruned.', workflow_id, workflow_name };
}

async function usage(parts: Parts, call: Call): Promise<unknown> {
  const { run, root } = filesOf(parts, call);
  const body = await jsonObject(call);
  const summarize = body.summarize === true || flag(call, 'summarize');
  return { ...named(run), disk_usage_info: await diskUsage(root, summarize, search(body.search)) };
}
