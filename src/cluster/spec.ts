import { UsageError } from '../errors.js';
import type { FrameworkSpec } from '../frameworks/facts.js';
import type { FrameworkRequest } from '../frameworks/framework.js';
import { planFrameworks } from '../frameworks/registry.js';
import { checkTarget, type Transport } from '../hosts/target.js';
import type { Fence } from '../htcondor/pool.js';
import { directiveValue } from '../schedulers/directives.js';
import { wholeJobs } from '../schedulers/nodes.js';
import { boscoSchedulers, schedulerFor } from '../schedulers/registry.js';
import { mergedBinds } from '../sites/binds.js';
import { checkLimits, defaultQueue } from '../sites/limits.js';
import type { SiteProfile } from '../sites/schema.js';
import type { Config } from '../sites/settings.js';
import type { HtcondorSource } from '../sites/values.js';
import { walltimeWithin } from './allowance.js';
import { type HeadnodeSpec, parseHeadnode, relayFor } from './headnodes.js';
import { checkName } from './names.js';
import { checkDirectives, type GpusOfNode, type GpuWish, gpusOf, jobSize } from './wishes.js';

/** Who submits glide-ins: scailfin when it is called, or the headnode's HTCondor by itself. */
export type Submit = 'direct' | 'bosco';

/** Everything that the user asked for the cluster as a whole; validated, never changed. */
export interface ClusterSpec {
  readonly name: string;
  readonly headnode: HeadnodeSpec;
  /** First port that is tried on the headnode. */
  readonly port: number;
  readonly htcondor: HtcondorSource;
  /** Absent: auto. */
  readonly fence?: Fence;
  /** What the cluster offers in addition to its pool. */
  readonly frameworks: readonly FrameworkSpec[];
  /** Absolute path on this machine of the X.509 proxy for the cluster's jobs. */
  readonly proxy?: string;
  /**
   * Whether nodes reach the pool only through a relay on their login node. Absent: if the login node can't reach the
   * headnode.
   */
  readonly relay?: boolean;
}

/** Everything that was asked for one site. */
export interface SiteSpec extends GpusOfNode {
  readonly site: string;
  readonly profile: SiteProfile;
  readonly user: string | undefined;
  readonly nodes: number;
  /** Nodes of each batch job; `nodes` is a multiple of it. Absent: one. */
  readonly nodesPerJob?: number;
  /** Per node; undefined if the number of the node is not known. */
  readonly cores: number | undefined;
  /** MiB per node to ask the scheduler for; undefined means what the node has. */
  readonly memory: number | undefined;
  /** The user's own options for the batch system, in addition to the profile's. */
  readonly directives?: readonly string[];
  /** Seconds; no more than `maxNodeHours` allows. */
  readonly walltime: number;
  /** The node-hours that all jobs at the site may use together. Absent: no limit. */
  readonly maxNodeHours?: number;
  /** Seconds that a job would have without that limit, if it has less. */
  readonly fullWalltime?: number;
  readonly queue: string | undefined;
  readonly account: string | undefined;
  /** A glide-in without a job ends after this many seconds. */
  readonly idleTimeout: number;
  /**
   * How many seconds a glide-in may wait in the queue: its token ends after this time and its walltime. Absent: the
   * default.
   */
  readonly queueTime?: number;
  /** The site's own files that steps see: `SRC[:DST][:ro]`, valid. Absent: none. */
  readonly binds?: readonly string[];
  /** Absent: direct. With BOSCO, `nodes` is the largest number of glide-ins. */
  readonly submit?: 'bosco';
  /** With BOSCO: smallest number of glide-ins, even if no job waits. */
  readonly min?: number;
}

/**
 * The options for a site on the command line; an absent one is taken from the user's config, then from the profile, then
 * from a default.
 */
