import { LeftoverError, messageOf, UsageError } from '../errors.js';
import { forgetSecrets } from '../frameworks/registry.js';
import type { Host } from '../hosts/host.js';
import type { Machine } from '../hosts/machine.js';
import { UnreachedError } from '../hosts/pinned.js';
import { defaultWork, type Probe, probe } from '../hosts/probe.js';
import type { BatchJobStatus } from '../schedulers/job.js';
import { schedulerFor } from '../schedulers/registry.js';
import { listJobs } from '../schedulers/runner.js';
import { type Context, isForeign, jobQuery, knownIds, siteRecord } from './context.js';
import { step } from './events.js';
import { checkKnown } from './framework.js';
import { checkSeen, type HeadToStop, headnodesOf, type Lost, poolElsewhere } from './headstostop.js';
import { lockCluster } from './lock.js';
import { foundOn, headHost, jobsOn, siteHost } from './machines.js';
import { tagOf } from './names.js';
import { JobTimes, type NodeHours, sumOf } from './nodehours.js';
import type { ClusterRecord, SiteFacts } from './record.js';
import { removeSite, takeDownHead } from './removal.js';
import type { SiteSpec } from './spec.js';
import { stopGrowth } from './steps/bosco.js';
import { takeDownSite } from './takedown.js';
import { closeTunnels } from './tunnel.js';

export interface DownResult {
  readonly name: string;
  /** Number of jobs that had to be cancelled. */
  readonly cancelled: number;
  readonly verified: readonly string[];
  /** Directories on nodes that could not be looked at, whose glide-ins were killed before they removed them. */
  readonly unseen: readonly string[];
  /** What the jobs used; absent without a record. */
  readonly nodeHours?: NodeHours;
  /** What may remain, with `forget`. */
  readonly left: readonly string[];
}

/**
 * The jobs that the headnode submitted by itself, by site: they are cancelled with the submission, and then nobody says any more how long they
 * ran. What can't be asked is missing.
 */
async function grownJobs(
  { connections }: Context,
  record: ClusterRecord,
): Promise<Map<string, readonly BatchJobStatus[]>> {
  const found = new Map<string, readonly BatchJobStatus[]>();
  for (const site of record.sites) {
    if (site.spec.submit !== 'bosco' || !site.facts) continue;
    try {
      const host = await siteHost(connections, record, site);
      const query = jobQuery(record.name, site.facts, knownIds(site), site.spec);
      found.set(site.spec.site, await listJobs(host, schedulerFor(site.spec.profile.scheduler.type), query));
    } catch {
      // only the number of node-hours depends on it
    }
  }
  return found;
}

/**
 * Takes a cluster down and verifies each part: jobs by the batch system's own answer, processes, files. Continues after
 * hosts that can't be reached, and may be repeated any number of times.
 * @param lost needed if the journal has no such cluster
 * @param forget removes the cluster's record even if a part can't be verified, for example because a host no longer
 * exists
 * @throws LeftoverError naming what may remain and where; UsageError if neither journal nor `lost` say where to look
 */
