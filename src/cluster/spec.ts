import { createHash } from 'node:crypto';
import { UsageError } from '../errors.js';
import type { FrameworkSpec } from '../frameworks/facts.js';
import type { FrameworkRequest } from '../frameworks/framework.js';
import { planFramework } from '../frameworks/registry.js';
import { checkTarget, type Transport } from '../hosts/target.js';
import type { Fence } from '../htcondor/pool.js';
import { directiveValue } from '../schedulers/directives.js';
import { boscoSchedulers, schedulerFor } from '../schedulers/registry.js';
import { checkLimits } from '../sites/limits.js';
import type { Config, HtcondorSource, SiteProfile } from '../sites/schema.js';

/** Where the pool lives: this machine, the site's login node, or a host reached by SSH. */
export type HeadnodeSpec =
  | { readonly kind: 'local' }
  | { readonly kind: 'login' }
  | { readonly kind: 'host'; readonly host: string; readonly user: string | undefined };

/** Who submits glide-ins: scailfin when it is called, or the headnode's HTCondor by itself. */
export type Submit = 'direct' | 'bosco';

/** Everything the user asked of the cluster as a whole; validated, never changed. */
export interface ClusterSpec {
  readonly name: string;
  readonly headnode: HeadnodeSpec;
  /** First port tried on the headnode. */
  readonly port: number;
  readonly htcondor: HtcondorSource;
  /** Absent: auto. */
  readonly fence?: Fence;
  /** Absent: the cluster offers its pool and nothing beside it. */
  readonly framework?: FrameworkSpec;
  /** Absolute path on this machine of the X.509 proxy that goes with the cluster, for its jobs. */
  readonly proxy?: string;
}

/** What was asked of one site. */
export interface SiteSpec {
  readonly site: string;
  readonly profile: SiteProfile;
  readonly user: string | undefined;
  readonly nodes: number;
  /** Per node; undefined where the node's own number is not known. */
  readonly cores: number | undefined;
  /** MiB per node to ask the scheduler for; undefined takes what comes with the node. */
  readonly memory: number | undefined;
  readonly gpus: number;
  /** Seconds. */
  readonly walltime: number;
  readonly queue: string | undefined;
  readonly account: string | undefined;
  /** Seconds without a job after which a glide-in leaves. */
  readonly idleTimeout: number;
  /** Seconds that a glide-in may wait in the queue: its token ends when its walltime would after that. Absent: the default. */
  readonly queueTime?: number;
  /** Absent: direct. By BOSCO, `nodes` is the most there may be. */
  readonly submit?: 'bosco';
  /** By BOSCO: how many glide-ins there are at least, also when no job waits. */
  readonly min?: number;
}

