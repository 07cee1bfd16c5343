import { HttpError } from '../http/errors.js';
import type { Method, Route } from '../http/router.js';
import { everyUser } from '../people/rules.js';

/** REANA's routes that this cluster does not offer, with the reasons. */
const absent: readonly (readonly [Method, string, string])[] = [
  ['GET', '/api/config', 'This cluster has no REANA web interface.'],
  ['GET', '/api/status', 'To see the state of the pool: scailfin status'],
  ['PUT', '/api/token', 'The token of this cluster is made by scailfin up.'],
  ['GET', '/api/gitlab', 'GitLab is not supported on this cluster.'],
  ['GET', '/api/gitlab/*', 'GitLab is not supported on this cluster.'],
  ['POST', '/api/gitlab/*', 'GitLab is not supported on this cluster.'],
  ['DELETE', '/api/gitlab/*', 'GitLab is not supported on this cluster.'],
];

export const absentRoutes = (): Route[] =>
  absent.map(([method, path, message]) => ({
    method,
    path,
    rule: everyUser,
    handle: () => Promise.reject(new HttpError(501, message)),
  }));
