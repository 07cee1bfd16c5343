import { headnodeName, parseHeadnode } from '../cluster/headnodes.js';
import { type ClusterSpec, perJob, planCluster, planSite, type SiteSpec, type UpRequest } from '../cluster/spec.js';
import { UsageError } from '../errors.js';
import { type FrameworkSpec, withNamed } from '../frameworks/facts.js';
import { frameworkNamed, planFrameworks } from '../frameworks/registry.js';
import { jobsFor, wholeJobs } from '../schedulers/nodes.js';
import { mergedBinds } from '../sites/binds.js';
import { activeSites, loadSite } from '../sites/catalog.js';
import { loadConfig } from '../sites/config.js';
import { withMeasured } from '../sites/measured.js';
import type { HtcondorSource } from '../sites/values.js';
import { formatDuration, formatMemory } from '../units.js';

export interface Plan {
  readonly cluster: ClusterSpec;
  readonly site: SiteSpec;
  /** The number of nodes on the command line or in config.yaml; `site.nodes` is a number of whole jobs. */
  readonly asked?: number | undefined;
}

/**
 * Makes the plan that the command line asks for: a new one if it names a site; otherwise the plan of the existing
 * cluster, if no other option contradicts it.
 */
export async function planFor(request: UpRequest & { site?: string | undefined }, allowRetired = false): Promise<Plan> {
  const { site } = request;
  if (site !== undefined) return makePlan({ ...request, site }, allowRetired);
  const { allRecords } = await import('../cluster/journal.js');
  const there = allRecords().filter(r => r.state !== 'terminated' && r.sites.length > 0);
  const record =
    request.name === undefined ? (there.length === 1 ? there[0] : undefined) : there.find(r => r.name === request.name);
  const old = record?.sites[0]?.spec;
  if (!record || !old) {
    throw new UsageError(
      request.name === undefined
        ? 'which site?'
        : `there is no cluster ${request.name}, and no site was named for a new one`,
      {
        hint: `scailfin up ${request.name ?? '[NAME]'} --site SITE; to list the sites: scailfin sites list`,
      },
    );
  }
  const {
    bind,
    directive,
    gpus,
    nodesPerJob,
    cores,
    memory,
    walltime,
    maxNodeHours,
    queue,
    account,
    user,
    idleTimeout,
    queueTime,
    headnode,
    min,
    relay,
  } = request;
  const binds = bind && mergedBinds(old.profile.binds ?? [], bind);
  const wanted = request.max ?? request.nodes;
  // as if the recorded cluster were asked for
  const nodes = wanted === undefined ? undefined : wholeJobs(wanted, request.nodesPerJob ?? perJob(old));
  const submit = request.submit === 'direct' && old.submit === undefined ? undefined : request.submit;
  const said = Object.entries({
    nodes,
    directives: directive,
    gpus: gpus?.count,
    gpuType: gpus?.type,
    ownGpus: gpus && true,
    nodesPerJob: nodesPerJob === perJob(old) ? undefined : nodesPerJob,
    submit,
    min,
    cores,
    memory,
    walltime: walltime === old.fullWalltime ? undefined : walltime,
    maxNodeHours,
    queue,
    account,
    user,
    idleTimeout,
    queueTime,
    binds,
  }).filter(([, v]) => v !== undefined);
  const asked = planFrameworks(request, await loadConfig());
  const cluster = {
    ...record.spec,
    ...(headnode === undefined ? {} : { headnode: parseHeadnode(headnode, old.profile) }),
    frameworks: withNamed(record.spec.frameworks, asked),
    ...(relay === undefined ? {} : { relay }),
  };
  return { cluster, site: { ...old, ...Object.fromEntries(said) } };
}

/** Makes a plan from flags, the user's config and the site's profile. Touches no network. */
async function makePlan(request: UpRequest & { site: string }, allowRetired = false): Promise<Plan> {
  const [site, config] = await Promise.all([loadSite(request.site), loadConfig()]);
  const profile = withMeasured(site.profile);
  // reading every profile takes a while, and only a retired site needs to suggest others
  const active = profile.status === 'retired' ? await activeSites() : [];
  return {
    cluster: planCluster(request, profile, config),
    site: planSite(request, profile, config, allowRetired, active),
    asked: request.max ?? request.nodes ?? config.sites[profile.name]?.nodes,
  };
}

