import { UsageError } from '../errors.js';
import { nodesIn } from '../schedulers/nodes.js';
import { schedulerFor } from '../schedulers/registry.js';
import { didYouMean } from './closest.js';
import type { QueueLimits, SiteProfile } from './schema.js';

/** What the user asks a site for; absent means the site's default. */
export interface LimitRequest {
  readonly queue?: string | undefined;
  /** Number of glide-ins, each on one node. */
  readonly nodes: number;
  /** Nodes of each batch job; absent: one. */
  readonly nodesPerJob?: number | undefined;
  readonly walltimeSeconds: number;
  /** Per node. */
  readonly cores?: number | undefined;
  /** MiB per node. */
  readonly memoryMib?: number | undefined;
  /** Per node. */
  readonly gpus?: number | undefined;
  readonly account?: string | undefined;
}

export interface LimitOptions {
  /** A dry run or a rendering changes nothing at the site, so a retired site is allowed. */
  readonly allowRetired?: boolean;
  /** Names of active profiles, to suggest instead of a retired site. */
  readonly activeSites?: readonly string[];
}

/**
 * Compares a request with the site's limits before anything is changed.
 *
 * @returns the queue the request goes to: the one asked for, or the profile's default; undefined leaves it to the site
 * @throws UsageError with all violations, a line each, naming the flag to change
 */
export function checkLimits(
  profile: SiteProfile,
  request: LimitRequest,
  options: LimitOptions = {},
): string | undefined {
  const problems: string[] = [];
  if (profile.status === 'retired' && !options.allowRetired) problems.push(retired(profile, options.activeSites ?? []));
  if (profile.account === 'required' && !request.account) {
    problems.push(
      `${profile.name} charges every job to an account: give --account, or set it permanently: scailfin config set sites.${profile.name}.account ACCOUNT`,
    );
  }
  const name = request.queue ?? defaultQueue(profile);
  const queue = name === undefined ? undefined : queueOf(profile, name);
  const names = Object.keys(profile.queues);
  // a system without queues has only the queues that a profile defines
  if (name !== undefined && !queue && (names.length > 0 || schedulerFor(profile.scheduler.type).hasQueues === false)) {
    const way = names.length > 0 ? `give --queue with one of ${names.join(', ')}` : 'leave --queue out';
    problems.push(`${profile.name} has no queue ${name}${didYouMean(name, names)}: ${way}`);
  } else {
    problems.push(...tooSmall(name, queue, request), ...tooMuch(profile, name, queue, request));
  }
  if (problems.length > 0) throw new UsageError(problems.join('\n'), { hint: `scailfin sites show ${profile.name}` });
  return name;
}

/** The queue marked as the default, or the only one. */
export function defaultQueue(profile: SiteProfile): string | undefined {
  const names = Object.keys(profile.queues);
  return names.find(name => queueOf(profile, name)?.default) ?? (names.length === 1 ? names[0] : undefined);
}

/** What the batch system calls a queue of the profile; a queue that the profile lacks has the name that was given. */
export function nameAtSite(profile: SiteProfile, queue: string): string {
  return queueOf(profile, queue)?.name ?? queue;
}

function queueOf(profile: SiteProfile, name: string): QueueLimits | undefined {
  return Object.hasOwn(profile.queues, name) ? profile.queues[name] : undefined;
}

function retired(profile: SiteProfile, active: readonly string[]): string {
  const since = profile.retired === undefined ? '' : ` since ${profile.retired}`;
  const others =
    active.length > 0 ? `active sites: ${active.join(', ')}` : 'to list the active sites: scailfin sites list';
  return `${profile.name} (${profile.title}) is retired${since}, so no job can run there; ${others}`;
}

/** A job with fewer nodes than the queue takes. */
function tooSmall(
  name: string | undefined,
  queue: QueueLimits | undefined,
  { nodes, nodesPerJob = 1 }: LimitRequest,
): string[] {
  const least = queue?.minNodes ?? 1;
  if (nodesPerJob >= least) return [];
  const [flag, asked] = nodes < least ? ['--nodes', nodes] : ['--nodes-per-job', nodesPerJob];
  return [
    `queue ${name} takes only jobs of at least ${least} nodes; ${flag} ${asked} asks for less: give ${flag} ${least}`,
  ];
}

