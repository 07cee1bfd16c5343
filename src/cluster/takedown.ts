import { CommandError, LeftoverError, messageOf, SchedulerError } from '../errors.js';
import type { Host, Output } from '../hosts/host.js';
import { type Machine, parseMachine } from '../hosts/machine.js';
import { keyValues, runScript, scriptCommand } from '../hosts/script.js';
import { type BatchJobStatus, isOver, type JobQuery } from '../schedulers/job.js';
import { limitOf } from '../schedulers/missing.js';
import { cancelAndList, listJobs, listJobsAfter } from '../schedulers/runner.js';
import type { Scheduler } from '../schedulers/scheduler.js';
import { isUnsure } from '../schedulers/submission.js';
import { templateText } from '../templates.js';
import { formatDuration } from '../units.js';
import { siteDir } from './context.js';
import { removeSite, withEnds } from './removal.js';
import { Silence } from './silence.js';

/** How long a batch system may take to end a job. Seconds. */
const CANCEL_LIMIT = 120;
/** For how long jobs may still end although the batch system refused to end all of them. Seconds. */
const REFUSED_LIMIT = 10;
/** How long glide-ins that run are waited for before it is asked again: most leave within one or two. Seconds. */
const LEAVING = 4;
/** Before the first of the further looks. Seconds. */
const MOMENT = 0.5;

export interface SiteTakedown {
  readonly host: Host;
  /** Another machine behind the name of `host`; absent where nothing but jobs can run at the site. */
  readonly on?: (machine: Machine) => Host;
  readonly scheduler: Scheduler;
  readonly cluster: string;
  readonly base: string;
  readonly query: JobQuery;
  readonly onProgress: (text: string) => void;
  /** Called with all jobs of the cluster that the batch system shows, each time it was asked. */
  readonly onJobs?: (jobs: readonly BatchJobStatus[]) => void;
  /** Called with each directory that may remain on a node, because its glide-in was killed: `/tmp/scailfin-x-1a2b3c4d on c1`. */
  readonly onUnseen?: (what: string) => void;
}

/**
 * Cancels all of a cluster's jobs on a site, waits until the batch system says that they are over, and only then removes
 * the files. If there is nothing, it verifies that. A job that the batch system does not show is not over for that reason.
 * @returns how many jobs it cancelled
 * @throws LeftoverError naming what may remain
 */
