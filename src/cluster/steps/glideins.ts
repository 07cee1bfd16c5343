import { ScailfinError, SchedulerError, UsageError } from '../../errors.js';
import type { FileToPut } from '../../hosts/host.js';
import { type TokenPlan, tokenLifetime } from '../../htcondor/tokens.js';
import { asksForGpus } from '../../schedulers/gpus.js';
import { type BatchJob, type BatchJobStatus, isEnding, isOver } from '../../schedulers/job.js';
import { jobsFor, nodesIn } from '../../schedulers/nodes.js';
import { schedulerFor } from '../../schedulers/registry.js';
import { listJobs } from '../../schedulers/runner.js';
import { submitOnce, withdraw } from '../../schedulers/submission.js';
import { nameAtSite } from '../../sites/limits.js';
import { committed, jobsLeft } from '../allowance.js';
import {
  type Context,
  directivesOf,
  jobQuery,
  knownIds,
  recordOf,
  type Site,
  siteDir,
  siteRecord,
} from '../context.js';
import { tagOf } from '../names.js';
import type { Batch } from '../record.js';
import { perJob, type SiteSpec } from '../spec.js';
import { nodesOf } from '../submissions.js';
import { type GlideinSettings, glideinFiles } from './glideinfiles.js';

/** What a submission does in the pool. */
export interface PoolSide {
  /** Makes the token of the submission with this label. Secret. */
  makeToken(label: string): Promise<string>;
  /** Tells the pool that batch jobs are over, so that its jobs do not wait for their glide-ins. */
  noteEnded(ids: readonly string[]): Promise<void>;
}

/**
 * `count` batch jobs, each of which brings its nodes as glide-ins.
 * @param token the label of the submission whose token they use
 */
export function batchJob(spec: SiteSpec, cluster: string, dir: string, count: number, token?: string): BatchJob {
  const { scheduler, launcher, queues } = spec.profile;
  const nodes = perJob(spec);
  const { hasQueues = true } = schedulerFor(scheduler.type);
  const theirs = directivesOf(spec.profile, spec.queue);
  const own = spec.directives ?? [];
  const directives = [...(spec.ownGpus ? theirs.filter(d => !asksForGpus(d)) : theirs), ...own];
  // some sites have their own directive for GPUs
  const isTold = spec.ownGpus ? own.some(asksForGpus) : directives.some(d => /gpu|gres/i.test(d));
  return {
    tag: tagOf(cluster),
    count,
    nodes,
    coresPerNode: spec.cores,
    memoryPerNode: spec.memory,
    gpusPerNode: !scheduler.gpus || isTold ? 0 : spec.gpus,
    gpuType: spec.gpuType,
    gpuForm: scheduler.gpuForm,
    walltime: spec.walltime,
    // if the system has no queues, a queue of the profile only means its limits and directives
    queue:
      spec.queue === undefined || (!hasQueues && queues[spec.queue]) ? undefined : nameAtSite(spec.profile, spec.queue),
    queueOption: scheduler.queueOption ?? 'partition',
    account: spec.account,
    cluster: scheduler.cluster,
    parallelEnvironment: scheduler.parallelEnvironment,
    nodesEnvironment: scheduler.nodesEnvironment,
    directives,
    launcher,
    dir,
    logDir: `${dir}/logs`,
    command:
      nodes === 1
        ? ['bash', `${dir}/glidein.sh`, dir, ...(token === undefined ? [] : [token])]
        : ['/bin/bash', `${dir}/node.sh`, dir, token ?? ''],
    arrays: scheduler.arrays,
  };
}

/** The cluster's batch jobs on a site, as far as the batch system still knows them. */
export async function jobsAt(context: Context, site: Site): Promise<BatchJobStatus[]> {
  const record = recordOf(context);
  const query = jobQuery(record.name, site.probe, knownIds(siteRecord(record, site.spec.site)), site.spec);
  return listJobs(site.host, site.scheduler, query);
}

