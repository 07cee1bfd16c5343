import { randomBytes } from 'node:crypto';
import { jobQuery } from '../cluster/context.js';
import type { SiteSpec } from '../cluster/spec.js';
import { batchJob } from '../cluster/steps/glideins.js';
import { submittedId, takeDownSite } from '../cluster/takedown.js';
import { LeftoverError, messageOf, ScailfinError, SchedulerError, TimeoutError } from '../errors.js';
import type { Host } from '../hosts/host.js';
import { keyValues, runScript } from '../hosts/script.js';
import { type BatchJob, type BatchJobStatus, isOver, type JobQuery } from '../schedulers/job.js';
import { listJobs } from '../schedulers/runner.js';
import type { Scheduler } from '../schedulers/scheduler.js';
import { submitOnce } from '../schedulers/submission.js';
import { quote } from '../shell.js';
import { templateText } from '../templates.js';
import { formatDuration } from '../units.js';

/** The name of a check's job. It can't be a cluster's tag, because these begin with `sf-`. */
export const TAG = 'sfcheck';
/** The check's directory beside those of clusters, whose names begin with a letter. */
export const NAME = '.check';
/** Seconds; the job itself takes less than half of it. */
const WALLTIME = 60;
/**
 * How long after the end of the job its report may take to show up on the login node, because network file systems update
 * rarely. Seconds.
 */
const GRACE = 15;

/** The settings of this check's job. */
export interface Errand {
  readonly host: Host;
  readonly scheduler: Scheduler;
  readonly spec: SiteSpec;
  readonly base: string;
  readonly user: string;
  /** Arguments of templates/site/node.sh, after the first two. */
  readonly targets: readonly string[];
  /** Seconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  readonly progress: (text: string) => void;
}

export interface Answer {
  readonly text: string;
  /** Through the work directory, or only in the job's output, which some batch systems transfer themselves. */
  readonly via: 'directory' | 'output';
  readonly id: string;
  readonly queuedSeconds: number;
  /** By the login node's clock: the job began to write between these times. */
  readonly began: { readonly notBefore: number; readonly notAfter: number };
}

interface Look {
  readonly now: number;
  readonly begun: boolean;
  readonly gone: boolean;
  readonly report: string | undefined;
  readonly log: string | undefined;
}

/**
 * Submits one short job, or takes over the job of an earlier check, and waits for its report. In any case the job is
 * cancelled and its directory removed.
 * @throws SchedulerError (refused), TimeoutError, ScailfinError (no report), LeftoverError, the reason of an abort
 */
export async function askNode(errand: Errand): Promise<Answer> {
  const { host, scheduler, base, user, signal, progress } = errand;
  const query: JobQuery = { ...jobQuery(NAME, { base, user }, [], errand.spec), tag: TAG };
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  aborted.catch(() => {});
  const site = { host, scheduler, cluster: NAME, base, query, onProgress: () => progress('cleaning up') };
  try {
    return await Promise.race([work(errand, query, () => takeDownSite(site)), aborted]);
  } finally {
    await takeDownSite(site).catch(error => {
      throw error instanceof LeftoverError ? error : leftBehind(errand, error);
    });
  }
}

function leftBehind({ host, base }: Errand, cause: unknown): LeftoverError {
  const left = [
    `perhaps a job called ${TAG}, which ends by itself a minute after its start`,
    `${base}/${NAME} on ${host.name}`,
  ];
  return new LeftoverError(`could not clean up: ${messageOf(cause)}`, left, {
    hint: 'run the check again: it cancels the job and removes the directory',
  });
}

async function work(errand: Errand, query: JobQuery, clear: () => Promise<unknown>): Promise<Answer> {
  const { host, scheduler } = errand;
  const job = nodeJob(errand, query.dir);
  const nonce = await claim(errand, query, job, clear);
  const before = await look(host, query.dir);
  const sent = { ...job, command: nodeCommand(query.dir, nonce, errand.targets, errand.spec.profile.network.proxy) };
  errand.signal.throwIfAborted();
  const ids = await submitOnce(host, scheduler, sent, 'check', query);
  return waitFor(errand, { ...query, ids }, nonce, before);
}

