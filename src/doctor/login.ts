import { AuthError } from '../errors.js';
import { LocalHost } from '../hosts/local.js';
import { failed, ok, type Stage, skipped } from './stage.js';

/** The server accepts the login. */
export const login: Stage = {
  id: 'login',
  title: 'Login',

  async run({ patient, facts }) {
    if (!patient.login) {
      facts.learn({ host: new LocalHost() });
      return skipped('the site is this machine');
    }
    try {
      const host = await facts.get('connecting');
      facts.learn({ host });
      return ok(`as ${host.name}`);
    } catch (error) {
      const tried = facts.get('way').hops.at(-1)?.user;
      // the user name on this machine is often not the one at the site
      if (!(error instanceof AuthError) || patient.user !== undefined) throw error;
      const known = patient.site ? `, or set it permanently: scailfin config set sites.${patient.name}.user NAME` : '';
      return failed(
        error.message,
        `if the site does not know you as ${tried}, give --user NAME${known}; otherwise ${error.hint ?? 'ask the site'}`,
      );
    }
  },
};