export interface SiteRequest {
  readonly nodes?: number | undefined;
  readonly nodesPerJob?: number | undefined;
  readonly cores?: number | undefined;
  readonly memory?: number | undefined;
  /** GPUs of each node, and their type. */
  readonly gpus?: GpuWish | undefined;
  /** Options for the batch system. */
  readonly directive?: readonly string[] | undefined;
  readonly walltime?: number | undefined;
  readonly maxNodeHours?: number | undefined;
  readonly queue?: string | undefined;
  readonly account?: string | undefined;
  readonly user?: string | undefined;
  readonly idleTimeout?: number | undefined;
  readonly queueTime?: number | undefined;
  readonly transport?: Transport | undefined;
  /** `SRC[:DST][:ro]`, valid; in addition to those of the profile and the config. */
  readonly bind?: readonly string[] | undefined;
  readonly submit?: Submit | undefined;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

/** All options on the command line, including those of frameworks. */
export interface UpRequest extends SiteRequest, FrameworkRequest {
  readonly name?: string | undefined;
  readonly headnode?: string | undefined;
  readonly relay?: boolean | undefined;
  /** Absolute path. */
  readonly proxy?: string | undefined;
}

const DEFAULT_WALLTIME = 3600;
const DEFAULT_IDLE = 600;
/** First port that is tried for the pool. */
export const DEFAULT_PORT = 9618;

/**
 * The plan for one site, checked against its limits; changes nothing.
 * @throws UsageError with every violation and the flag to change
 */
export function planSite(
  request: SiteRequest,
  profile: SiteProfile,
  config: Config,
  allowRetired = false,
  activeSites: string[] = [],
): SiteSpec {
  const own = config.sites[profile.name] ?? {};
  const wanted = request.max ?? request.nodes ?? own.nodes ?? 1;
  const account = request.account ?? own.account;
  const asked = request.queue ?? own.queue;
  const most = (asked ? profile.queues[asked] : Object.values(profile.queues).find(q => q.default))?.walltime;
  const full = request.walltime ?? own.walltime ?? Math.min(DEFAULT_WALLTIME, most ?? DEFAULT_WALLTIME);
  const each = jobSize(request, own.nodesPerJob, profile, asked ?? defaultQueue(profile), wanted);
  const nodes = wholeJobs(wanted, each);
  const maxNodeHours = request.maxNodeHours ?? own.maxNodeHours;
  const walltime = walltimeWithin(full, nodes, maxNodeHours);
  const wantedGpus = request.gpus ?? own.gpus;
  const queue = checkLimits(
    profile,
    {
      queue: asked,
      nodes,
      nodesPerJob: each,
      walltimeSeconds: walltime,
      cores: request.cores,
      memoryMib: request.memory,
      gpus: wantedGpus?.count,
      account,
    },
    { allowRetired, activeSites },
  );
  const user = request.user ?? own.user ?? profile.login?.user;
  for (const [what, word] of Object.entries({ account, queue }))
    if (word !== undefined) directiveValue(`the ${what}`, word);
  for (const host of profile.login?.hosts ?? []) checkTarget({ host, ...(user === undefined ? {} : { user }) });
  if (walltime < 120)
    throw new UsageError(`a walltime of ${walltime} s leaves a glide-in no time to work`, {
      hint: 'give --walltime 2m or more',
    });
  const directives = checkDirectives(request.directive ?? own.directives ?? [], profile);
  const limits = queue === undefined ? undefined : profile.queues[queue];
  const shape = profile.node;
  const queueTime = request.queueTime ?? config.queueTime;
  const binds = mergedBinds(profile.binds, own.binds ?? [], request.bind ?? []);
  // a system that gives a job only a part of a node gives almost no memory to a request without memory
  const isShared = limits?.shared ?? schedulerFor(profile.scheduler.type).cutsNodes ?? false;
  const cores = request.cores ?? limits?.cores ?? shape.cores;
  return {
    site: profile.name,
    profile: reachedBy(profile, request.transport),
    user,
    nodes,
    ...(each === 1 ? {} : { nodesPerJob: each }),
    cores,
    memory: profile.scheduler.memory ? (request.memory ?? share(profile, isShared, cores)) : undefined,
    ...gpusOf(profile, limits, wantedGpus, each),
    ...(directives.length === 0 ? {} : { directives }),
    ...limited(walltime, full, maxNodeHours),
    queue,
    account,
    idleTimeout: request.idleTimeout ?? config.idleTimeout ?? DEFAULT_IDLE,
    ...(queueTime === undefined ? {} : { queueTime }),
    ...(binds.length === 0 ? {} : { binds }),
    ...growth(request, profile, nodes),
  };
}

/** The walltime of a site's jobs, and where it comes from. @param full what it would be without the limit, seconds */
export const limited = (
  walltime: number,
  full: number,
  maxNodeHours: number | undefined,
): Pick<SiteSpec, 'walltime' | 'maxNodeHours' | 'fullWalltime'> => ({
  walltime,
  ...(maxNodeHours === undefined ? {} : { maxNodeHours }),
  ...(walltime === full ? {} : { fullWalltime: full }),
});

/** Nodes of each batch job at a site. */
export const perJob = (site: Pick<SiteSpec, 'nodesPerJob'>): number => site.nodesPerJob ?? 1;

/** @throws UsageError for bounds that make no sense, and if BOSCO can't submit to the site */
function growth({ submit, min, max }: SiteRequest, { scheduler }: SiteProfile, most: number): Partial<SiteSpec> {
  if (submit !== 'bosco') {
    if (min === undefined && max === undefined) return {};
    throw new UsageError('--min and --max need --submit bosco', {
      hint: 'add --submit bosco, or set the number of glide-ins: --nodes N',
    });
  }
  if (!boscoSchedulers.includes(scheduler.type))
    throw new UsageError(`BOSCO does not submit to ${scheduler.type} here, only to ${boscoSchedulers.join(', ')}`, {
      hint: 'submit directly: --submit direct',
    });
  return { submit, min: checkBounds(min ?? 0, most) };
}

/** @returns `min` @throws UsageError */
export function checkBounds(min: number, max: number): number {
  if (min <= max) return min;
  throw new UsageError(`at least ${min} glide-ins and at most ${max} can't be`, { hint: `--min ${min} --max ${min}` });
}

/** Later commands on the cluster shall use the same transport. */
function reachedBy(profile: SiteProfile, transport: Transport | undefined): SiteProfile {
  return profile.login && transport ? { ...profile, login: { ...profile.login, transport } } : profile;
}

/** A shared node gives memory in proportion to the cores; a whole node gives all of it. */
function share(profile: SiteProfile, shared: boolean, cores: number | undefined): number | undefined {
  const { cores: all, memory } = profile.node;
  if (!shared || !all || !memory || !cores) return undefined;
  return Math.floor((memory * Math.min(cores, all)) / all);
}

/** The part of the plan for the cluster as a whole. @throws UsageError for a bad name or headnode */
export function planCluster(request: UpRequest, profile: SiteProfile, config: Config): ClusterSpec {
  const name = checkName(request.name ?? profile.name);
  const own = config.sites[profile.name] ?? {};
  const headnode = parseHeadnode(
    request.headnode ?? own.headnode ?? config.headnode ?? profile.headnode ?? 'local',
    profile,
  );
  const source = headnode.kind === 'login' ? profile.htcondor : (config.htcondor ?? profile.htcondor);
  const frameworks = planFrameworks(request, config);
  const relay = relayFor(request.relay ?? own.relay, profile, headnode, frameworks);
  return {
    ...{ name, headnode, port: config.port ?? DEFAULT_PORT, htcondor: source ?? { source: 'system' }, frameworks },
    ...(request.proxy === undefined ? {} : { proxy: request.proxy }),
    ...(config.fence === undefined ? {} : { fence: config.fence }),
    ...(relay === undefined ? {} : { relay }),
  };
}