/** The plan as `--json` shows it: the settings of each framework are under its name. */
export function shown({ cluster: { frameworks, ...cluster }, site }: Plan): object {
  const settings = frameworks.map(({ name, ...asked }) => [name, asked]);
  return { cluster: { ...cluster, ...Object.fromEntries(settings) }, site };
}

export const nodeHours = (site: SiteSpec): number => Number(((site.nodes * site.walltime) / 3600).toFixed(2));

/** The plan in the form that a person reads before anything happens. */
export function describePlan({ cluster, site, asked }: Plan): string {
  const { profile } = site;
  const where = profile.login ? `${site.user ? `${site.user}@` : ''}${profile.login.hosts[0]}` : 'this machine';
  const charged = site.account ?? (profile.account === 'none' ? 'none needed' : 'your default');
  const each = [
    site.cores ? `${site.cores} cores` : 'all cores',
    site.memory ? formatMemory(site.memory) : 'all memory',
  ];
  if (site.gpus > 0)
    each.push(`${site.gpus} ${site.gpuType ? `${site.gpuType} ` : ''}GPU${site.gpus === 1 ? '' : 's'}`);
  const n = site.nodes;
  return [
    `Cluster ${cluster.name}`,
    `  site       ${profile.name}: ${profile.title} (${where}, ${profile.scheduler.type})`,
    `  account    ${charged}${site.queue ? `, queue ${site.queue}` : ''}`,
    `  asks for   ${site.submit === 'bosco' ? 'up to ' : ''}${n} node${n === 1 ? '' : 's'} × ${formatDuration(site.walltime)} = ${nodeHours(site)} node-hour${nodeHours(site) === 1 ? '' : 's'} ${site.submit === 'bosco' ? 'at a time, repeatedly while jobs wait' : 'at most'}; ${each.join(', ')} each`,
    ...limitLine(site),
    ...(site.directives ?? []).map(text => `  also       ${text}`),
    ...jobLines(site, asked),
    ...(site.submit === 'bosco'
      ? [`  submits    the headnode itself, through BOSCO: ${site.min ?? 0} to ${n} glide-ins, as jobs need them`]
      : []),
    `  headnode   ${headnodeName(cluster.headnode)}, HTCondor ${describeSource(cluster.htcondor)}`,
    ...cluster.frameworks.map(describeFramework),
    ...(site.binds ? [`  steps see  ${site.binds.join(', ')}`] : []),
    `  idle limit ${perJob(site) === 1 ? 'a glide-in without a job' : 'a batch job whose nodes have no work'} ends after ${formatDuration(site.idleTimeout)}`,
  ].join('\n');
}

/** What a limit of node-hours means for the jobs. */
function limitLine({ maxNodeHours, fullWalltime, walltime }: SiteSpec): string[] {
  if (maxNodeHours === undefined) return [];
  const shorter =
    fullWalltime === undefined
      ? ''
      : `; so each glide-in gets ${formatDuration(walltime)}, not ${formatDuration(fullWalltime)}`;
  return [`  limit      ${maxNodeHours} node-hours for all glide-ins, later ones too${shorter}`];
}

/** How the nodes are made of jobs, if a job has several. */
function jobLines(site: SiteSpec, asked: number | undefined): string[] {
  const each = perJob(site);
  if (each === 1) return [];
  const jobs = jobsFor(site.nodes, each);
  const more = asked !== undefined && asked < site.nodes ? `; ${asked} asked for, rounded up to whole jobs` : '';
  return [`  jobs       ${jobs} of ${each} nodes each${more}`];
}

function describeFramework(spec: FrameworkSpec): string {
  const { title, describe } = frameworkNamed(spec.name);
  return `  ${title.padEnd(10)} ${describe(spec)}`;
}

function describeSource(source: HtcondorSource): string {
  if (source.source === 'system') return 'as installed there';
  return source.source === 'module' ? `from module ${source.module}` : `from ${source.from}`;
}