/** The job of one glide-in as `up` would submit it, but short. */
function nodeJob({ spec }: Errand, dir: string): BatchJob {
  return { ...batchJob(spec, NAME, dir, 1), nodes: 1, tag: TAG, walltime: WALLTIME, command: [] };
}

/**
 * Makes the directory. An existing one is taken over with its job, if it has the same settings and the job is still
 * alive; otherwise it is removed first.
 * @returns a word that is only known in this directory
 */
async function claim(errand: Errand, query: JobQuery, job: BatchJob, clear: () => Promise<unknown>): Promise<string> {
  const { host, scheduler, base } = errand;
  const { queue, account, coresPerNode, memoryPerNode, gpusPerNode, directives } = job;
  const wish = { queue, account, coresPerNode, memoryPerNode, gpusPerNode, directives, targets: errand.targets };
  const owner = JSON.stringify({ check: wish });
  const prepare = () =>
    runScript(
      host,
      `${templateText('site/machine.sh')}\n${templateText('site/prepare.sh')}`,
      [base, NAME, 'site', owner, 'none'],
      { check: false },
    );
  const old = keyValues((await runScript(host, templateText('site/left.sh'), [query.dir])).stdout);
  const answered = (old.get('submitted') ?? []).flatMap(a =>
    submittedId(scheduler, Buffer.from(a, 'base64').toString()),
  );
  const live = await listJobs(host, scheduler, { ...query, ids: answered });
  // of a job that is not shown, no report can be expected
  const isAlive = live.some(s => !isOver(s.state) && !s.missing);
  const nonce = old.get('nonce')?.[0];
  if (nonce && isAlive && old.get('owner')?.[0] === owner) return nonce;
  if (old.has('there') || isAlive) await clear();
  const made = await prepare();
  if (made.exitCode !== 0)
    throw new ScailfinError(`can't make ${query.dir}: ${made.stderr.trim() || made.stdout.trim()}`);
  const fresh = randomBytes(8).toString('hex');
  await host.put([{ path: `${query.dir}/nonce`, content: fresh, mode: 0o600 }]);
  return fresh;
}

/**
 * Everything is part of the command, because the report must come even if the node has another directory of that name, or
 * none.
 * @param proxy the site's HTTP proxy
 */
export function nodeCommand(dir: string, nonce: string, targets: readonly string[], proxy?: string): string[] {
  const named = (name: string): string => `${name}() (\n${templateText(`site/${name}.sh`)})\n`;
  const by = proxy === undefined ? '' : `export http_proxy=${quote(proxy)} https_proxy=${quote(proxy)}\n`;
  const script = `shift\n${by}${named('reach')}${named('urls')}${templateText('site/node.sh')}`;
  const text = Buffer.from(script).toString('base64');
  return ['/bin/bash', '-c', 'eval "$(printf %s "$1" | base64 -d)"', 'check', text, dir, nonce, ...targets];
}

async function look(host: Host, dir: string): Promise<Look> {
  const values = keyValues((await runScript(host, templateText('site/look.sh'), [dir])).stdout);
  const text = (key: string): string | undefined => {
    const parts = (values.get(key) ?? []).map(part => Buffer.from(part, 'base64').toString());
    return parts.length === 0 ? undefined : parts.join('\n');
  };
  return {
    ...{ now: Number(values.get('now')?.[0]), begun: values.has('begun'), gone: values.has('gone') },
    ...{ report: text('report'), log: text('log') },
  };
}

