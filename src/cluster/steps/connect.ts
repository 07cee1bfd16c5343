import { CommandError, ScailfinError } from '../../errors.js';
import { runAll } from '../../hosts/batch.js';
import type { Host, Output } from '../../hosts/host.js';
import { defaultWork, type Probe, probe, probing, readProbe } from '../../hosts/probe.js';
import { keyValues, scriptCommand } from '../../hosts/script.js';
import { placed, requireFound } from '../../schedulers/programs.js';
import { schedulerFor } from '../../schedulers/registry.js';
import { templateText } from '../../templates.js';
import { type Context, checkOwner, hostOf, nameTaken, ownerLine, placeOf, recordOf, type Site } from '../context.js';
import { headnodeName } from '../headnodes.js';
import { headHost, headMachine, isBesidePool } from '../machines.js';
import type { SiteSpec } from '../spec.js';

/** The headnode, connected and probed. */
export interface Head {
  readonly host: Host;
  readonly probe: Probe;
}

/**
 * Connects to the site, and checks that the cluster's name is free there. If the pool is on a login node of the site, it is
 * that machine.
 */
export async function connectSite(context: Context, spec: SiteSpec): Promise<Site> {
  const record = recordOf(context);
  const there =
    isBesidePool(record, spec) && headMachine(record)
      ? await headHost(context.connections, record, spec)
      : await hostOf(context, spec);
  const scheduler = schedulerFor(spec.profile.scheduler.type);
  const asking = { argv: probing(spec.profile.directories.work ?? defaultWork, record.name) };
  const trying = { argv: placed(scheduler, placeOf(spec.profile), ['true']) };
  const [said, tried] = await runAll(there, [asking, trying]);
  const site: Site = { spec, host: there, scheduler, probe: readProbe(there, said as Output) };
  checkOwner(site.probe.owner, record, there.name, spec.site);
  // before anything is begun that only the batch system can end
  if (tried?.exitCode === 127) requireFound(scheduler, there, tried.stderr);
  const { base, user, host, machine } = site.probe;
  const facts = { base, user, host, ...(machine ? { machine } : {}) };
  context.journal.append({ type: 'site-facts', name: spec.site, facts });
  return site;
}

/** Connects to the headnode; if it is the site's login node, or this machine as a site, that is the same connection. */
export async function connectHead(context: Context, site: Site): Promise<Head> {
  const record = recordOf(context);
  if (isBesidePool(record, site.spec)) return { host: site.host, probe: site.probe };
  const host = await headHost(context.connections, record, site.spec);
  if (host === site.host) return { host, probe: site.probe };
  const found = await probe(host, defaultWork, record.name);
  checkOwner(found.owner, record, host.name, site.spec.site);
  return { host, probe: found };
}

/**
 * Makes the cluster's directory on a host, marked as ours.
 * @param part the part of the cluster on this host
 * @returns whether the payload with that digest is there already
 */
export async function claim(
  context: Context,
  host: Host,
  base: string,
  part: 'site' | 'pool',
  sha256 = 'none',
): Promise<boolean> {
  const { argv, read } = claiming(context, host, base, part, sha256);
  return read(await host.run(argv, { check: false }));
}

/** The command of `claim`, which fails if the cluster can't be there, and what reads its output, which may be missing. */
export function claiming(
  context: Context,
  host: Host,
  base: string,
  part: 'site' | 'pool',
  sha256 = 'none',
): { readonly argv: string[]; readonly read: (out: Output | undefined) => boolean } {
  const record = recordOf(context);
  const args = [base, record.name, part, ownerLine(record), sha256, String(LEAST_FREE)];
  const read = (out: Output | undefined): boolean => {
    const values = keyValues(out?.stdout ?? '');
    // another user took the name after the check
    if (out?.exitCode === TAKEN) throw nameTaken(record, host.name, record.sites.at(-1)?.spec.site ?? 'SITE');
    if (out?.exitCode === FULL)
      throw new ScailfinError(
        `${host.name} has only ${Math.floor(Number(values.get('free')?.[0]) / 1024)} MiB free in ${base}`,
        { hint: 'free some space there, or set directories.work in the site profile' },
      );
    if (out?.exitCode !== 0)
      throw new CommandError(host.name, `make ${base}/${record.name}`, out?.exitCode ?? null, out?.stderr ?? '');
    return values.get('payload')?.[0] === 'yes';
  };
  return { argv: scriptCommand(`${templateText('site/machine.sh')}\n${templateText('site/prepare.sh')}`, args), read };
}

/** What a cluster needs on a disk, in KiB. */
const LEAST_FREE = 100 * 1024;
/** Statuses of templates/site/prepare.sh. */
const [TAKEN, FULL] = [20, 21];

/** The addresses by which a site may reach the headnode, the best first. */
export function candidates(site: Site, head: Head): string[] {
  const own = head.probe.addresses;
  if (head.host === site.host) {
    if (!site.spec.profile.login) return ['127.0.0.1'];
    const { loginAddress } = site.spec.profile.network;
    return unique([...(loginAddress ? ofThisMachine(loginAddress, own) : []), ...own, site.probe.ssh?.server]);
  }
  // the address that the site's sshd sees: this machine's own, or that of a gateway in front of it
  const seen = head.host.address === 'local' ? site.probe.ssh?.client : head.probe.ssh?.server;
  return unique([seen && own.includes(seen) ? seen : undefined, ...own, seen]);
}

/** A profile has the address of one login node; another one has another address in the same network. */
function ofThisMachine(listed: string, own: readonly string[]): string[] {
  const network = (address: string): string => address.split('.').slice(0, 3).join('.');
  if (own.includes(listed)) return [listed];
  return [...own.filter(address => network(address) === network(listed)), listed];
}

function unique(list: (string | undefined)[]): string[] {
  return [...new Set(list.filter(a => a !== undefined && !a.includes(':')))] as string[];
}

/** The site's login node can't reach the headnode. */
export class UnreachableError extends ScailfinError {}

/**
 * Tests from the site's login node that the headnode's port answers.
 * @returns the address that answers
 * @throws ScailfinError naming other possible headnodes
 */
export async function proveReachable(
  site: Site,
  head: Pick<Head, 'host'>,
  port: number,
  addresses: readonly string[],
  headnode: string,
): Promise<string> {
  return readReached(site, head, port, headnode, await site.host.run(reaching(port, addresses), { check: false }));
}

/** The command of `proveReachable`. */
export const reaching = (port: number, addresses: readonly string[]): string[] =>
  scriptCommand(templateText('site/reach.sh'), [String(port), ...addresses]);

/** @param out that of `reaching` @throws as `proveReachable` */
export function readReached(site: Site, head: Pick<Head, 'host'>, port: number, headnode: string, out: Output): string {
  const reached = keyValues(out.stdout).get('reached')?.[0];
  if (reached) return reached;
  const others = ['login', 'local', '[user@]host'].filter(h => h !== headnode).map(h => `--headnode ${h}`);
  throw new UnreachableError(
    `${site.host.name} can't reach the headnode (${head.host.name}): ${out.stdout.trim().replaceAll('\n', '; ')}`,
    {
      hint:
        `glide-ins could not join, so nothing was submitted. Open port ${port} on the headnode, or choose another one: ` +
        `${others.join(', ')} (with login, the pool runs on the site's login node and needs no open port here); or let a relay ` +
        `on the login node carry the pool's traffic, in a new cluster: --relay`,
    },
  );
}

export const describeHead = (context: Context): string => headnodeName(recordOf(context).spec.headnode);
