import type { Growth } from '../htcondor/growth.js';
import type { PoolStatus } from '../htcondor/query.js';
import { isOver } from '../schedulers/job.js';
import { committed, jobsLeft } from './allowance.js';
import type { AskedSite } from './glideins.js';
import type { ClusterRecord, ClusterState, SiteRecord } from './record.js';
import { type Refusal, whyStopped } from './refusals.js';
import { cutOff, type RelayStatus } from './relaystatus.js';

export interface SiteStatus extends AskedSite {
  /** Number of nodes, each of which brings one glide-in. */
  readonly wanted: number;
  /** The node-hours that all jobs at the site may use together; absent: no limit. */
  readonly maxNodeHours?: number;
  /** Present if the headnode submits by itself, between `growth.min` and `growth.max`. */
  readonly growth?: Growth;
  /** How the site's nodes reach the pool; absent if they need no relay. */
  readonly relay?: RelayStatus;
  /** Glide-ins of the last submission whose nodes were unfit; absent if there is none. */
  readonly refused?: readonly Refusal[];
}

/** What a host said, or why it could not be asked. */
export type Answer<T> = { readonly value: T; readonly restarted?: string | undefined } | { readonly error: string };

/** The state of a cluster in one word and one sentence. */
export function judge(
  record: ClusterRecord,
  pool: Answer<PoolStatus>,
  sites: SiteStatus[],
): { state: ClusterState | 'unknown'; reason: string } {
  if (!['pending', 'running', 'initializing'].includes(record.state))
    return { state: record.state, reason: record.reason };
  const lost = sites.filter(s => s.error !== undefined).map(s => s.site);
  if ('error' in pool || lost.length > 0) {
    const machine = record.machine?.name ?? record.head?.host;
    const headnode = machine === undefined ? 'the headnode' : `the headnode (${machine})`;
    const who = ['error' in pool ? headnode : '', ...lost].filter(Boolean).join(' and ');
    return { state: 'unknown', reason: `Could not ask ${who}; what runs there is unknown.` };
  }
  if (!record.head || record.state === 'initializing') return { state: record.state, reason: record.reason };
  if (pool.value.pool !== 'alive') {
    return {
      state: 'failed',
      reason: `${pool.restarted ? `${pool.restarted} was restarted, so the pool has ended` : 'The pool is not running on the headnode'}; \`scailfin up ${record.name}\` starts it again.`,
    };
  }
  const all = sites.flatMap(s => s.glideins);
  const active = all.filter(g => !isOver(g.state));
  const wanted = sites.reduce((sum, s) => sum + s.wanted, 0);
  const joined = active.filter(g => g.joined).length;
  const queued = active.filter(g => g.state === 'queued' || g.state === 'held').length;
  const failed = all.filter(g => g.state === 'failed').length;
  const missing = sites.reduce((sum, s, n) => sum + absent(s, record.sites[n]), 0);
  const unseen = sites.flatMap(s => s.batchJobs).reduce((sum, job) => sum + (job.missing ? job.nodes : 0), 0);
  const also = [
    unseen > 0 ? `${unseen} ${unseen === 1 ? 'is' : 'are'} missing from the batch system's answers` : '',
    queued > 0 ? `${queued} wait in the queue` : '',
    failed > 0 ? `${failed} failed` : '',
    ...sites.flatMap(s => cutOff(s)),
    missing > 0 ? `${missing} running in the batch system ${missing === 1 ? 'is' : 'are'} not in the pool` : '',
  ].filter(Boolean);
  const tail = also.length > 0 ? `; ${also.join(', ')}` : '';
  if (joined > 0)
    return {
      state: 'running',
      reason: `${joined} of ${sites.some(s => s.growth) ? 'at most ' : ''}${wanted} glide-ins ${wanted === 1 ? 'has' : 'have'} joined${tail}.`,
    };
  const [stopped] = sites.flatMap(s => whyStopped(s) ?? []);
  if (stopped) return { state: 'failed', reason: `${stopped}${tail}.` };
  if (active.length > 0) return { state: 'pending', reason: `No glide-in has joined yet${tail}.` };
  const growing = sites.flatMap(s => s.growth ?? []);
  if (growing.some(g => g.state === 'alive')) {
    const stuck = growing.find(g => g.reason);
    if (stuck) return { state: 'pending', reason: `${stuck.site}: ${stuck.reason}` };
    return { state: 'running', reason: 'No glide-in is there, as no job needs one; they come when jobs wait.' };
  }
  const spent = sites.flatMap((site, n) => whatIsSpent(record.sites[n] as SiteRecord, site));
  if (spent.length > 0)
    return {
      state: 'pending',
      reason: `No glide-in is queued or running${tail}, as ${spent.join(' and ')}; to allow more: \`scailfin scale ${record.name} --max-node-hours H\`.`,
    };
  return {
    state: 'pending',
    reason: `No glide-in is queued or running${tail}; \`scailfin up ${record.name}\` submits new ones.`,
  };
}

/** Says that the limit of node-hours at a site allows no more jobs, where that is so. */
function whatIsSpent({ spec, batches }: SiteRecord, { batchJobs }: SiteStatus): string[] {
  if (spec.maxNodeHours === undefined || spec.submit === 'bosco') return [];
  const used = committed(batches, batchJobs, spec.walltime);
  return jobsLeft(spec, used) > 0
    ? []
    : [`the limit of ${spec.maxNodeHours} node-hours at ${spec.site} allows no more`];
}

/** A glide-in normally joins within seconds. */
const JOINING = 90;

/** How many glide-ins of a site have run for longer than it takes to join, and are not in the pool. */
function absent({ glideins }: SiteStatus, record: SiteRecord | undefined): number {
  const late = (record?.spec.walltime ?? 0) - JOINING;
  return glideins.filter(g => g.state === 'running' && g.joined === false && (g.secondsLeft ?? late) < late).length;
}
