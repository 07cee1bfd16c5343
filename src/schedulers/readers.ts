import { read as htcondor } from './htcondor/read.js';
import { read as lsf } from './lsf/read.js';
import { read as pbs } from './pbs/read.js';
import { read as sge } from './sge/read.js';
import { read as slurm } from './slurm/read.js';
import { read as torque } from './torque/read.js';
import type { Reader } from './understanding.js';

/** By the name of the system as well as by that of the adapter which speaks to it. */
const readers = new Map<string, Reader>([
  ['slurm', slurm],
  ['torque', torque],
  ['pbs', pbs],
  ['openpbs', pbs],
  ['pbspro', pbs],
  ['lsf', lsf],
  ['openlava', lsf],
  ['sge', sge],
  ['gridengine', sge],
  ['htcondor', htcondor],
  ['condor', htcondor],
]);

/** What understands that batch system's commands; undefined for a system nobody knows. */
export function readerOf(system: string): Reader | undefined {
  return readers.get(system.toLowerCase());
}
