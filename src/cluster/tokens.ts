import { messageOf, UsageError } from '../errors.js';
import { listTokens, revokeTokens, type TokenFacts } from '../htcondor/tokens.js';
import { isOver } from '../schedulers/job.js';
import { cancelJobs } from '../schedulers/runner.js';
import { type Context, jobQuery, knownIds, poolDir, reachSite, recordOf, siteRecord } from './context.js';
import { step } from './events.js';
import type { SiteJob } from './glideins.js';
import { lockCluster } from './lock.js';
import { headHost } from './machines.js';
import type { Batch, ClusterRecord, SiteRecord } from './record.js';
import { clusterStatus } from './status.js';
import { isPartOf } from './submissions.js';

/** A token of glide-ins, and who has it. */
export interface TokenStatus extends TokenFacts {
  /** The batch jobs that were submitted with it. */
  readonly jobIds: readonly string[];
}

/** Selects tokens; all given conditions must apply. */
export interface Meant {
  readonly ids: readonly string[];
  readonly site?: string | undefined;
  /** The batch job's id. */
  readonly glidein?: string | undefined;
  readonly all?: boolean | undefined;
}

/** All tokens that were made for a cluster's glide-ins, oldest first. @throws UsageError if there is no pool */
export async function clusterTokens(context: Pick<Context, 'journal' | 'connections'>): Promise<TokenStatus[]> {
  const record = recordOf(context);
  const { host, dir } = await poolOf(context);
  return (await listTokens(host, dir)).map(token => ({ ...token, jobIds: batchesOf(record, token).flatMap(jobsOf) }));
}

/**
 * Revokes tokens, whoever has them; jobs on machines that use them return to the queue. Glide-ins with these tokens can't
 * be distinguished from a thief's machines, so they are cancelled, too.
 * @returns the revoked tokens, and the number of cancelled glide-ins
 */
export async function revoke(
  context: Context,
  meant: Meant,
): Promise<{ readonly revoked: readonly TokenStatus[]; readonly cancelled: number }> {
  const { journal, sink } = context;
  const release = lockCluster(journal, 'token revoke');
  try {
    const tokens = pick(await clusterTokens(context), meant, journal.name);
    const ids = tokens.map(t => t.id);
    await step(sink, `Revoking ${ids.length === 1 ? 'a token' : `${ids.length} tokens`}`, async () => {
      const { host, dir } = await poolOf(context);
      await revokeTokens(host, dir, ids);
      return ids.join(', ');
    });
    let cancelled = 0;
    for (const name of new Set(tokens.map(t => t.site))) cancelled += await cancelHolders(context, name, tokens);
    return { revoked: tokens, cancelled };
  } finally {
    release();
  }
}

/**
 * Revokes the tokens of submissions of which nothing waits or runs any more.
 * @param active the site's batch jobs that are not over
 */
export async function revokeUnused(context: Context, site: string, active: readonly SiteJob[]): Promise<void> {
  const record = recordOf(context);
  const batches = siteRecord(record, site)?.batches ?? [];
  const isUsed = (label: string): boolean => batches.some(b => b.token === label && isActive(b, active));
  const over = new Set(batches.flatMap(b => (b.token !== undefined && !isUsed(b.token) ? [b.token] : [])));
  if (over.size === 0) return;
  const { host, dir } = await poolOf(context);
  const tokens = (await listTokens(host, dir)).filter(t => t.site === site && over.has(t.label) && !t.revoked);
  const ids = tokens.map(t => t.id);
  if (ids.length > 0) await revokeTokens(host, dir, ids);
}

/** Submissions without known ids, such as those of the headnode itself, may still get jobs. */
const isActive = (batch: Batch, active: readonly SiteJob[]): boolean =>
  batch.jobIds.length === 0
    ? batch.outcome !== 'refused' && batch.outcome !== 'ended'
    : active.some(job => batch.jobIds.some(id => isPartOf(job.id, id)));

async function poolOf({ journal, connections }: Pick<Context, 'journal' | 'connections'>) {
  const record = recordOf({ journal });
  const { head, name, state, reason } = record;
  if (!head || state === 'terminated')
    throw new UsageError(`${name} has no pool: it is ${state}. ${reason}`, { hint: `scailfin status ${name}` });
  return { host: await headHost(connections, record), dir: poolDir(head.base, name) };
}

