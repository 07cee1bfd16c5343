import { mkdir } from 'node:fs/promises';
import { runStatuses } from '../../run.js';
import { type Call, flag, jsonObject, ok, page, search } from '../http/call.js';
import { HttpError } from '../http/errors.js';
import type { Route } from '../http/router.js';
import { everyUser, reads } from '../people/rules.js';
import { isUuid } from '../runs/book.js';
import { fullName, type RunRecord } from '../runs/record.js';
import { keyOf } from '../sessions/keys.js';
import { diskUsage } from '../workspace/listing.js';
import type { Size } from '../workspace/sizes.js';
import { named, type Parts, runOf, timeOf } from './parts.js';
import { sharesOf } from './share.js';
import { checkSpecification, withoutNulls } from './specification.js';
import { progressOf } from './status.js';

/** Create and list runs, and return their specifications. */
export const workflowRoutes = (parts: Parts): Route[] => [
  { method: 'GET', path: '/api/workflows', rule: everyUser, handle: async call => ok(await list(parts, call)) },
  { method: 'POST', path: '/api/workflows', rule: everyUser, handle: call => create(parts, call) },
  {
    method: 'GET',
    path: '/api/workflows/:run/specification',
    rule: reads('run'),
    handle: async call => {
      const { specification, parameters } = runOf(call);
      return ok({ specification: withoutNulls(specification), parameters });
    },
  },
  {
    method: 'GET',
    path: '/api/workflows/:run/parameters',
    rule: reads('run'),
    handle: async call => {
      const run = runOf(call);
      const parameters = { ...run.specification.inputs?.parameters, ...run.parameters };
      return ok({ id: run.id, name: fullName(run), type: run.specification.workflow.type, parameters });
    },
  },
];

async function create(parts: Parts, call: Call): ReturnType<Route['handle']> {
  if (call.query.get('spec')) {
    throw new HttpError(
      501,
      'Send the specification itself (reana-client create -f reana.yaml), or POST its URL to /api/launch.',
    );
  }
  const name = checkName(call.query.get('workflow_name') || 'workflow');
  await parts.disk.left(call.access.who);
  const specification = checkSpecification(await jsonObject(call, 'specification'), parts.engines);
  const run = await parts.book.create(call.access.who.id, name, specification);
  await mkdir(parts.workspace(run), { recursive: true, mode: 0o700 });
  const { workflow_id, workflow_name } = named(run);
  return { status: 201, body: { message: 'Workflow workspace created', workflow_id, workflow_name } };
}

/** @returns the same name @throws HttpError 400 for one that a run can't have */
export function checkName(name: string): string {
  if (name.includes('.')) throw new HttpError(400, `Workflow name ${name} contains illegal character "."`);
  if (isUuid(name)) throw new HttpError(400, 'Workflow name cannot be a valid UUIDv4.');
  // printable ASCII, as in REANA itself; such a name can be used in a header and in a path
  if (!/^[\x21-\x7e]([\x20-\x7e]{0,198}[\x21-\x7e])?$/.test(name) || name.includes('/')) {
    throw new HttpError(400, `Workflow name ${name} is not valid.`);
  }
  return name;
}

async function list(parts: Parts, call: Call): Promise<unknown> {
  const { access } = call;
  const { sessions } = parts;
  const withSecrets = flag(call, 'include_session_secrets');
  const isInteractive = call.query.get('type') === 'interactive';
  const runs = chosen(parts, call).filter(run => !isInteractive || sessions.of(run.id) !== undefined);
  const { items, total } = page(call, runs);
  // the client's --verbose expects both without asking for them
  const verbose = flag(call, 'verbose');
  const withProgress = flag(call, 'include_progress', verbose);
  const withSize = flag(call, 'include_workspace_size', verbose);
  const described = items.map(async run => ({
    ...{ id: run.id, name: fullName(run), status: run.status, user: run.owner, created: timeOf(run.created) },
    launcher_url: run.launcher ?? null,
    owner_email: parts.people.nameOf(run.owner),
    shared_with: access.isMine(run) ? sharesOf(parts, run).map(({ id }) => parts.people.nameOf(id)) : [],
    ...(isInteractive || verbose ? sessionOf(parts, run, withSecrets ? access.who.id : undefined) : {}),
    progress: progressOf(parts, run, withProgress),
    size: withSize ? await sizeOfFiles(parts, run) : unknownSize,
  }));
  const answer = { items: await Promise.all(described), total };
  return { ...answer, user_has_workflows: access.own().length > 0 };
}

/**
 * The session of a run, in REANA's form; nothing if it has none.
 * @param owner the person who asks for the secret of its address, too, if it is their run
 */
function sessionOf({ sessions, people }: Parts, run: RunRecord, owner: string | undefined): Record<string, string> {
  const { id } = run;
  const session = sessions.of(id);
  if (!session) return {};
  const isOwn = owner !== undefined && owner === run.owner;
  return {
    ...{ session_type: 'jupyter', session_uri: `/${id}`, session_status: sessions.status(session) },
    ...(isOwn ? { session_secret: keyOf(session, 'address', owner, people) } : {}),
  };
}

/**
 * Own runs and those of others, as the client asks (reana-client list --shared, --shared-by, --shared-with): by default the
 * own ones. @throws HttpError 400
 */
function whose({ people }: Parts, { access, query }: Call): RunRecord[] {
  const [by, to] = ['shared_by', 'shared_with'].map(name => query.get(name));
  if (by && to) throw new HttpError(400, 'You cannot filter by shared_by and shared_with at the same time.');
  if (by) return access.shared().filter(({ owner }) => by === 'anybody' || people.byName(by)?.id === owner);
  if (!to) return query.get('shared')?.toLowerCase() === 'true' ? access.readable() : access.own();
  return access.own().filter(run => {
    const readers = sharesOf({ people }, run).map(({ id }) => id);
    if (to === 'nobody' || to === 'anybody') return readers.length > 0 === (to === 'anybody');
    return readers.includes(people.byName(to)?.id ?? '');
  });
}

/** Newest first, unless the client asks for another order. */
function chosen(parts: Parts, call: Call): RunRecord[] {
  const { query } = call;
  const statuses = query.getAll('status').flatMap(text => text.split(','));
  const unknown = statuses.find(status => !(status in runStatuses));
  if (unknown !== undefined) throw new HttpError(400, 'Malformed request.');
  const names = search(query.get('search'))?.name ?? [];
  const wanted = query.get('workflow_id_or_name');
  const runs = whose(parts, call).filter(
    run =>
      (statuses.length === 0 || statuses.includes(run.status)) &&
      names.every(name => run.name.toLowerCase().includes(String(name).toLowerCase())) &&
      (!wanted || [run.id, run.name, fullName(run)].includes(wanted)),
  );
  return query.get('sort') === 'asc' ? runs : runs.reverse();
}

const unknownSize: Size = { raw: -1, human_readable: '' };

async function sizeOfFiles(parts: Parts, run: RunRecord): Promise<Size> {
  if (run.status === 'deleted') return { raw: 0, human_readable: '0 Bytes' };
  const [total] = await diskUsage(parts.workspace(run), true, undefined);
  return total?.size ?? unknownSize;
}
