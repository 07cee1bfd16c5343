import { fork } from './fork/index.js';
import { htcondor } from './htcondor/index.js';
import { lsf } from './lsf/index.js';
import { pbs } from './pbs/index.js';
import type { Scheduler, SchedulerName } from './scheduler.js';
import { sge } from './sge/index.js';
import { slurm } from './slurm/index.js';
import { torque } from './torque/index.js';

const adapters: Record<SchedulerName, Scheduler> = { slurm, torque, pbs, lsf, sge, htcondor, fork };

/** The adapter for a batch system. */
export const schedulerFor = (name: SchedulerName): Scheduler => adapters[name];
