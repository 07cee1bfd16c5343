import { ScailfinError, TimeoutError } from '../../errors.js';
import { glideinsJoined } from '../../htcondor/query.js';
import { isOver, ownId } from '../../schedulers/job.js';
import { formatDuration } from '../../units.js';
import { type Context, poolDir, recordOf, siteDir, siteRecord } from '../context.js';
import type { SiteJob } from '../glideins.js';
import { headHost, siteHost } from '../machines.js';
import { type Refusal, whyStopped } from '../refusals.js';
import { type ClusterStatus, clusterStatus } from '../status.js';

/** The batch system took batch jobs away while their glide-ins were waited for: others can take their places. */
export class LostJobsError extends ScailfinError {}

export interface Wait {
  /** How many glide-ins have to join. */
  readonly target: number;
  /** The site whose jobs can be submitted again. */
  readonly site: string;
  /** When the user began to wait, as `Date.now()` says it. */
  readonly began: number;
  /** Seconds from then on. */
  readonly timeout: number;
}

/**
 * Waits until so many glide-ins have joined. It asks often at first and rarely later, because login nodes are shared.
 * @throws TimeoutError when the time is over (nothing is undone), LostJobsError if it can't happen because the site's batch system took
 *   jobs away, ScailfinError if so many failed in another way that it can't happen
 */
export async function waitForGlideins(
  context: Context,
  { target, site, began, timeout }: Wait,
): Promise<ClusterStatus> {
  let trouble = 0;
  /** The site's jobs that were there during this wait: others ended before it. */
  const seen = new Set<string>();
  const pause = pauses(context, target);
  // most glide-ins are there after some seconds, and asking before that only costs round trips
  await pause(FIRST);
  for (let round = 0; ; round++) {
    const status = await clusterStatus(recordOf(context), context.connections);
    const own = status.sites.find(s => s.site === site);
    const all = status.sites.flatMap(s => s.glideins);
    const active = all.filter(g => !isOver(g.state));
    const joined = active.filter(g => g.joined).length;
    if (joined >= target) return status;
    const blind = status.sites.find(s => s.error)?.error ?? status.headnode.error;
    trouble = blind ? trouble + 1 : 0;
    if (trouble >= 3)
      throw new ScailfinError(`the cluster can't be watched any more: ${blind}`, {
        hint: `scailfin status ${status.name}`,
      });
    const refused = status.sites.flatMap(s => s.refused ?? []);
    const growing = status.sites.flatMap(s => s.growth ?? []);
    const stuck = growing.find(g => g.failures > 0 && g.reason);
    const again = hintOf(refused);
    if (stuck?.stopped)
      throw new ScailfinError(`${stuck.site}: ${stuck.reason}`, {
        hint: `${again}then the same command again submits new ones; or take it down: scailfin down ${status.name}`,
      });
    if (stuck)
      throw new ScailfinError(`${stuck.site}: ${stuck.reason}`, {
        hint: `${again}the next try is in ${formatDuration(stuck.pause)}: scailfin status ${status.name}; or take it down: scailfin down ${status.name}`,
      });
    const [stopped] = status.sites.flatMap(s => whyStopped(s) ?? []);
    if (stopped)
      throw new ScailfinError(stopped, {
        hint: `${hintOf(refused)}those that still wait are cancelled by scailfin down ${status.name}`,
      });
    if (!blind && growing.length === 0 && active.length < target) {
      const hint = `${hintOf(refused)}for their whole logs: scailfin logs ${status.name}; the same command again submits new ones`;
      const ended = (own?.batchJobs ?? []).filter(job => isOver(job.state) && seen.has(job.id));
      if (ended.length > 0 && ended.every(job => job.lost)) throw new LostJobsError(whichLost(ended), { hint });
      throw new ScailfinError(refusal(refused) ?? (await whyFailed(context, status)), { hint });
    }
    for (const job of own?.batchJobs ?? []) if (!isOver(job.state)) seen.add(job.id);
    if (Date.now() - began > timeout * 1000) {
      const hint = `nothing is lost: they go on waiting. \`scailfin status ${status.name} --watch\` shows when they join, \`scailfin down ${status.name}\` cancels them`;
      throw new TimeoutError(
        `${joined} of ${target} glide-ins joined within ${formatDuration(timeout)}: ${status.reason}`,
        { hint },
      );
    }
    context.sink({ type: 'progress', detail: progress(status, joined, target) });
    await pause(round < 10 ? 0.5 : round < 40 ? 2 : 10);
  }
}

