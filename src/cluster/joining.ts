import { UsageError } from '../errors.js';
import { type Context, checkOwner, reachSite, recordOf, type Site } from './context.js';
import { headHost, isBesidePool } from './machines.js';
import type { ClusterRecord } from './record.js';
import type { SiteSpec } from './spec.js';
import { proveReachable, UnreachableError } from './steps/connect.js';

/**
 * Whether a further site can be part of the cluster. Changes nothing.
 * @param relay what the user's settings say about a relay at the site
 * @throws UsageError if the cluster's name is taken there, or its nodes could not reach the pool; errors of connecting to it
 */
export async function checkJoins(context: Context, spec: SiteSpec, relay: boolean | undefined): Promise<void> {
  const record = recordOf(context);
  checkRelay(record, spec, relay);
  const site = await reachSite(context, spec);
  checkOwner(site.probe.owner, record, site.host.name, spec.site);
  if (record.head && !record.head.relay && needsWay(record, spec)) await checkReached(context, site);
}

/** Nodes that are not beside the pool. */
const needsWay = (record: ClusterRecord, spec: SiteSpec): boolean =>
  spec.profile.login !== undefined && !isBesidePool(record, spec);

const another = (site: string): string => `bring up another cluster there: scailfin up NAME --site ${site} --relay`;

function checkRelay(record: ClusterRecord, spec: SiteSpec, relay: boolean | undefined): void {
  const { name, head } = record;
  const { site, profile } = spec;
  if (head?.relay && !profile.login && record.spec.headnode.kind !== 'local')
    throw new UsageError(`${name} is reached by relays only, and ${site} is this machine, where none can be`, {
      hint: `bring up another cluster there: scailfin up NAME --site ${site}`,
    });
  if (head?.relay && needsWay(record, spec) && relay === false)
    throw new UsageError(`${name} is reached by relays only, and your settings refuse one at ${site}`, {
      hint: `scailfin config unset sites.${site}.relay; or bring up another cluster there: scailfin up NAME --site ${site}`,
    });
  if (head && !head.relay && needsWay(record, spec) && profile.network.outbound === false && relay !== false)
    throw new UsageError(
      `compute nodes of ${site} reach nothing but their login node, and ${name} was brought up without a relay`,
      {
        hint: `${another(site)}; if they do reach ${head.address} port ${head.port}: scailfin config set sites.${site}.relay false`,
      },
    );
}

async function checkReached(context: Context, site: Site): Promise<void> {
  const record = recordOf(context);
  const { head, name } = record;
  if (!head) return;
  const host = await headHost(context.connections, record);
  await proveReachable(site, { host }, head.port, [head.address], '').catch(error => {
    if (!(error instanceof UnreachableError)) throw error;
    throw new UsageError(`${error.message}, and ${name} was brought up without a relay`, {
      hint: `${another(site.spec.site)}; or open port ${head.port} on the headnode for the site`,
    });
  });
}
