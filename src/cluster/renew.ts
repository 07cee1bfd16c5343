import { type Context, poolDir, recordOf, siteDir } from './context.js';
import { endOf, type JobProxy, placeProxy } from './credentials.js';
import { step } from './events.js';
import { lockPart } from './lock.js';
import { headHost, siteHost } from './machines.js';

/**
 * Gives a new proxy to every place of a cluster that has one. Running jobs find it at the same path. A cluster that has been taken down
 * gets none: nothing may appear where nothing remains.
 * @returns the number of places
 * @throws errors of connecting and writing, for the first place that could not be renewed
 */
export async function renewCluster(context: Context, proxy: JobProxy): Promise<number> {
  const release = lockPart(context.journal, 'proxy renew');
  try {
    return await place(context, proxy);
  } finally {
    release();
  }
}

async function place(context: Context, proxy: JobProxy): Promise<number> {
  const { connections, sink } = context;
  const record = recordOf(context);
  const { name, sites, head, state } = record;
  if (state === 'terminated') {
    sink({ type: 'note', text: `${name} has been taken down, and gets no proxy` });
    return 0;
  }
  const places = sites.flatMap(site =>
    site.facts ? [{ host: () => siteHost(connections, record, site), dir: siteDir(site.facts.base, name) }] : [],
  );
  if (head) places.push({ host: () => headHost(connections, record), dir: poolDir(head.base, name) });
  return step(
    sink,
    `Renewing the proxy of ${name}`,
    async () => {
      let n = 0;
      for (const { host, dir } of places) {
        const there = await host();
        // taken down from another machine: then a file would make the directory again
        if ((await there.run(['test', '-d', dir], { check: false })).exitCode !== 0)
          sink({
            type: 'warning',
            text: `${name} has no directory on ${there.name} any more, so it gets no proxy there`,
          });
        else {
          await placeProxy(there, dir, proxy);
          n += 1;
        }
      }
      return n;
    },
    n => `in ${n} place${n === 1 ? '' : 's'}, ${endOf(proxy)}`,
  );
}
