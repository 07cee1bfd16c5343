import { isStepOver } from '../../jobs/step.js';
import { isRunOver } from '../../run.js';
import { type Call, flag, jsonObject, ok, param } from '../http/call.js';
import { HttpError } from '../http/errors.js';
import type { Route } from '../http/router.js';
import { endRuns } from '../people/ending.js';
import type { Entry } from '../people/people.js';
import { onlyOwner } from '../people/rules.js';
import type { Parts } from './parts.js';

/** Our own requests about the people with whom the owner shares the cluster; REANA has none. */
export const peopleRoutes = (parts: Parts): Route[] => [
  {
    ...{ method: 'GET', path: '/api/edge/people', rule: onlyOwner },
    handle: async call =>
      ok({ people: await Promise.all(parts.people.present().map(each => told(parts, call, each))) }),
  },
  {
    ...{ method: 'PUT', path: '/api/edge/people/:person', rule: onlyOwner },
    handle: async call => ok(await told(parts, call, await put(parts, call))),
  },
  {
    ...{ method: 'DELETE', path: '/api/edge/people/:person', rule: onlyOwner },
    handle: async call => ok(await remove(parts, call)),
  },
];

/** The body has the hash of the token, never the token itself: only whoever made it knows it. */
async function put({ people }: Parts, call: Call): Promise<Entry> {
  const { hash, quota } = await jsonObject(call);
  const isHash = hash === undefined || (typeof hash === 'string' && /^[0-9a-f]{64}$/.test(hash));
  const isQuota = quota === undefined || (Number.isSafeInteger(quota) && Number(quota) > 0);
  if (!isHash || !isQuota) throw new HttpError(400, 'Malformed request.');
  return people.put(param(call, 'person'), { hash, quota: quota === undefined ? undefined : Number(quota) });
}

async function remove(parts: Parts, call: Call): Promise<unknown> {
  const { people, secrets } = parts;
  const gone = await people.remove(param(call, 'person'), flag(call, 'keep_runs'));
  if (!gone) throw new HttpError(404, 'This cluster is not shared with anybody of that name.');
  const stopped = await endRuns(parts, gone.id, call.access.readable());
  if (!people.mayRun(gone.id)) await secrets.forget(gone.id);
  return { name: gone.name, stopped };
}

/** A person as the owner sees them, with what is theirs. */
async function told({ disk, steps }: Parts, { access }: Call, { id, name, since, quota }: Entry): Promise<unknown> {
  const runs = access.readable().filter(run => run.owner === id && run.status !== 'deleted');
  const active = runs.filter(run => run.status !== 'created' && !isRunOver(run.status));
  const open = active.flatMap(run => steps.of(run.id)).filter(step => !isStepOver(step.state));
  const running = open.filter(step => step.state === 'running').length;
  const { used } = await disk.usage({ id, name, isOwner: false });
  return {
    ...{ name, since, quota, used, runs: runs.length, active: active.length },
    steps: { running, waiting: open.length - running },
  };
}
