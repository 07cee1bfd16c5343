import { messageOf, SchedulerError } from '../errors.js';
import { runAll } from '../hosts/batch.js';
import type { Host } from '../hosts/host.js';
import { isOver } from '../schedulers/job.js';
import { type Place, runBatches } from '../schedulers/programs.js';
import { type SchedulerName, schedulerFor, siteSchedulers } from '../schedulers/registry.js';
import { listJobs } from '../schedulers/runner.js';
import { TAG } from './nodejob.js';

/** A batch system whose commands are installed. */
export interface Detected {
  readonly name: SchedulerName;
  readonly version: string;
  /** Why it does not answer; undefined if it answers. */
  readonly silent: string | undefined;
  /** Number of queued or running jobs of an earlier check. */
  readonly left: number;
}

/**
 * The batch systems of a login node, first those that answer. Installed commands alone prove little: many machines have
 * the clients of another site's batch system.
 * @param names the systems to look for
 */
export async function detect(
  host: Host,
  user: string,
  names: readonly SchedulerName[] = siteSchedulers,
  place: Place = {},
): Promise<Detected[]> {
  const commands = names.map(name => schedulerFor(name).survey.version.command);
  // one system's programs may be where only a login shell finds them
  const [only] = names.length === 1 ? names : [];
  const outs = await (only === undefined
    ? runAll(host, commands)
    : runBatches(host, schedulerFor(only), place, commands).catch(absent));
  const there = names.flatMap((name, n) => {
    const version = outs[n] && schedulerFor(name).survey.version.parse(outs[n]);
    return version === undefined ? [] : [{ name, version }];
  });
  const asked = there.map(async found => ({ ...found, ...(await ask(host, found.name, user, place)) }));
  const all = await Promise.all(asked);
  return [...all.filter(d => d.silent === undefined), ...all.filter(d => d.silent !== undefined)];
}

function absent(error: unknown): [] {
  if (error instanceof SchedulerError) return [];
  throw error;
}

/** Asks for our own jobs, of which there should be none. */
async function ask(
  host: Host,
  name: SchedulerName,
  user: string,
  place: Place,
): Promise<Pick<Detected, 'silent' | 'left'>> {
  try {
    const jobs = await listJobs(host, schedulerFor(name), { tag: TAG, user, ids: [], dir: '/', ...place });
    return { silent: undefined, left: jobs.filter(job => !isOver(job.state)).length };
  } catch (error) {
    return { silent: messageOf(error), left: 0 };
  }
}
