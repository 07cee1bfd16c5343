import { ScailfinError } from '../../errors.js';
import { bringUpHtcondor, htcondor } from '../../headnode/htcondor.js';
import { runAll } from '../../hosts/batch.js';
import type { Output } from '../../hosts/host.js';
import type { PoolPlan, RunningPool } from '../../htcondor/pool.js';
import { type Context, headnodeOf, recordOf, type Site } from '../context.js';
import { checkRelayed } from '../headnodes.js';
import { isNews } from '../machines.js';
import { candidates, claiming, describeHead, type Head, reaching, readReached, UnreachableError } from './connect.js';
import { knownPayload } from './payload.js';

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
  const { machine } = head.probe;
  if (machine && isNews(record, machine)) context.journal.append({ type: 'machine', machine });
  context.journal.append({ type: 'intent', what: `start the pool on ${head.host.name}` });
  const addresses = candidates(site, head);
  const isOutside = site.spec.profile.login !== undefined && site.host !== head.host;
  const isRelayed = record.head ? record.head.relay === true : isOutside && spec.relay === true;
  if (record.head?.relay && site.spec.profile.login && !isOutside)
    throw new ScailfinError(
      `${head.host.name} is the login node of ${site.spec.site}, whose nodes can't reach a pool on loopback`,
      {
        hint: `bring up another cluster there: scailfin up NAME --site ${site.spec.site} --headnode login`,
      },
    );
  if (addresses.length === 0 && !isRelayed)
    throw new ScailfinError(`${head.host.name} has no IPv4 address but loopback`, {
      hint: 'choose another --headnode',
    });
  const at = headnodeOf(context, head);
  const plan: PoolPlan = {
    dir: at.dir,
    name,
    trustDomain: trustDomain(name, record.id),
    address: record.head?.address ?? (isRelayed ? relayAddress(record.id) : (addresses[0] as string)),
    firstPort: spec.port,
    source: spec.htcondor,
    fence: spec.fence ?? 'auto',
  };
  const first = await bringUpHtcondor(at, plan, claiming(context, head.host, base, 'pool'));
  const way = await wayTo(context, site, head, {
    ...{ port: first.port, addresses: [...new Set([plan.address, ...addresses])], isRelayed },
    payload: knownPayload(first)?.sha256,
    mayRelay: isOutside && record.head === undefined && spec.relay === undefined,
  });
  const { address } = way;
  const pool = address === plan.address ? first : await htcondor.start(at, { ...plan, address });
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
    ...(way.isRelayed ? { relay: true as const } : {}),
  };
  context.journal.append({ type: 'head', head: facts });
  // glide-ins on the headnode itself reach it as it is
  const { payloadThere } = way;
  return { ...pool, address, isRelayed: way.isRelayed && isOutside, plan: { ...plan, address }, payloadThere };
}

interface Ways {
  readonly port: number;
  /** The addresses to try, the best first. */
  readonly addresses: readonly string[];
  /** It is settled that the site's nodes use a relay. */
  readonly isRelayed: boolean;
  /** A relay may be used if no address can be reached. */
  readonly mayRelay: boolean;
  /** Its digest, if it is in the cache: the site is asked for it in the same round trip. */
  readonly payload: string | undefined;
}

interface Way extends Pick<RunningPool, 'address' | 'isRelayed' | 'payloadThere'> {}

/** How the site's nodes will reach the pool. @throws ScailfinError if they can't */
async function wayTo(
  context: Context,
  site: Site,
  head: Head,
  { port, addresses, isRelayed, mayRelay, payload }: Ways,
): Promise<Way> {
  const [first = ''] = addresses;
  if (isRelayed || !site.spec.profile.login) return { address: first, isRelayed };
  const claim = payload && claiming(context, site.host, site.probe.base, 'site', payload);
  const asked = [{ argv: reaching(port, addresses) }, ...(claim ? [claim] : [])];
  const [said, claimed] = await runAll(site.host, asked);
  try {
    const address = readReached(site, head, port, describeHead(context), said as Output);
    return {
      address,
      isRelayed,
      ...(claim ? { payloadThere: { sha256: payload, isThere: claim.read(claimed) } } : {}),
    };
  } catch (error) {
    if (!mayRelay || !(error instanceof UnreachableError)) throw error;
    checkRelayed(site.spec.site, recordOf(context).spec.frameworks);
    context.sink({
      type: 'note',
      text: `${site.host.name} can't reach ${head.host.name}, so a relay on ${site.host.name} will carry the pool's traffic through this connection (to refuse that: --no-relay)`,
    });
    return { address: relayAddress(recordOf(context).id), isRelayed: true };
  }
}

/**
 * The address of a pool that is reached by relays. It must be the same on the headnode and on all nodes, and each cluster
 * has another one, because several may share a node: Linux takes all of 127.0.0.0/8 for this machine.
 * @param id the cluster's, 12 hexadecimal digits
 */
export function relayAddress(id: string): string {
  const [a, b, c] = [0, 4, 8].map(at => 1 + (Number.parseInt(id.slice(at, at + 4), 16) % 254));
  return `127.${a}.${b}.${c}`;
}