export async function takeDownSite(site: SiteTakedown): Promise<number> {
  const { host, scheduler, cluster, base } = site;
  const first = await closeSite(site);
  const { closed, query } = first;
  const asked = new Set<string>();
  // the batch system has shown these; in the end, each of them is over
  const ended = new Set<string>();
  // it has accepted that these end
  const accepted = new Map<string, string>();
  const silence = new Silence(limitOf(scheduler, query), first.isGone);
  const unsure = mayAppearFor(closed.get('refused') ?? [], limitOf(scheduler, query));
  const leaving = scriptCommand(templateText('site/leaving.sh'), [siteDir(base, cluster), String(LEAVING)]);
  const began = Date.now();
  let known: BatchJobStatus[] | undefined = first.jobs;
  let refusal: { readonly error: SchedulerError; readonly at: number } | undefined;
  for (let round = 0; ; round++) {
    const cancelled = (): JobQuery => ({ ...query, cancelled: [...accepted.values()] });
    const all = known ?? (await stillThere(site, () => listJobs(host, scheduler, cancelled())));
    known = undefined;
    const active = all.filter(job => !silence.isOver(job));
    if (active.length === 0) {
      const left = unsure - (Date.now() - began) / 1000;
      if (left <= 0) break;
      site.onProgress(
        `${scheduler.survey.title} may have taken a job that it does not show yet; looking for ${formatDuration(Math.ceil(left))}`,
      );
      await new Promise(resolve => setTimeout(resolve, 1000 * Math.min(3, left)));
      continue;
    }
    const fresh = active.filter(s => !asked.has(s.id));
    // repeat the request for jobs that were cancelled once and still run
    const due = round % 10 === 9 ? active : fresh;
    for (const s of due) asked.add(s.id);
    if (due.length > 0) {
      const shown = due.filter(s => !s.missing && !accepted.has(s.id));
      for (const s of shown) {
        ended.add(s.id);
        accepted.set(s.id, s.jobId);
      }
      let error: SchedulerError | undefined;
      known = await stillThere(site, async () => {
        const { jobs, refused } = await cancelAndList(host, scheduler, wholeJobs(due), cancelled(), leaving);
        error = refused;
        return jobs;
      });
      refusal = error && { error, at: Date.now() };
      // it does not say which of them it refuses
      if (error) for (const s of shown) accepted.delete(s.id);
      // the next look at the jobs that are left needs no wait of its own
      if (known.length < active.length) continue;
      known = undefined;
    }
    if (active.every(s => s.missing)) {
      if (silence.isHopeless(active)) throw unsaid(site, active);
      site.onProgress(`${scheduler.survey.title} does not show ${active.map(s => `job ${s.id}`).join(', ')}`);
    } else {
      if (refusal && Date.now() - refusal.at > REFUSED_LIMIT * 1000)
        throw leftovers(site, active, messageOf(refusal.error));
      if (Date.now() - began > CANCEL_LIMIT * 1000)
        throw leftovers(
          site,
          active,
          `the batch system has not ended these jobs ${CANCEL_LIMIT} s after they were cancelled:`,
        );
      site.onProgress(`${active.length} ${active.length === 1 ? 'job is' : 'jobs are'} ending`);
    }
    // each look is a round trip, and work for a batch system that many share
    await new Promise(resolve => setTimeout(resolve, Math.min(2000, 1000 * MOMENT * 2 ** round)));
  }
  requireAnswers(site, closed.get('unfinished') ?? []);
  await endElsewhere(site, closed.get('elsewhere') ?? []);
  const unseen = await removeSite(host, base, cluster);
  for (const what of unseen) site.onUnseen?.(what);
  return ended.size;
}

/**
 * For how long a job may still appear that the batch system took although it seemed to refuse it. Seconds.
 * @param refused `SECONDS WORDS` for each submission that failed so long ago, with the system's words in base64
 * @param limit seconds that a job may be there without being shown
 */
function mayAppearFor(refused: readonly string[], limit: number): number {
  const left = refused.map(text => {
    const [age, words = ''] = text.split(' ');
    return isUnsure(Buffer.from(words, 'base64').toString()) ? limit - Number(age) : 0;
  });
  return Math.max(0, ...left);
}

/** A submission may take this long to be answered, or to be given up. Seconds. */
const SUBMISSION_LIMIT = 180;

/**
 * The batch system may have taken a job of which nobody knows the id yet.
 * @param unfinished `LABEL SECONDS` for each submission that was begun so long ago and has no answer
 */
function requireAnswers({ host, query }: SiteTakedown, unfinished: readonly string[]): void {
  const open = unfinished.map(text => text.split(' ')).filter(([, age]) => !(Number(age) > SUBMISSION_LIMIT));
  if (open.length === 0) return;
  throw new LeftoverError(
    'a submission has not been answered yet:',
    open.map(([label, age]) => `a job called ${query.tag} on ${host.name}: its submission ${label} began ${age} s ago`),
    { hint: `run the same command again in ${formatDuration(SUBMISSION_LIMIT)}` },
  );
}

/**
 * Ends processes of BOSCO and of the relay on other login nodes than the one that was reached. @throws LeftoverError naming the
 * machines that could not be asked
 */
