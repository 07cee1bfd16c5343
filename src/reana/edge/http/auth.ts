import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { HttpError } from './errors.js';

/**
 * Lets through who shows the token: as `access_token` (reana-client), or as a bearer (the page).
 * @throws HttpError 401, 403
 */
export function authenticate(request: IncomingMessage, query: URLSearchParams, token: string): void {
  const shown = query.get('access_token') ?? /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (!shown) throw new HttpError(401, 'User not signed in');
  if (!timingSafeEqual(digest(shown), digest(token))) throw new HttpError(403, 'Token not valid.');
}

/** Of one length, whatever was shown. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