const jobsOf = (batch: Batch): readonly string[] => batch.jobIds;

/** The old token belongs to the submissions of all sites that name no token. */
function batchesOf(record: ClusterRecord, { id, site, label }: TokenFacts): Batch[] {
  if (id === 'old') return record.sites.flatMap(s => s.batches.filter(b => b.token === undefined));
  return siteRecord(record, site)?.batches.filter(b => b.token === label) ?? [];
}

/** @throws UsageError if no token is selected, or if one does not exist */
function pick(tokens: readonly TokenStatus[], { ids, site, glidein, all }: Meant, name: string): TokenStatus[] {
  const hint = `scailfin token list ${name}`;
  if (ids.length === 0 && site === undefined && glidein === undefined && !all)
    throw new UsageError('no token was named', { hint: `name one (${hint}), or give --site, --glidein or --all` });
  const strange = ids.find(id => !tokens.some(t => t.id === id));
  if (strange) throw new UsageError(`${name} has no token ${JSON.stringify(strange)}`, { hint });
  const found = tokens.filter(
    t =>
      (ids.length === 0 || ids.includes(t.id)) &&
      (site === undefined || t.site === site || t.id === 'old') &&
      (glidein === undefined || t.jobIds.some(id => isPartOf(glidein, id))),
  );
  if (found.length === 0) throw new UsageError(`${name} has no such token`, { hint });
  return found;
}

/** Cancels queued and running glide-ins at a site with these tokens. @returns how many */
async function cancelHolders(context: Context, site: string, tokens: readonly TokenStatus[]): Promise<number> {
  const record = recordOf(context);
  const sites = record.sites.filter(s => site === '' || s.spec.site === site);
  let cancelled = 0;
  for (const known of sites) {
    const batches = tokens.flatMap(t => batchesOf({ ...record, sites: [known] }, t));
    if (batches.length > 0) cancelled += await cancelAt(context, known, batches).catch(warnOf(context, known));
  }
  return cancelled;
}

/** Glide-ins at a site that can't be reached end by themselves, because they get no more jobs. */
const warnOf =
  ({ sink, journal }: Context, { spec }: SiteRecord) =>
  (error: unknown): number => {
    const text = `the tokens are revoked, but ${spec.site} could not be reached: ${messageOf(error).split('\n')[0]}; glide-ins there leave by themselves, or: scailfin down ${journal.name}`;
    sink({ type: 'warning', text });
    return 0;
  };

async function cancelAt(context: Context, { spec }: SiteRecord, batches: readonly Batch[]): Promise<number> {
  const { connections, sink, journal } = context;
  return step(
    sink,
    `Cancelling the glide-ins at ${spec.site} that use them`,
    async () => {
      const { host, scheduler, probe } = await reachSite(context, spec);
      const status = await clusterStatus(recordOf(context), connections);
      const there = status.sites.find(s => s.site === spec.site);
      if (there?.error) throw new UsageError(there.error);
      // jobs that the headnode submitted itself are not recorded
      const others = (siteRecord(recordOf(context), spec.site)?.batches ?? []).filter(b => !batches.includes(b));
      const isOurs = (id: string): boolean => batches.some(b => b.jobIds.some(job => isPartOf(id, job)));
      const isTheirs = (id: string): boolean => others.some(b => b.jobIds.some(job => isPartOf(id, job)));
      const grown = batches.some(b => b.jobIds.length === 0);
      const jobs = (there?.batchJobs ?? []).filter(
        job => !isOver(job.state) && (isOurs(job.id) || (grown && !isTheirs(job.id))),
      );
      const query = jobQuery(journal.name, probe, knownIds(siteRecord(recordOf(context), spec.site)), spec);
      await cancelJobs(
        host,
        scheduler,
        jobs.map(job => job.id),
        query,
      );
      return jobs.reduce((sum, job) => sum + job.nodes, 0);
    },
    n => (n === 0 ? 'there were none' : String(n)),
  );
}