/** What the command line says of a site; absent falls back to the user's config, then the profile, then a default. */
export interface SiteRequest {
  readonly nodes?: number | undefined;
  readonly cores?: number | undefined;
  readonly memory?: number | undefined;
  readonly walltime?: number | undefined;
  readonly queue?: string | undefined;
  readonly account?: string | undefined;
  readonly user?: string | undefined;
  readonly idleTimeout?: number | undefined;
  readonly queueTime?: number | undefined;
  readonly transport?: Transport | undefined;
  readonly submit?: Submit | undefined;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

/** All that the command line says, the options of frameworks among it. */
export interface UpRequest extends SiteRequest, FrameworkRequest {
  readonly name?: string | undefined;
  readonly headnode?: string | undefined;
  /** Absolute path. */
  readonly proxy?: string | undefined;
}

const DEFAULT_WALLTIME = 3600;
const DEFAULT_IDLE = 600;
/** First port tried for the pool. */
export const DEFAULT_PORT = 9618;

/**
 * The plan for one site, checked against its limits; touches nothing.
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
  const nodes = request.max ?? request.nodes ?? own.nodes ?? 1;
  const account = request.account ?? own.account;
  const asked = request.queue ?? own.queue;
  const most = (asked ? profile.queues[asked] : Object.values(profile.queues).find(q => q.default))?.walltime;
  const walltime = request.walltime ?? own.walltime ?? Math.min(DEFAULT_WALLTIME, most ?? DEFAULT_WALLTIME);
  const queue = checkLimits(
    profile,
    { queue: asked, nodes, walltimeSeconds: walltime, cores: request.cores, memoryMib: request.memory, account },
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
  const limits = queue === undefined ? undefined : profile.queues[queue];
  const shape = profile.node;
  const queueTime = request.queueTime ?? config.queueTime;
  // a system that cuts nodes gives who asks for no memory next to none
  const isShared = limits?.shared ?? schedulerFor(profile.scheduler.type).cutsNodes ?? false;
  const cores = request.cores ?? limits?.cores ?? shape.cores;
  return {
    site: profile.name,
    profile: reachedBy(profile, request.transport),
    user,
    nodes,
    cores,
    memory: profile.scheduler.memory ? (request.memory ?? share(profile, isShared, cores)) : undefined,
    gpus: limits?.gpus ?? shape.gpus ?? 0,
    walltime,
    queue,
    account,
    idleTimeout: request.idleTimeout ?? config.idleTimeout ?? DEFAULT_IDLE,
    ...(queueTime === undefined ? {} : { queueTime }),
    ...growth(request, profile, nodes),
  };
}

/** @throws UsageError for bounds that make no sense, and where BOSCO can't submit */
function growth({ submit, min, max }: SiteRequest, { scheduler }: SiteProfile, most: number): Partial<SiteSpec> {
  if (submit !== 'bosco') {
    if (min === undefined && max === undefined) return {};
    throw new UsageError('--min and --max are for clusters that grow by themselves', {
      hint: 'add --submit bosco, or say how many glide-ins there shall be: --nodes N',
    });
  }
  if (!boscoSchedulers.includes(scheduler.type))
    throw new UsageError(`BOSCO does not submit to ${scheduler.type} here, only to ${boscoSchedulers.join(' and ')}`, {
      hint: 'submit directly: --submit direct',
    });
  return { submit, min: checkBounds(min ?? 0, most) };
}

/** @returns `min` @throws UsageError */
export function checkBounds(min: number, max: number): number {
  if (min <= max) return min;
  throw new UsageError(`at least ${min} glide-ins and at most ${max} can't be`, { hint: `--min ${min} --max ${min}` });
}

/** Later commands on the cluster are to go the same way. */
function reachedBy(profile: SiteProfile, transport: Transport | undefined): SiteProfile {
  return profile.login && transport ? { ...profile, login: { ...profile.login, transport } } : profile;
}

/** A shared node gives memory by the core; a whole one comes with all of it. */
function share(profile: SiteProfile, shared: boolean, cores: number | undefined): number | undefined {
  const { cores: all, memory } = profile.node;
  if (!shared || !all || !memory || !cores) return undefined;
  return Math.floor((memory * Math.min(cores, all)) / all);
}

/** The cluster's own part of the plan. @throws UsageError for a bad name or headnode */
export function planCluster(request: UpRequest, profile: SiteProfile, config: Config): ClusterSpec {
  const name = checkName(request.name ?? profile.name);
  const own = config.sites[profile.name] ?? {};
  const headnode = parseHeadnode(
    request.headnode ?? own.headnode ?? config.headnode ?? profile.headnode ?? 'local',
    profile,
  );
  const source = headnode.kind === 'login' ? profile.htcondor : (config.htcondor ?? profile.htcondor);
  const framework = planFramework(request, config);
  return {
    ...{ name, headnode, port: config.port ?? DEFAULT_PORT, htcondor: source ?? { source: 'system' } },
    ...(request.proxy === undefined ? {} : { proxy: request.proxy }),
    ...(config.fence === undefined ? {} : { fence: config.fence }),
    ...(framework === undefined ? {} : { framework }),
  };
}

/** @throws UsageError for a name that can't be a job name, a directory and a host label at once */
export function checkName(name: string): string {
  if (/^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/.test(name) && name !== 'payload') return name;
  throw new UsageError(`${JSON.stringify(name)} can't be a cluster's name`, {
    hint: 'use 1 to 32 lower-case letters, digits and hyphens, a letter first, such as bsm-search',
  });
}

/** @throws UsageError */
export function parseHeadnode(text: string, profile: SiteProfile): HeadnodeSpec {
  if (text === 'local') return { kind: 'local' };
  // the login node of this machine as a site is this machine
  if (text === 'login') return profile.login ? { kind: 'login' } : { kind: 'local' };
  const match = /^(?:([A-Za-z0-9_][A-Za-z0-9._-]*)@)?([A-Za-z0-9][A-Za-z0-9.-]*)$/.exec(text);
  if (!match?.[2])
    throw new UsageError(`${JSON.stringify(text)} is no headnode`, {
      hint: 'give --headnode local, login or [user@]host',
    });
  return { kind: 'host', host: match[2], user: match[1] };
}

/**
 * The job name by which every batch job of a cluster is found, also when this machine has forgotten all.
 * At most 15 characters, the shortest limit there is (Torque, qsub(1B) -N); long names end in a digest of themselves,
 * and their tags are all longer than those of short ones, so that neither can be the other.
 */
export function tagOf(name: string): string {
  if (name.length < 12) return `sf-${name}`;
  return `sf-${name.slice(0, 5)}-${createHash('sha256').update(name).digest('hex').slice(0, 6)}`;
}

/** How a headnode is shown and typed. */
export function headnodeName(headnode: HeadnodeSpec): string {
  return headnode.kind === 'host' ? `${headnode.user ? `${headnode.user}@` : ''}${headnode.host}` : headnode.kind;
}
