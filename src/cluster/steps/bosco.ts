import { UsageError } from '../../errors.js';
import { type BoscoPlan, GROWN, type SiteLogin } from '../../headnode/bosco/bosco-plan.js';
import { bosco } from '../../headnode/bosco/component.js';
import { settingsFile } from '../../headnode/bosco/files.js';
import { bringUp, type Headnode } from '../../headnode/component.js';
import type { Host } from '../../hosts/host.js';
import { knownLogin } from '../../hosts/knownlogin.js';
import type { RunningPool } from '../../htcondor/pool.js';
import { tokenLifetime } from '../../htcondor/tokens.js';
import { GROWN_NODES, jobsFor } from '../../schedulers/nodes.js';
import { schedulerFor } from '../../schedulers/registry.js';
import { mostGrown } from '../allowance.js';
import { loginTargets } from '../connections.js';
import { type Context, jobQuery, poolDir, recordOf, type Site } from '../context.js';
import type { SiteSpec } from '../spec.js';
import type { Head } from './connect.js';
import type { GlideinSettings } from './glideinfiles.js';
import { batchJob, placeGlidein } from './glideins.js';

/**
 * Lets the headnode submit the site's glide-ins by itself from now on.
 * @throws ScailfinError if it can't log in there without a person; then nothing was submitted
 */
export async function growAt(
  context: Context,
  site: Site,
  head: Head,
  pool: RunningPool,
  settings: GlideinSettings,
): Promise<void> {
  const { spec } = site;
  const dir = await placeGlidein(context, site, settings, []);
  const plan: BoscoPlan = {
    ...{ site: spec.site, host: site.host, siteDir: dir, login: loginFrom(site, head) },
    ...{ scheduler: spec.profile.scheduler.type, query: jobQuery(recordOf(context).name, site.probe, [], spec) },
    ...{ script: glideinScript(spec, recordOf(context).name, dir), payload: settings.payload },
    ...{
      bounds: { min: spec.min ?? 0, max: spec.nodes },
      ...sizeOf(spec),
    },
    ...{ source: pool.plan.source, programs: pool.programs },
    sites: recordOf(context).sites.flatMap(s => (s.spec.submit === 'bosco' ? [s.spec.site] : [])),
  };
  const { sink, journal } = context;
  const at: Headnode = {
    ...{ host: head.host, dir: pool.plan.dir, cluster: recordOf(context).name },
    onProgress: detail => sink({ type: 'progress', detail }),
  };
  const start = (there: Headnode, wanted: BoscoPlan): Promise<void> => {
    // from now on there may be jobs whose ids are not recorded: `down` finds them by their name
    const batch = {
      label: GROWN,
      token: GROWN,
      count: jobsFor(spec.nodes, GROWN_NODES),
      nodes: GROWN_NODES,
      jobIds: [],
      outcome: 'submitted',
    } as const;
    journal.append({ type: 'batch', name: spec.site, batch });
    return bosco.start(there, wanted);
  };
  await bringUp({ ...bosco, start }, at, plan);
}

/** One glide-in as in direct submission, but never as part of an array. */
export function glideinScript(spec: SiteSpec, cluster: string, dir: string): string {
  return schedulerFor(spec.profile.scheduler.type).submit({ ...batchJob(spec, cluster, dir, 1, GROWN), arrays: false })
    .script;
}

/** MiB that a glide-in has for jobs, if this is known in advance. */
export const memoryOf = (spec: SiteSpec): number | undefined => spec.memory ?? spec.profile.node.memory;

/** The size of one glide-in, and its token's lifetime. */
export function sizeOf(
  spec: SiteSpec,
): Pick<BoscoPlan, 'walltime' | 'most' | 'tokenLifetime' | 'asked' | 'cores' | 'memory'> {
  const { walltime, queueTime, cores, memory } = spec;
  const lifetime = tokenLifetime(walltime, queueTime);
  return {
    walltime,
    most: mostGrown(spec),
    tokenLifetime: lifetime,
    asked: { cores, memory },
    cores,
    memory: memoryOf(spec),
  };
}

/** Tells the program that grows the pool how many glide-ins there shall be. */
export async function rebound(context: Context, head: Host, base: string, spec: SiteSpec): Promise<void> {
  const bounds = { min: spec.min ?? 0, max: spec.nodes };
  const plan = { site: spec.site, bounds, ...sizeOf(spec) };
  await head.put([settingsFile(poolDir(base, recordOf(context).name), plan)]);
}

/** Stops the submission of glide-ins, and cancels queued and running ones, if the pool can be reached. */
export async function stopGrowth(cluster: string, host: Host, base: string): Promise<void> {
  await bosco.stop({ host, dir: poolDir(base, cluster), cluster, onProgress: () => {} });
}

/** How the headnode reaches the site. Undefined if the pool is on the login node, or if both are this machine. */
export function loginFrom(
  { spec, host, probe }: Pick<Site, 'spec' | 'host'> & { readonly probe: { readonly user: string } },
  head: Head,
): SiteLogin | undefined {
  if (head.host === host) return undefined;
  const { login } = spec.profile;
  if (!login)
    throw new UsageError(`${spec.site} is this machine, which ${head.host.name} can't submit to by itself`, {
      hint: 'choose --headnode local, or submit directly: --submit direct',
    });
  return { ...knownLogin(loginTargets(login, spec.user), host.address), user: probe.user };
}
