import {
  type ClusterSpec,
  headnodeName,
  planCluster,
  planSite,
  type SiteSpec,
  type UpRequest,
} from '../cluster/spec.js';
import { activeSites, loadSite } from '../sites/catalog.js';
import { loadConfig } from '../sites/config.js';
import type { HtcondorSource } from '../sites/schema.js';
import { formatDuration, formatMemory } from '../units.js';

export interface Plan {
  readonly cluster: ClusterSpec;
  readonly site: SiteSpec;
}

/** From flags, the user's config and the site's profile, to what will be done. Touches no network. */
export async function makePlan(request: UpRequest & { site: string }, allowRetired = false): Promise<Plan> {
  const [{ profile }, config] = await Promise.all([loadSite(request.site), loadConfig()]);
  // reading every profile takes a while, and only a retired site has others to offer
  const active = profile.status === 'retired' ? await activeSites() : [];
  return {
    cluster: planCluster(request, profile, config),
    site: planSite(request, profile, config, allowRetired, active),
  };
}

export const nodeHours = (site: SiteSpec): number => Number(((site.nodes * site.walltime) / 3600).toFixed(2));

/** The plan as a person reads it before anything happens. */
export function describePlan({ cluster, site }: Plan): string {
  const { profile } = site;
  const where = profile.login ? `${site.user ? `${site.user}@` : ''}${profile.login.hosts[0]}` : 'this machine';
  const charged = site.account ?? (profile.account === 'none' ? 'none needed' : 'your default');
  const each = [
    site.cores ? `${site.cores} cores` : 'all cores',
    site.memory ? formatMemory(site.memory) : 'all memory',
  ];
  if (site.gpus > 0) each.push(`${site.gpus} GPUs`);
  const n = site.nodes;
  return [
    `Cluster ${cluster.name}`,
    `  site       ${profile.name}: ${profile.title} (${where}, ${profile.scheduler.type})`,
    `  account    ${charged}${site.queue ? `, queue ${site.queue}` : ''}`,
    `  asks for   ${n} node${n === 1 ? '' : 's'} × ${formatDuration(site.walltime)} = ${nodeHours(site)} node-hour${nodeHours(site) === 1 ? '' : 's'} at most; ${each.join(', ')} each`,
    `  headnode   ${headnodeName(cluster.headnode)}, HTCondor ${describeSource(cluster.htcondor)}`,
    `  leaves     a glide-in without a job goes after ${formatDuration(site.idleTimeout)}`,
  ].join('\n');
}

function describeSource(source: HtcondorSource): string {
  if (source.source === 'system') return 'as installed there';
  return source.source === 'module' ? `from module ${source.module}` : `from ${source.from}`;
}
