import type { IncomingMessage } from 'node:http';
import type { Tickets } from '../page/tickets.js';
import type { People } from '../people/people.js';
import type { Person } from '../people/person.js';
import type { Door } from './door.js';
import { HttpError } from './errors.js';

/** The secrets with which a request is accepted. */
export interface Keys {
  readonly people: People;
  readonly tickets: Tickets;
  readonly door: Door;
}

/**
 * Finds out who asks: by the token, as `access_token` (reana-client) or as a bearer token (the page), or by a ticket for its
 * path, which stands for the person to whom it was given.
 * @throws HttpError 401, 403
 */
export function authenticate(request: IncomingMessage, path: string, query: URLSearchParams, keys: Keys): Person {
  const ticket = query.get('ticket');
  const holder = ticket && request.method === 'GET' ? keys.tickets.holder(ticket, path) : undefined;
  const shown = query.get('access_token') ?? /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (holder === undefined && !shown) throw new HttpError(401, 'User not signed in');
  const person = holder === undefined ? keys.people.byToken(shown ?? '') : keys.people.byId(holder);
  if (!person) throw new HttpError(403, 'Token not valid.');
  keys.door.admit(request.socket, person.id);
  return person;
}
