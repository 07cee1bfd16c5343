import { UsageError } from '../errors.js';
import { isEnding } from '../schedulers/job.js';
import { cancelJobs } from '../schedulers/runner.js';
import { type Context, jobQuery, knownIds, reachSite, recordOf, siteRecord } from './context.js';
import { step } from './events.js';
import type { GlideinStatus, SiteJob } from './glideins.js';
import { checkJoins } from './joining.js';
import { lockCluster } from './lock.js';
import { headHost } from './machines.js';
import type { SiteSpec } from './spec.js';
import { clusterStatus } from './status.js';
import { rebound } from './steps/bosco.js';
import { revokeUnused } from './tokens.js';
import { raise } from './up.js';

/** Both numbers count glide-ins. */
export interface ScaleResult {
  readonly submitted: number;
  readonly cancelled: number;
}

/**
 * Changes a site's glide-ins to `site.nodes`: submits what is missing, or cancels what is too much: queued ones first,
 * then idle ones, then the least busy ones.
 * @param relay what the user's settings say about a relay at the site
 */
export async function scale(context: Context, site: SiteSpec, relay?: boolean): Promise<ScaleResult> {
  const { journal } = context;
  const { name } = journal;
  const release = lockCluster(journal, 'scale');
  try {
    const record = recordOf(context);
    if (!['pending', 'running'].includes(record.state)) {
      throw new UsageError(`${name} is ${record.state}: ${record.reason}`, { hint: `scailfin status ${name}` });
    }
    const before = siteRecord(record, site.site)?.spec;
    if (before && before.submit !== site.submit)
      throw new UsageError(`${name} submits to ${site.site} ${before.submit === 'bosco' ? 'by BOSCO' : 'directly'}`, {
        hint: `take it down first: scailfin down ${name}`,
      });
    // a new site is reached before anything is written down: a refusal must have changed nothing
    if (!before) await checkJoins(context, site, relay);
    if (site.submit === 'bosco') return await scaleGrowth(context, site, before !== undefined);
    const status = await clusterStatus(recordOf(context), context.connections);
    const there = status.sites.find(s => s.site === site.site);
    if (there?.error)
      throw new UsageError(`${site.site} can't be asked how many glide-ins it has: ${there.error}`, {
        hint: 'try again when it answers',
      });
    // what was asked for is written down when it begins to be done
    journal.append({ type: 'site', site });
    // what is on its way out brings nothing any more
    const active = (there?.batchJobs ?? []).filter(job => !isEnding(job.state));
    for (const { id, reason } of active.filter(job => job.missing))
      context.sink({ type: 'note', text: `job ${id} at ${site.site} is unknown, and counts as there: ${reason}` });
    if (nodesOf(active) < site.nodes) {
      return { submitted: await raise(context, site, site.nodes, false), cancelled: 0 };
    }
    // fewer glide-ins need no pool, but whoever has fewer wants to use those that stay
    if (status.headnode.pool === 'dead') context.sink({ type: 'warning', text: status.reason });
    const surplus = surplusOf(active, there?.glideins ?? [], site.nodes);
    const cancelled = nodesOf(surplus);
    await step(
      context.sink,
      `Cancelling ${cancelled} glide-in${cancelled === 1 ? '' : 's'} at ${site.site}`,
      async () => {
        if (surplus.length === 0) return 'there were not more than that';
        const known = siteRecord(recordOf(context), site.site);
        const { host, scheduler, probe } = await reachSite(context, site);
        await cancelJobs(
          host,
          scheduler,
          surplus.map(job => job.id),
          jobQuery(name, probe, knownIds(known), site),
        );
        return surplus.map(job => job.id).join(', ');
      },
    );
    await revokeUnused(
      context,
      site.site,
      active.filter(job => !surplus.includes(job)),
    );
    return { submitted: 0, cancelled };
  } finally {
    release();
  }
}

/** The headnode does this within seconds: it submits what is missing to the new minimum, and cancels what is too much. */
async function scaleGrowth(context: Context, site: SiteSpec, isThere: boolean): Promise<ScaleResult> {
  const record = recordOf(context);
  const { head } = record;
  if (isThere && head) {
    const host = await headHost(context.connections, record);
    context.journal.append({ type: 'site', site });
    await rebound(context, host, head.base, site);
  } else {
    context.journal.append({ type: 'site', site });
    await raise(context, site, site.nodes, false);
  }
  return { submitted: 0, cancelled: 0 };
}

const nodesOf = (jobs: readonly SiteJob[]): number => jobs.reduce((sum, job) => sum + job.nodes, 0);

/** The least useful jobs, such that at least `target` nodes stay. A job ends as a whole. */
export function surplusOf(jobs: readonly SiteJob[], glideins: readonly GlideinStatus[], target: number): SiteJob[] {
  const rank = (job: SiteJob): number => (job.state === 'queued' || job.state === 'held' ? 0 : job.joined ? 2 : 1);
  const busy = new Map(jobs.map(job => [job, busyCores(glideins.filter(g => g.job === job.id))]));
  const worst = [...jobs].sort(
    (a, b) =>
      rank(a) - rank(b) || (busy.get(a) ?? 0) - (busy.get(b) ?? 0) || (a.secondsLeft ?? 0) - (b.secondsLeft ?? 0),
  );
  let left = nodesOf(jobs);
  return worst.filter(({ nodes }) => {
    if (left - nodes < target) return false;
    left -= nodes;
    return true;
  });
}

const busyCores = (glideins: readonly GlideinStatus[]): number => glideins.reduce((sum, g) => sum + (g.busy ?? 0), 0);