interface Amount {
  readonly flag: string;
  readonly noun: string | ((queue: QueueLimits) => string);
  readonly asked: number | undefined;
  /** The limit of a node, if a queue has none of its own; undefined if only queues have limits. */
  readonly usual?: number | undefined;
  readonly limit: (queue: QueueLimits) => number | undefined;
  readonly show: (amount: number) => string;
}

function tooMuch(
  profile: SiteProfile,
  name: string | undefined,
  queue: QueueLimits | undefined,
  request: LimitRequest,
): string[] {
  const found: string[] = [];
  for (const amount of amounts(profile, request)) {
    const { asked, flag } = amount;
    const limit = (queue && amount.limit(queue)) ?? amount.usual;
    if (asked === undefined || limit === undefined || asked <= limit) continue;
    const where = queue ? `queue ${name}` : `a node of ${profile.name}`;
    const verb = queue && amount.usual === undefined ? 'allows' : 'has';
    const ways = [limit > 0 ? `give ${flag} ${amount.show(limit)}` : `leave ${flag} out`];
    const wider = widerQueue(profile, name, request);
    if (wider !== undefined) ways.push(`--queue ${wider}`);
    const noun = typeof amount.noun === 'string' ? amount.noun : queue ? amount.noun(queue) : '';
    const most = limit > 0 ? amount.show(limit) : 'no';
    found.push(`${where} ${verb} ${most}${noun}; ${flag} ${amount.show(asked)} asks for more: ${ways.join(' or ')}`);
  }
  return found;
}

function amounts(profile: SiteProfile, request: LimitRequest): Amount[] {
  // if some queues say how many GPUs their nodes have, the others have none
  const known = Object.values(profile.queues).some(q => q.gpus !== undefined);
  const usualGpus = profile.node.gpus ?? (known ? 0 : undefined);
  return [
    { flag: '--walltime', noun: '', asked: request.walltimeSeconds, limit: q => q.walltime, show: flagDuration },
    {
      flag: '--nodes-per-job',
      noun: ' nodes in a job',
      asked: request.nodesPerJob ?? 1,
      limit: q => q.nodes,
      show: String,
    },
    {
      flag: '--nodes',
      noun: ` nodes: ${jobsOfOneUser(request)}`,
      asked: request.nodes,
      limit: q => (q.jobs === undefined ? undefined : nodesIn(q.jobs, request.nodesPerJob ?? 1)),
      show: String,
    },
    {
      flag: '--cores',
      noun: ' cores',
      asked: request.cores,
      usual: profile.node.cores,
      limit: q => q.cores,
      show: String,
    },
    {
      flag: '--memory',
      noun: ' of memory',
      asked: request.memoryMib,
      usual: profile.node.memory,
      limit: q => q.memory,
      show: flagMemory,
    },
    { flag: '--gpus', noun: ' GPUs', asked: request.gpus, usual: usualGpus, limit: q => q.gpus, show: String },
  ];
}

/** Why a limit on the jobs of a user is a limit on nodes. */
const jobsOfOneUser = ({ nodesPerJob = 1 }: LimitRequest): string =>
  `its limit is on jobs of one user, each with ${nodesPerJob === 1 ? 'one node' : `${nodesPerJob} nodes`}`;

/** A queue that allows the whole request. */
function widerQueue(profile: SiteProfile, not: string | undefined, request: LimitRequest): string | undefined {
  const fits = (queue: QueueLimits) =>
    (queue.minNodes ?? 1) <= (request.nodesPerJob ?? 1) &&
    amounts(profile, request).every(a => a.asked === undefined || a.asked <= (a.limit(queue) ?? a.usual ?? a.asked));
  return Object.entries(profile.queues).find(([name, queue]) => name !== not && fits(queue))?.[0];
}

/** Seconds in the form that a user types: `90s`, `10m`, `36h`, `1d12h`. */
export function flagDuration(seconds: number): string {
  const parts: [number, string][] = [
    [Math.floor(seconds / 86400), 'd'],
    [Math.floor((seconds % 86400) / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'm'],
    [Math.round(seconds % 60), 's'],
  ];
  const text = parts.map(([n, unit]) => (n > 0 ? `${n}${unit}` : '')).join('');
  return text || '0s';
}

/** MiB in the form that a user types: `512M`, `4G`. */
export function flagMemory(mib: number): string {
  return mib % 1024 === 0 ? `${mib / 1024}G` : `${mib}M`;
}