/** How long it may take until the first glide-ins join. Seconds. */
const FIRST = 3;

/** @returns a function that waits for so many seconds, or until the pool says that `target` glide-ins are there: once */
function pauses(context: Context, target: number): (seconds: number) => Promise<void> {
  let hasSaid = false;
  return async seconds => {
    const record = recordOf(context);
    const began = Date.now();
    if (record.head && !hasSaid) {
      const dir = poolDir(record.head.base, record.name);
      // a headnode that can't be asked is found out by who asks for the status
      hasSaid = await headHost(context.connections, record)
        .then(host => glideinsJoined(host, dir, target, seconds))
        .catch(() => false);
      if (hasSaid) return;
    }
    await new Promise(resolve => setTimeout(resolve, Math.max(0, 1000 * seconds - (Date.now() - began))));
  };
}

function progress(status: ClusterStatus, joined: number, target: number): string {
  const waiting = status.sites.flatMap(s => s.glideins).filter(g => g.state === 'queued' || g.state === 'held');
  const why = waiting.find(g => g.reason)?.reason;
  return `${joined} of ${target} joined${waiting.length > 0 ? `, ${waiting.length} in the queue${why ? ` (${why})` : ''}` : ''}`;
}

/** Which jobs were lost, with the batch system's word for it. */
function whichLost(jobs: readonly SiteJob[]): string {
  const [first] = jobs as [SiteJob, ...SiteJob[]];
  const where = first.node === undefined ? '' : ` on ${first.node}`;
  const more = jobs.length > 1 ? `, and ${jobs.length - 1} more` : '';
  return `job ${first.id}${where} was lost (${first.word})${more}`;
}

/** What the user can do about nodes that did not pass a check, as the beginning of a hint. */
function hintOf(refused: readonly Refusal[]): string {
  const hint = refused.find(r => r.hint)?.hint;
  return hint === undefined ? '' : `${hint}; `;
}

/** The reason of a node that did not pass a check. */
function refusal([first]: readonly Refusal[]): string | undefined {
  return first && `glide-in ${first.job} did not join, because its node ${first.node} is unfit: ${first.reason}`;
}

/** The last lines of a glide-in that ended before it joined. */
async function whyFailed(context: Context, status: ClusterStatus): Promise<string> {
  const record = recordOf(context);
  for (const site of status.sites) {
    const over = site.glideins.find(g => isOver(g.state) && g.id.length > 0);
    const known = siteRecord(record, site.site);
    if (!over || !known?.facts) continue;
    const host = await siteHost(context.connections, record, known);
    const dir = `${siteDir(known.facts.base, record.name)}/logs`;
    const out = await host.run(
      [
        'sh',
        '-c',
        'tail -n 4 "$1" "$2/glidein.log" "$2"@*/glidein.log 2>/dev/null | grep -v "^==>" | grep . | tail -n 3',
        'tail',
        `${dir}/${ownId(over.job)}.out`,
        `${dir}/${ownId(over.job)}`,
      ],
      { check: false },
    );
    const nothing = `${over.reason ?? over.word}; it left no log in ${dir}, so its node may not have that directory`;
    const said = out.stdout.trim() || nothing;
    return `glide-in ${over.id} ended before it joined (${over.word}${over.exitCode ? `, status ${over.exitCode}` : ''}): ${said}`;
  }
  return 'the glide-ins ended before they joined';
}
