import { fork } from './fork/index.js';
import { htcondor } from './htcondor/index.js';
import { lsf } from './lsf/index.js';
import { pbs } from './pbs/index.js';
import type { Scheduler } from './scheduler.js';
import { sge } from './sge/index.js';
import { slurm } from './slurm/index.js';
import { torque } from './torque/index.js';
import type { Reader } from './understanding.js';

/**
 * Every batch system that scailfin knows, by the name that a site's profile calls it. A new one is an import and a word
 * here. `sites check` looks for them in this order: a site may have the commands of one beside another that it runs, for
 * the convenience of its users, so the system that others are imitated on comes first.
 */
const schedulers = { slurm, torque, pbs, lsf, sge, htcondor, fork };

export type SchedulerName = keyof typeof schedulers;

export const schedulerNames = Object.keys(schedulers) as [SchedulerName, ...SchedulerName[]];

/** The adapter for a batch system. */
export const schedulerFor = (name: SchedulerName): Scheduler => schedulers[name];

/** The adapter of that name, where the name may be anything. */
export function findScheduler(name: string): Scheduler | undefined {
  return schedulerNames.map(schedulerFor).find(scheduler => scheduler.name === name);
}

/** Those that a site other than this machine can have. */
export const siteSchedulers = schedulerNames.filter(name => !schedulerFor(name).isThisMachine);

/** Those that HTCondor can submit to by itself. */
export const boscoSchedulers = schedulerNames.filter(name => schedulerFor(name).bosco);

/**
 * What understands a batch system's commands; undefined for a system that nobody knows.
 * @param system the name of the system, or that of the adapter which speaks to it
 */
export function readerOf(system: string): Reader | undefined {
  const name = system.toLowerCase();
  const known = schedulerNames.map(schedulerFor);
  return known.find(scheduler => scheduler.name === name || scheduler.aliases?.includes(name))?.read;
}