/**
 * Puts the files of glide-ins on the site, with the tokens of the coming submissions.
 * @returns the cluster's directory there
 */
export async function placeGlidein(
  context: Context,
  site: Site,
  settings: GlideinSettings,
  tokens: readonly LabelledToken[],
): Promise<string> {
  await site.host.put(filesToPlace(context, site, settings, tokens));
  return siteDir(site.probe.base, recordOf(context).name);
}

interface LabelledToken {
  readonly label: string;
  readonly token: string;
}

function filesToPlace(
  context: Context,
  { spec, probe }: Site,
  settings: GlideinSettings,
  tokens: readonly LabelledToken[],
): FileToPut[] {
  const dir = siteDir(probe.base, recordOf(context).name);
  const files = glideinFiles(spec, settings).map(f => ({ path: `${dir}/${f.name}`, content: f.content, mode: f.mode }));
  const secrets = tokens.map(t => ({ path: `${dir}/tokens/${t.label}`, content: `${t.token}\n`, mode: 0o600 }));
  return [...files, ...secrets];
}

/** The properties of the token for a submission to a site. */
export function tokenPlan(spec: SiteSpec, label: string): TokenPlan {
  const { site, cores, memory, walltime, queueTime } = spec;
  return { ...{ site, label, cores, memory }, lifetime: tokenLifetime(walltime, queueTime) };
}

/**
 * Submits glide-ins until there are `target` of them, as one array if the site allows it, with their own token. A
 * submission that was interrupted before is finished first, or found by its name.
 * @returns how many glide-ins the submitted jobs bring
 */
export async function submitGlideins(
  context: Context,
  site: Site,
  settings: GlideinSettings,
  pool: PoolSide,
  target: number,
): Promise<number> {
  const { spec } = site;
  const before = siteRecord(recordOf(context), spec.site)?.batches ?? [];
  const tokens = (labels: readonly string[]): Promise<LabelledToken[]> =>
    Promise.all(labels.map(async label => ({ label, token: await pool.makeToken(label) })));
  const place = async (labels: readonly string[]): Promise<string> =>
    placeGlidein(context, site, settings, await tokens(labels));
  const unfinished = before.filter(b => b.outcome === 'intended');
  if (unfinished.length > 0) {
    // the token that was made for it may have ended meanwhile
    const dir = await place([...new Set(unfinished.flatMap(b => b.token ?? []))]);
    for (const batch of unfinished) await finish(context, site, dir, batch, target);
  }
  // on a new cluster there can be none: the directory was made a moment ago
  const listed = before.length === 0 ? [] : await jobsAt(context, site);
  const active = listed.filter(s => !isEnding(s.state));
  const known = siteRecord(recordOf(context), spec.site);
  const each = perJob(spec);
  const nodes = active.reduce((sum, job) => sum + nodesOf(known, job), 0);
  // a node that died told nobody
  const over = listed.filter(job => isOver(job.state)).map(job => job.id);
  if (over.length > 0) await pool.noteEnded(over);
  // a replacement on silence could double the cluster
  for (const { id, reason } of active.filter(job => job.missing))
    context.sink({ type: 'note', text: `job ${id} at ${spec.site} is unknown, and is not replaced: ${reason}` });
  const missing = allowed(context, spec, listed, jobsFor(Math.max(0, target - nodes), each));
  const token = `b${before.length + 1}`;
  if (missing === 0) await place([]);
  const dir = siteDir(site.probe.base, recordOf(context).name);
  // they go with the first submission
  let files = missing > 0 ? filesToPlace(context, site, settings, await tokens([token])) : [];
  const counts = spec.profile.scheduler.arrays && missing > 0 ? [missing] : Array<number>(missing).fill(1);
  for (const [n, count] of counts.entries()) {
    const label = `b${before.length + n + 1}`;
    const batch = { label, count, nodes: each, jobIds: [], outcome: 'intended', token } as const;
    await submitBatch(context, site, dir, batch, files);
    files = [];
  }
  return nodesIn(missing, each);
}

