import { UsageError } from '../errors.js';
import { fork } from './fork.js';
import { htcondor } from './htcondor.js';
import { lsf } from './lsf.js';
import { pbs } from './pbs.js';
import type { Scheduler, SchedulerName } from './scheduler.js';
import { sge } from './sge.js';
import { slurm } from './slurm.js';
import { torque } from './torque.js';

const adapters: Partial<Record<SchedulerName, Scheduler>> = { slurm, fork, sge, lsf, torque, pbs, htcondor };

/** The adapter for a batch system. @throws UsageError for one that has none yet */
export function schedulerFor(name: SchedulerName): Scheduler {
  const adapter = adapters[name];
  if (adapter) return adapter;
  throw new UsageError(`scailfin can't submit to ${name} yet`, {
    hint: `it can to ${Object.keys(adapters).join(' and ')}`,
  });
}
