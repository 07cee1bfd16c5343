import { type Call, jsonObject, ok, param } from '../http/call.js';
import { HttpError } from '../http/errors.js';
import type { Route } from '../http/router.js';
import { changes } from '../people/rules.js';
import { keyOf } from '../sessions/keys.js';
import { sessionTypes } from '../sessions/sessions.js';
import { type Parts, runOf } from './parts.js';

/** Open and close interactive sessions, as REANA does (reana-workflow-controller, rest/workflows_session.py). */
export const sessionRoutes = (parts: Parts): Route[] => [
  {
    ...{ method: 'POST', path: '/api/workflows/:run/open/:type', rule: changes('run') },
    handle: async call => ok(await open(parts, call)),
  },
  {
    ...{ method: 'POST', path: '/api/workflows/:run/close', rule: changes('run') },
    handle: async call => {
      await parts.sessions.end(runOf(call));
      return ok({ message: 'The interactive session has been closed' });
    },
  },
  {
    ...{ method: 'GET', path: '/api/workflows/:run/interactive-session-secret', rule: changes('run') },
    handle: async call => ok(secretOf(parts, call)),
  },
];

/** For the address that clients since 0.95.0a5 print: it opens the session, and nothing else. */
function secretOf({ sessions, people }: Parts, call: Call): unknown {
  const { id } = runOf(call);
  const session = sessions.of(id);
  if (!session) throw new HttpError(404, 'This run has no open interactive session.');
  return { session_secret: keyOf(session, 'address', call.access.who.id, people), path: `/${id}` };
}

async function open(parts: Parts, call: Call): Promise<unknown> {
  const type = param(call, 'type');
  if (!(sessionTypes as readonly string[]).includes(type)) {
    throw new HttpError(404, `Interactive session type ${type} not found, try with one of: ${sessionTypes.join(', ')}`);
  }
  const run = runOf(call);
  if (run.status === 'deleted') {
    throw new HttpError(404, "Interactive session can't be opened from a deleted workflow");
  }
  const image = imageOf((await jsonObject(call)).image);
  await parts.disk.left(parts.people.byId(run.owner));
  await parts.sessions.begin(run, image);
  return { path: `/${run.id}` };
}

/** reana-client sends null where the user names none. */
function imageOf(image: unknown): string | undefined {
  if (image === undefined || image === null || image === '') return undefined;
  if (typeof image === 'string' && /^[!-~]{1,500}$/.test(image)) return image;
  throw new HttpError(400, 'The image of an interactive session must be a name without blanks.');
}
