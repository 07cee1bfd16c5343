import { fork } from './fork.js';
import { htcondor } from './htcondor.js';
import { lsf } from './lsf.js';
import { pbs } from './pbs.js';
import type { Scheduler, SchedulerName } from './scheduler.js';
import { sge } from './sge.js';
import { slurm } from './slurm.js';
import { torque } from './torque.js';

const adapters: Record<SchedulerName, Scheduler> = { slurm, torque, pbs, lsf, sge, htcondor, fork };

/** The adapter for a batch system. */
export const schedulerFor = (name: SchedulerName): Scheduler => adapters[name];
