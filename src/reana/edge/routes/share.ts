import { type Call, isObject, json, ok } from '../http/call.js';
import { HttpError } from '../http/errors.js';
import type { Route } from '../http/router.js';
import type { Person } from '../people/person.js';
import { changes, everyUser } from '../people/rules.js';
import { fullName, type RunRecord, type Share } from '../runs/record.js';
import { named, type Parts, runOf } from './parts.js';

/**
 * REANA's calls with which the owner of a run lets others read it (reana-server 0.95, `share_workflow` and the following).
 * Its client names people by their e-mail addresses.
 */
export const shareRoutes = (parts: Parts): Route[] => [
  {
    ...{ method: 'POST', path: '/api/workflows/:run/share', rule: changes('run') },
    handle: async call => ok(await share(parts, call)),
  },
  {
    ...{ method: 'POST', path: '/api/workflows/:run/unshare', rule: changes('run') },
    handle: async call => ok(await unshare(parts, call)),
  },
  {
    ...{ method: 'GET', path: '/api/workflows/:run/share-status', rule: changes('run') },
    handle: async call => ok(status(parts, call)),
  },
  {
    ...{ method: 'GET', path: '/api/users/shared-with-you', rule: everyUser },
    handle: async ({ access }) => {
      const owners = access.shared().map(run => run.owner);
      return ok({ users_shared_with_you: emails(parts, owners) });
    },
  },
  {
    ...{ method: 'GET', path: '/api/users/you-shared-with', rule: everyUser },
    handle: async ({ access }) => {
      const readers = access.own().flatMap(run => sharesOf(parts, run).map(({ id }) => id));
      return ok({ users_you_shared_with: emails(parts, readers) });
    },
  },
];

/** The shares of a run that have not ended, with people who are still there. */
export const sharesOf = ({ people }: Pick<Parts, 'people'>, { shares = [] }: RunRecord): Share[] =>
  shares.filter(({ id, until }) => people.byId(id) !== undefined && (until === undefined || Date.now() < until));

async function share(parts: Parts, call: Call): Promise<unknown> {
  const run = runOf(call);
  const body = await json(call);
  if (!isObject(body)) throw new HttpError(400, 'Malformed request.');
  const reader = readerOf(parts, run, body.user_email_to_share_with, 'share');
  const until = endOf(body.valid_until);
  await parts.book.change(run.id, now => {
    const there = sharesOf(parts, now);
    if (there.some(({ id }) => id === reader.id)) {
      throw new HttpError(409, `${fullName(run)} is already shared with ${reader.name}.`);
    }
    return { shares: [...there, { id: reader.id, ...(until === undefined ? {} : { until }) }] };
  });
  return { message: 'The workflow has been shared with the user.', ...idAndName(run) };
}

/** The specification of REANA puts the name into the query, its server's code into the body. */
async function unshare(parts: Parts, call: Call): Promise<unknown> {
  const run = runOf(call);
  const body = await json(call).catch(() => undefined);
  const wanted = call.query.get('user_email_to_unshare_with') ?? (isObject(body) && body.user_email_to_unshare_with);
  const reader = readerOf(parts, run, wanted, 'unshare');
  await parts.book.change(run.id, now => {
    const there = sharesOf(parts, now);
    if (!there.some(({ id }) => id === reader.id)) {
      throw new HttpError(409, `${fullName(run)} is not shared with ${reader.name}.`);
    }
    return { shares: there.filter(({ id }) => id !== reader.id) };
  });
  return { message: 'The workflow has been unshared with the user.', ...idAndName(run) };
}

function status(parts: Parts, call: Call): unknown {
  const run = runOf(call);
  const shared_with = sharesOf(parts, run).map(({ id, until }) => ({
    user_email: parts.people.nameOf(id),
    valid_until: until === undefined ? null : new Date(until - 1000).toISOString().slice(0, 19),
  }));
  return { ...idAndName(run), shared_with };
}

/** @throws HttpError 400, 404 */
function readerOf({ people }: Parts, run: RunRecord, name: unknown, verb: string): Person {
  if (typeof name !== 'string' || name === '') throw new HttpError(400, 'Malformed request.');
  const reader = people.byName(name);
  if (!reader) throw new HttpError(404, `User with email '${name}' does not exist.`);
  if (reader.id === run.owner) throw new HttpError(400, `Unable to ${verb} a workflow with yourself.`);
  return reader;
}

/** The end of a day `YYYY-MM-DD`, in UTC; undefined for no end. @throws HttpError 400 */
function endOf(day: unknown): number | undefined {
  if (day === undefined || day === null || day === '') return undefined;
  const begin =
    typeof day === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(begin)) throw new HttpError(400, 'Date format is not valid. Please use YYYY-MM-DD format.');
  const end = begin + 86_400_000;
  if (end <= Date.now()) throw new HttpError(400, "The 'valid_until' date cannot be in the past.");
  return end;
}

function idAndName(run: RunRecord): { workflow_id: string; workflow_name: string } {
  const { workflow_id, workflow_name } = named(run);
  return { workflow_id, workflow_name };
}

const emails = ({ people }: Parts, ids: readonly string[]): { email: string }[] =>
  [...new Set(ids)].map(id => ({ email: people.nameOf(id) }));
