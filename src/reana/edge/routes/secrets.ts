import { type Call, flag, json, jsonObject, ok } from '../http/call.js';
import { HttpError } from '../http/errors.js';
import type { Route } from '../http/router.js';
import { everyUser } from '../people/rules.js';
import type { SecretStore } from '../secret-store.js';
import type { Parts } from './parts.js';

/** Requests about the secrets of whoever asks. */
export function secretRoutes({ secrets }: Parts): Route[] {
  const mine = ({ access }: Call): Promise<SecretStore> => secrets.of(access.who.id);
  const about = { path: '/api/secrets', rule: everyUser } as const;
  return [
    { method: 'GET', ...about, handle: async call => ok(await (await mine(call)).list()) },
    {
      ...{ method: 'POST', ...about },
      handle: async call => {
        await (await mine(call)).add(await jsonObject(call), flag(call, 'overwrite'));
        return { status: 201, body: { message: 'Secret(s) successfully added.' } };
      },
    },
    {
      ...{ method: 'DELETE', ...about },
      handle: async call => {
        const names = await json(call);
        if (!Array.isArray(names)) throw new HttpError(400, 'Malformed request.');
        const missing = await (await mine(call)).delete(names.map(String));
        return missing.length > 0 ? { status: 404, body: missing } : ok(names);
      },
    },
  ];
}