export async function down(context: Context, lost: Lost | undefined, forget = false): Promise<DownResult> {
  const { journal, sink, connections } = context;
  const { name } = journal;
  if (!journal.record && !lost) {
    throw new UsageError(`this machine knows no cluster called ${name}`, {
      hint: `to list the known clusters: scailfin list --all; if it ran at a site: scailfin down ${name} --site SITE`,
    });
  }
  if (journal.record && !lost && !forget) checkKnown(journal.record);
  const release = lockCluster(journal, 'down');
  const record = lost ? undefined : journal.record;
  // where an earlier `down` removed this cluster's files, the name is free: whose files are there is asked again
  const mayBeTaken = record !== undefined && ['terminating', 'failed', 'terminated'].includes(record.state);
  closeTunnels(journal.dir);
  const left: string[] = [];
  const verified: string[] = [];
  const unseen: string[] = [];
  const hours: NodeHours[] = [];
  let cancelled = 0;
  const used = () => (hours.length === 0 ? {} : { nodeHours: sumOf(hours) });
  const onProgress = (detail: string): void => sink({ type: 'progress', detail });
  const part = async (title: string, what: string, work: () => Promise<string>): Promise<void> => {
    try {
      verified.push(`${title}: ${await step(sink, title, work)}`);
    } catch (error) {
      left.push(...(error instanceof LeftoverError ? error.left : [`${what}: ${firstLine(error)}`]));
      if (error instanceof LeftoverError) sink({ type: 'warning', text: firstLine(error) });
    }
  };
  try {
    if (record) journal.append({ type: 'state', state: 'terminating', reason: 'Glide-ins are being cancelled.' });
    const sites: SiteToClear[] = lost
      ? [{ spec: lost.site, facts: undefined, ids: [], submitted: true }]
      : (record?.sites ?? []).map(s => ({
          spec: s.spec,
          facts: s.facts,
          ids: knownIds(s),
          submitted: s.batches.length > 0,
        }));
    const bases = new Map<string, string>();
    const looked: Probe[] = [];
    const heads: HeadToStop[] = [];
    const mayGrow = (error: unknown): void =>
      sink({ type: 'warning', text: `the headnode may still try to submit: ${firstLine(error)}` });
    const before = record ? await grownJobs(context, record) : new Map<string, readonly BatchJobStatus[]>();
    if (record) await endGrowth(context, record, mayBeTaken).catch(mayGrow);
    for (const site of sites) {
      const where = site.spec.profile.login?.hosts[0] ?? 'this machine';
      await part(
        `Cancelling the glide-ins at ${site.spec.site}`,
        `jobs called ${tagOf(name)} and files on ${where}`,
        async () => {
          const first = await (record ? siteHost(connections, record, site) : connections.site(site.spec));
          const found =
            site.submitted && site.facts && !mayBeTaken
              ? undefined
              : await probe(first, site.facts?.base ?? site.spec.profile.directories.work ?? defaultWork, name);
          const host = lost ? jobsOn(connections, first, site.spec, name, found?.siteMachine) : first;
          const facts = (site.facts ?? found) as { base: string; user: string };
          bases.set(site.spec.site, facts.base);
          if (found) looked.push(found);
          if (record && isForeign(found?.owner, record)) return notOurs;
          if (!site.submitted) {
            await removeSite(host, facts.base, name);
            return 'nothing was submitted; no file remains';
          }
          if (lost && found?.pool) {
            const head = foundOn(connections, first, name, found.poolMachine);
            heads.push({ label: first.name, host: async () => head, base: facts.base, found });
            await stopGrowth(name, head, facts.base).catch(error => {
              // the part about the pool says it, too
              if (!(error instanceof UnreachedError)) throw error;
              mayGrow(error);
            });
          }
          const scheduler = schedulerFor(site.spec.profile.scheduler.type);
          const query = jobQuery(name, facts, site.ids, site.spec);
          const on = (machine: Machine): Host => foundOn(connections, first, name, machine);
          const known = record && siteRecord(record, site.spec.site);
          const seen = unseen.length;
          const onUnseen = (what: string): unknown => unseen.push(what);
          const times = known && new JobTimes(known);
          times?.see(before.get(site.spec.site) ?? []);
          const n = await takeDownSite({
            host,
            on,
            scheduler,
            cluster: name,
            base: facts.base,
            query,
            onProgress,
            onUnseen,
            onJobs: jobs => times?.see(jobs),
          });
          // all of them have ended
          if (times) hours.push({ ...times.hours, bound: 0 });
          cancelled += n;
          if (record) endBatches(context, site.spec.site);
          const where = unseen.length > seen ? ` on ${host.name}` : '';
          return `${n === 0 ? 'none was left' : `${n} cancelled`}; no job and no file remains${where}`;
        },
      );
    }
    for (const { label, host, base, found: seen, home } of [...heads, ...headnodesOf(context, lost)]) {
      await part(`Stopping the pool on ${label}`, `the pool's processes and files on ${label}`, async () => {
        const there = await host();
        // the record says where the pool is: at most, it is asked whose files are there
        const isKnown = base !== undefined && seen === undefined;
        // killed before the pool was recorded: if the site's login node is the headnode, the pool is beside the site's files
        const found =
          seen ??
          (isKnown && !mayBeTaken ? undefined : await probe(there, base ?? bases.get(home ?? '') ?? defaultWork, name));
        if (found && !seen) looked.push(found);
        if (record && isForeign(found?.owner, record)) return notOurs;
        if (found && !isKnown) checkSeen(found, there);
        const head = foundOn(connections, there, name, seen || isKnown ? undefined : found?.poolMachine);
        await takeDownHead(head, base ?? (found as Probe).base, name, onProgress);
        return 'no process and no file remains';
      });
    }
    if (lost) left.push(...poolElsewhere(looked));
    // the pool of a login node is found at the site, and by the rules again
    left.splice(0, left.length, ...new Set(left));
    if (left.length > 0 && forget) {
      const reason = `It was forgotten; this may remain: ${left.join('; ')}`;
      if (record) journal.append({ type: 'state', state: 'terminated', reason });
      forgetSecrets(journal.dir);
      return { name, cancelled, verified, unseen, ...used(), left };
    }
    if (left.length > 0) {
      if (record) journal.append({ type: 'state', state: 'failed', reason: `It may not be all gone: ${left[0]}` });
      throw new LeftoverError(`${name} may not be all gone:`, left, {
        hint: `once it can be reached again: scailfin down ${name}${lost ? ` --site ${lost.site.site}` : ''}; if it no longer exists: scailfin down ${name} --forget`,
      });
    }
    if (record) journal.append({ type: 'state', state: 'terminated', reason: gone(unseen) });
    forgetSecrets(journal.dir);
    return { name, cancelled, verified, unseen, ...used(), left };
  } finally {
    release();
  }
}

/**
 * Stops submissions before jobs are looked for. If the headnode can't be reached, the site's side is still closed before
 * its jobs are counted.
 */
async function endGrowth({ connections, sink }: Context, record: ClusterRecord, mayBeTaken: boolean): Promise<void> {
  const { head, name, sites } = record;
  if (!head || !sites.some(s => s.spec.submit === 'bosco')) return;
  await step(sink, 'Stopping the submission of glide-ins', async () => {
    const host = await headHost(connections, record);
    if (mayBeTaken && isForeign((await probe(host, head.base, name)).owner, record)) return;
    await stopGrowth(name, host, head.base);
  });
}

const gone = (unseen: readonly string[]): string =>
  unseen.length === 0
    ? 'It was taken down, and nothing of it remains.'
    : `It was taken down; on nodes this may remain: ${unseen.join('; ')}`;

/** Once verified, the jobs' ends are not asked for again: the batch system may have forgotten them by then. */
function endBatches({ journal }: Context, name: string): void {
  for (const batch of journal.record?.sites.find(s => s.spec.site === name)?.batches ?? [])
    journal.append({ type: 'batch', name, batch: { ...batch, outcome: 'ended' } });
}

const notOurs = 'another cluster has that name there; nothing of this one is there';

interface SiteToClear {
  readonly spec: SiteSpec;
  readonly facts: SiteFacts | undefined;
  readonly ids: readonly string[];
  /** There may be jobs. */
  readonly submitted: boolean;
}

const firstLine = (error: unknown): string => messageOf(error).split('\n')[0] ?? '';
