import { bringUp } from '../../../headnode/component.js';
import { edge as component } from '../../../headnode/edge.js';
import { packageVersion } from '../../../paths.js';
import { EdgePeople } from '../../../reana/people.js';
import { provedBy } from '../../../reana/proved.js';
import { clientOf } from '../client.js';
import type { Flavour } from '../flavour.js';
import { ownToken, tokenOf } from '../token-files.js';
import { renderEdge } from './render.js';

/** scailfin's own server for REANA's API, a process that the pool's master runs. */
export const edge: Flavour = {
  // it ends with the pool, and all of its files are in the pool's directory
  components: [],
  ownScripts: /^edge-|^node-look$|^program-stop$/,

  // its component reports this when it is started
  missing: async () => [],

  async bringUp(at, { launchHosts, sessions }) {
    const { pool, folder } = at;
    const plan = {
      token: ownToken(folder),
      version: packageVersion(),
      condorBin: pool.bin,
      isFenced: pool.unfenced === undefined,
      launchHosts,
      sessions,
    };
    return { flavour: 'edge', scheme: 'http', port: await bringUp(component, at, plan) };
  },

  // the pool's own answer includes it: no further round trip
  status: async (_facts, _at, pool) => ({ state: (await pool)?.edge ?? 'unknown' }),

  dial: ({ port }, here, dial) => provedBy(tokenOf(here), port, dial),

  people: (facts, here, dial) => new EdgePeople(clientOf(facts, here, dial)),

  render: renderEdge,
};