/**
 * How many of the wanted jobs the limit of node-hours allows.
 * @throws ScailfinError if it allows none, and none is there
 */
function allowed(context: Context, spec: SiteSpec, listed: readonly BatchJobStatus[], wanted: number): number {
  if (wanted === 0 || spec.maxNodeHours === undefined) return wanted;
  const { name } = recordOf(context);
  const known = siteRecord(recordOf(context), spec.site);
  const jobs = listed.map(job => ({ ...job, nodes: nodesOf(known, job) }));
  const used = committed(known?.batches ?? [], jobs, spec.walltime);
  const left = jobsLeft(spec, used);
  if (left >= wanted) return wanted;
  const state = `${spec.maxNodeHours} node-hours are the limit at ${spec.site}, and ${used.toFixed(2)} of them are used or promised to jobs`;
  const hint = `to allow more: scailfin scale ${name} --max-node-hours H; to end: scailfin down ${name}`;
  if (left === 0 && jobs.every(job => isOver(job.state))) throw new ScailfinError(state, { hint });
  context.sink({ type: 'note', text: `${left} of ${wanted} jobs are submitted: ${state}; ${hint}` });
  return left;
}

/** Finishes an interrupted submission, unless it has not begun and would now bring more than `target` glide-ins. */
async function finish(context: Context, site: Site, dir: string, batch: Batch, target: number): Promise<void> {
  const record = recordOf(context);
  const known = siteRecord(record, site.spec.site);
  const active = (await jobsAt(context, site)).filter(s => !isOver(s.state));
  const nodes = active.reduce((sum, job) => sum + nodesOf(known, job), 0);
  if (nodes + nodesIn(batch.count, batch.nodes ?? 1) > target) {
    const query = jobQuery(record.name, site.probe, knownIds(known), site.spec);
    if (await withdraw(site.host, batch.label, query)) {
      context.journal.append({ type: 'batch', name: site.spec.site, batch: { ...batch, outcome: 'refused' } });
      return;
    }
  }
  await submitBatch(context, site, dir, batch);
}

/** @param files that the job needs and that are not there yet */
async function submitBatch(
  context: Context,
  site: Site,
  dir: string,
  batch: Batch,
  files: readonly FileToPut[] = [],
): Promise<void> {
  const { name } = recordOf(context);
  const write = (change: Partial<Batch>): void =>
    context.journal.append({ type: 'batch', name: site.spec.site, batch: { ...batch, ...change } });
  write({});
  const query = jobQuery(name, site.probe, knownIds(siteRecord(recordOf(context), site.spec.site)), site.spec);
  try {
    const jobIds = await submitOnce(
      site.host,
      site.scheduler,
      batchJob(site.spec, name, dir, batch.count, batch.token),
      batch.label,
      query,
      files,
    );
    write({ jobIds, outcome: 'submitted' });
  } catch (error) {
    // a refusal is an answer; a broken connection is not, and the submission stays intended
    if (error instanceof SchedulerError || error instanceof UsageError) write({ outcome: 'refused' });
    throw error instanceof SchedulerError && !error.hint ? explained(error, site.spec.site, name) : error;
  }
}

function explained(error: SchedulerError, site: string, name: string): SchedulerError {
  // templates/site/submit.sh says it, after a `down` that no record here tells of
  if (error.message.endsWith('this cluster is being taken down'))
    return new SchedulerError(`${site} takes no more jobs of ${name}: this cluster is being taken down`, {
      hint: `finish taking it down first: scailfin down ${name}`,
      cause: error,
    });
  const hint = `those are the site's own words; scailfin up --site ${site} --dry-run writes the job script, to try by hand`;
  return new SchedulerError(error.message, { hint, cause: error });
}
