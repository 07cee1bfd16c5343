import { flag, json, jsonObject, ok } from '../http/call.js';
import { HttpError } from '../http/errors.js';
import type { Route } from '../http/router.js';
import type { Parts } from './parts.js';

export const secretRoutes = ({ secrets }: Parts): Route[] => [
  { method: 'GET', path: '/api/secrets', handle: async () => ok(await secrets.list()) },
  {
    method: 'POST',
    path: '/api/secrets',
    handle: async call => {
      await secrets.add(await jsonObject(call), flag(call, 'overwrite'));
      return { status: 201, body: { message: 'Secret(s) successfully added.' } };
    },
  },
  {
    method: 'DELETE',
    path: '/api/secrets',
    handle: async call => {
      const names = await json(call);
      if (!Array.isArray(names)) throw new HttpError(400, 'Malformed request.');
      const missing = await secrets.delete(names.map(String));
      return missing.length > 0 ? { status: 404, body: missing } : ok(names);
    },
  },
];
