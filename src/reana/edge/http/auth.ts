import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Tickets } from '../page/tickets.js';
import type { Door } from './door.js';
import { HttpError } from './errors.js';

/** The secrets with which a request is accepted. */
export interface Keys {
  /** Secret. */
  readonly token: string;
  readonly tickets: Tickets;
  readonly door: Door;
}

/**
 * Accepts a request with the token, as `access_token` (reana-client) or as a bearer token (the page), or with a ticket
 * for its path.
 * @throws HttpError 401, 403
 */
export function authenticate(request: IncomingMessage, path: string, query: URLSearchParams, keys: Keys): void {
  const ticket = query.get('ticket');
  if (ticket && request.method === 'GET' && keys.tickets.admits(ticket, path)) return;
  const shown = query.get('access_token') ?? /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (!shown) throw new HttpError(401, 'User not signed in');
  if (!timingSafeEqual(digest(shown), digest(keys.token))) throw new HttpError(403, 'Token not valid.');
  keys.door.admit(request.socket);
}

/** Has the same length for every input. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