async function waitFor(errand: Errand, query: JobQuery, nonce: string, before: Look): Promise<Answer> {
  const { host, scheduler, signal, progress, timeout } = errand;
  const [asked, id] = [Date.now(), query.ids[0] as string];
  const whole = (text: string | undefined): text is string => text?.includes(`end=${nonce}`) === true;
  let [last, seen] = [before, undefined as Look | undefined];
  let queued: number | undefined;
  let over: number | undefined;
  for (let round = 0; ; round++) {
    const [now, jobs] = await Promise.all([look(host, query.dir), statusOf(host, scheduler, query)]);
    signal.throwIfAborted();
    const job = jobs?.find(s => !isOver(s.state)) ?? jobs?.[0];
    const seconds = (Date.now() - asked) / 1000;
    if (now.begun || job?.state === 'running') queued ??= seconds;
    if (now.begun) seen ??= now;
    const text = [now.report, now.log].find(whole);
    if (text !== undefined) {
      const via = whole(now.report) ? ('directory' as const) : ('output' as const);
      const began = { notBefore: last.now, notAfter: (seen ?? now).now };
      return { text, via, id, queuedSeconds: Number((queued ?? seconds).toFixed(1)), began };
    }
    if (!now.begun) last = now;
    if (now.gone) throw new ScailfinError(`${query.dir} was removed during the wait for the job`, { hint: another });
    if (job?.state === 'held') throw held(scheduler, job);
    over = job === undefined || !isOver(job.state) ? undefined : (over ?? seconds);
    if (over !== undefined && seconds - over > GRACE) throw silent(job as BatchJobStatus, query.dir, now);
    if (seconds > timeout && over === undefined) throw late(job, seconds);
    progress(inWords(job, seconds, queued));
    await new Promise(resolve => setTimeout(resolve, round < 10 ? 700 : round < 40 ? 3000 : 10_000));
  }
}

const another = 'another check of yours may have cleaned up: run one at a time';

/** Undefined: it could not be asked now, and nothing is known. */
async function statusOf(host: Host, scheduler: Scheduler, query: JobQuery): Promise<BatchJobStatus[] | undefined> {
  try {
    return await listJobs(host, scheduler, query);
  } catch (error) {
    if (error instanceof SchedulerError) return undefined;
    throw error;
  }
}

function inWords(job: BatchJobStatus | undefined, seconds: number, queued: number | undefined): string {
  if (job === undefined) return `the batch system does not answer, ${formatDuration(seconds)}`;
  if (job.state === 'queued') return `queued ${formatDuration(seconds)}${job.reason ? ` (${job.reason})` : ''}`;
  const where = job.node ? ` on ${job.node}` : '';
  return `${job.state}${where} ${formatDuration(seconds - (queued ?? seconds))}`;
}

function held(scheduler: Scheduler, job: BatchJobStatus): SchedulerError {
  const why = job.reason ?? job.word;
  const hint = /no such file|directory|output file|chdir/i.test(why)
    ? SHARED
    : 'it would never start: ask for less, choose another --queue, or ask the site what this state means';
  return new SchedulerError(`${scheduler.survey.title} took the job, but holds it: ${why}`, { hint });
}

function late(job: BatchJobStatus | undefined, seconds: number): TimeoutError {
  const state = job === undefined ? 'of unknown state' : job.state;
  const why = job?.reason ? `; the batch system says ${job.reason}` : '';
  return new TimeoutError(`the job was still ${state} after ${formatDuration(seconds)}${why}`, {
    hint: 'the machine may be busy: wait longer with --timeout, or choose another --queue; the job was cancelled',
  });
}

const SHARED =
  'most likely compute nodes do not see that directory: set directories.work in the profile to one that they share with the login node, such as a scratch file system';

/** By the batch system's answer it ran, but no report has come. */
function silent(job: BatchJobStatus, dir: string, { log }: Look): ScailfinError {
  const how = [job.word, job.exitCode === undefined ? '' : `status ${job.exitCode}`, job.reason ?? ''];
  const where = job.node ? ` on ${job.node}` : '';
  const ended = `the job ended${where} (${how.filter(Boolean).join(', ')})`;
  const said = log
    ?.trim()
    .split('\n')
    .slice(-5)
    .map(line => `  | ${line}`);
  if (said) return new ScailfinError([`${ended} without a complete report; its output:`, ...said].join('\n'));
  return new ScailfinError(`${ended} and left nothing in ${dir}`, {
    hint: SHARED,
  });
}
