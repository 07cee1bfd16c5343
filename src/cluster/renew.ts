import { type Context, poolDir, recordOf, siteDir } from './context.js';
import { endOf, type JobProxy, placeProxy } from './credentials.js';
import { step } from './events.js';
import { headHost, siteHost } from './machines.js';

/**
 * Gives a new proxy to every place of a cluster that has one. Running jobs find it at the same path.
 * @returns the number of places
 * @throws errors of connecting and writing, for the first place that could not be renewed
 */
export async function renewCluster(context: Context, proxy: JobProxy): Promise<number> {
  const { connections, sink } = context;
  const record = recordOf(context);
  const { name, sites, head } = record;
  const places = sites.flatMap(site =>
    site.facts ? [{ host: () => siteHost(connections, record, site), dir: siteDir(site.facts.base, name) }] : [],
  );
  if (head) places.push({ host: () => headHost(connections, record), dir: poolDir(head.base, name) });
  return step(
    sink,
    `Renewing the proxy of ${name}`,
    async () => {
      for (const { host, dir } of places) await placeProxy(await host(), dir, proxy);
      return places.length;
    },
    n => `in ${n} place${n === 1 ? '' : 's'}, ${endOf(proxy)}`,
  );
}