async function endElsewhere({ on, base, cluster }: SiteTakedown, machines: readonly string[]): Promise<void> {
  const dir = siteDir(base, cluster);
  const ends = 'bosco_end "$1"; relay_end "$1"; rm -f "$1/bosco/on/$(uname -n)".*';
  const script = [templateText('bosco/close.sh'), templateText('relay/close.sh'), ends].join('\n');
  const left: string[] = [];
  for (const text of machines) {
    const machine = parseMachine(text);
    const what = `a process of ${cluster} on ${machine?.name ?? 'another login node'}`;
    try {
      const out = machine && on && (await runScript(on(machine), script, [dir], { timeoutMs: 60_000 }));
      left.push(...(out ? (keyValues(out.stdout).get('left') ?? []) : [what]));
    } catch (error) {
      left.push(`${what}: ${messageOf(error).split('\n')[0]}`);
    }
  }
  if (left.length > 0) throw new LeftoverError('something may still run on another login node:', left);
}

interface Closed {
  /** What `close.sh` said. */
  readonly closed: ReadonlyMap<string, readonly string[]>;
  /** The site has no directory of the cluster. */
  readonly isGone: boolean;
  readonly query: JobQuery;
  /** The cluster's jobs that are not over. */
  readonly jobs: BatchJobStatus[];
}

/** Refuses further submissions, then lists the jobs, in one round trip. @throws LeftoverError if the jobs can't be listed */
async function closeSite(site: SiteTakedown): Promise<Closed> {
  const { host, scheduler, cluster, base } = site;
  const script = scriptCommand(withEnds('site/close.sh'), [siteDir(base, cluster), '60']);
  let said: Omit<Closed, 'jobs'> | undefined;
  const read = ({ exitCode, stdout, stderr }: Output): JobQuery => {
    if (exitCode !== 0) throw new CommandError(host.name, 'close the cluster to submissions', exitCode, stderr);
    const closed = keyValues(stdout);
    const answers = (closed.get('submitted') ?? []).map(text => Buffer.from(text, 'base64').toString());
    const ids = [...new Set([...site.query.ids, ...answers.flatMap(a => submittedId(scheduler, a))])];
    const query = { ...site.query, ids };
    said = { closed, isGone: /^gone$/m.test(stdout), query };
    return query;
  };
  const options = { timeoutMs: 210_000 };
  const jobs = await stillThere(site, () =>
    listJobsAfter(host, scheduler, site.query, [{ argv: script }], options, read),
  );
  return { ...(said as Omit<Closed, 'jobs'>), jobs };
}

async function stillThere(site: SiteTakedown, list: () => Promise<BatchJobStatus[]>): Promise<BatchJobStatus[]> {
  const { query } = site;
  try {
    const jobs = await list();
    site.onJobs?.(jobs);
    return jobs.filter(s => !isOver(s.state));
  } catch (error) {
    if (!(error instanceof SchedulerError)) throw error;
    throw new LeftoverError(
      messageOf(error),
      [`batch jobs called ${query.tag} of ${query.user} on ${site.host.name}, if there are any`],
      {
        hint: 'run the same command again when the batch system answers; glide-ins end by themselves once their directory is gone',
      },
    );
  }
}

/** An array is cancelled as a whole if all of its known jobs are to be cancelled. */
function wholeJobs(statuses: readonly BatchJobStatus[]): string[] {
  return [...new Set(statuses.map(s => s.jobId))];
}

function leftovers(site: SiteTakedown, active: readonly BatchJobStatus[], message: string): LeftoverError {
  const left = active.map(s => `job ${s.id} (${s.word}${s.node ? ` on ${s.node}` : ''}) on ${site.host.name}`);
  return new LeftoverError(message, left, { hint: 'run the same command again in a while' });
}

function unsaid(site: SiteTakedown, active: readonly BatchJobStatus[]): LeftoverError {
  return new LeftoverError(
    `${site.scheduler.survey.title} does not show these jobs, and has not said that they are over:`,
    active.map(s => `job ${s.id} on ${site.host.name}, if it is still there: ${s.reason}`),
    { hint: 'run the same command again in a while' },
  );
}

/** The id in a stored answer of the batch system, if it accepted the job. */
export function submittedId(scheduler: Scheduler, answer: string): string[] {
  try {
    return [scheduler.parseSubmit({ stdout: answer, stderr: '', exitCode: 0 })];
  } catch {
    return [];
  }
}
