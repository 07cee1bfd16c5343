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
 * Every batch system that scailfin knows, by its name in a site's profile. A new one needs an import and a word here.
 * `sites check` looks for them in this order: for the convenience of its users, a site may have another system's commands
 * in addition to its own, so a system on which others are imitated comes first.
 */
const schedulers = { slurm, torque, pbs, lsf, sge, htcondor, fork };

export type SchedulerName = keyof typeof schedulers;

export const schedulerNames = Object.keys(schedulers) as [SchedulerName, ...SchedulerName[]];

/** The adapter for a batch system. */
export const schedulerFor = (name: SchedulerName): Scheduler => schedulers[name];

/** The adapter with this name; undefined for any other name. */
export function findScheduler(name: string): Scheduler | undefined {
  return schedulerNames.map(schedulerFor).find(scheduler => scheduler.name === name);
}

/** The systems that a site other than this machine can have. */
export const siteSchedulers = schedulerNames.filter(name => !schedulerFor(name).isThisMachine);

/** The systems to which HTCondor itself can submit. */
export const boscoSchedulers = schedulerNames.filter(name => schedulerFor(name).bosco);

/**
 * The reader of a batch system's commands; undefined for an unknown system.
 * @param system the name of the system or of its adapter
 */
export function readerOf(system: string): Reader | undefined {
  const name = system.toLowerCase();
  const known = schedulerNames.map(schedulerFor);
  return known.find(scheduler => scheduler.name === name || scheduler.aliases?.includes(name))?.read;
}
