import { proofOf, proofPath } from '../../proof.js';
import { ok, required } from '../http/call.js';
import { HttpError } from '../http/errors.js';
import type { Route } from '../http/router.js';
import { anybody } from '../people/rules.js';

/** A client checks by this that the edge knows the token, before it sends the token. @param token secret */
export const proofRoutes = (token: string): Route[] => [
  {
    ...{ method: 'GET', path: proofPath, rule: anybody('it tells whether the edge has a token that the client has') },
    handle: async call => {
      const nonce = required(call, 'nonce');
      if (!/^[\w-]{16,64}$/.test(nonce)) throw new HttpError(400, 'Malformed request.');
      return ok({ proof: proofOf(token, call.request.socket.localPort ?? 0, nonce) });
    },
  },
];
