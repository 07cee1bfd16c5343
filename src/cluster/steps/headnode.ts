import { ScailfinError } from '../../errors.js';
import { bringUp } from '../../headnode/component.js';
import { htcondor } from '../../headnode/htcondor.js';
import type { PoolPlan, RunningPool } from '../../htcondor/pool.js';
import { type Context, headnodeOf, recordOf, type Site } from '../context.js';
import { isNews } from '../machines.js';
import { candidates, claim, describeHead, type Head, proveReachable } from './connect.js';

/** The identity domain of a cluster's pool: a token of one cluster is useless in another. */
export const trustDomain = (name: string, id: string): string => `${name}-${id}.scailfin`;

/** Starts the pool on the headnode, and tests that the site can reach it. */
export async function bringUpPool(context: Context, site: Site, head: Head): Promise<RunningPool> {
  const record = recordOf(context);
  const { spec, name } = record;
  const { base } = head.probe;
  if (head.probe.uid === 0) {
    throw new ScailfinError(`the pool must be run by an ordinary user, and on ${head.host.name} you are root`, {
      hint: 'run the pool as an ordinary user, or choose another headnode: --headnode [user@]host',
    });
  }
  await claim(context, head.host, base, 'pool');
  const { machine } = head.probe;
  if (machine && isNews(record, machine)) context.journal.append({ type: 'machine', machine });
  context.journal.append({ type: 'intent', what: `start the pool on ${head.host.name}` });
  const addresses = candidates(site, head);
  if (addresses.length === 0)
    throw new ScailfinError(`${head.host.name} has no IPv4 address but loopback`, {
      hint: 'choose another --headnode',
    });
  const at = headnodeOf(context, head);
  const plan: PoolPlan = {
    dir: at.dir,
    name,
    trustDomain: trustDomain(name, record.id),
    address: record.head?.address ?? (addresses[0] as string),
    firstPort: spec.port,
    source: spec.htcondor,
    fence: spec.fence ?? 'auto',
  };
  let pool = await bringUp(htcondor, at, plan);
  let address = plan.address;
  if (site.spec.profile.login) {
    address = await proveReachable(
      site,
      head,
      pool.port,
      [...new Set([plan.address, ...addresses])],
      describeHead(context),
    );
    if (address !== plan.address) pool = await htcondor.start(at, { ...plan, address });
  }
  const facts = {
    base,
    host: head.probe.host,
    user: head.probe.user,
    address,
    port: pool.port,
    bin: pool.bin,
    sbin: pool.sbin,
    version: pool.version,
    ...(pool.unfenced === undefined ? {} : { unfenced: pool.unfenced }),
  };
  context.journal.append({ type: 'head', head: facts });
  return { ...pool, address, plan: { ...plan, address } };
}
