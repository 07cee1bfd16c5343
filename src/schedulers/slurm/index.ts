import type { Scheduler } from '../scheduler.js';
import { cancel, parseCancel } from './cancel.js';
import { clustersIn } from './clusters.js';
import { directiveProblem } from './directives.js';
import * as inquiry from './inquiry.js';
import { list, parseList } from './list.js';
import { read } from './read.js';
import { gpuForm, parseSubmit, submit } from './submit.js';
import { survey } from './survey.js';

/** Slurm. */
export const slurm: Scheduler = {
  name: 'slurm',
  submit,
  parseSubmit,
  list,
  parseList,
  inquiry,
  absence: {
    seconds: 120,
    source:
      'slurm.conf(5) SlurmctldTimeout: a backup controller takes over after 120 s. A job that ended is shown for MinJobAge, 300 s.',
  },
  cancel,
  parseCancel,
  survey,
  read,
  severalNodes: true,
  gpuForm,
  directiveProblem,
  clustersIn,
  profileKeys: ['queueOption', 'cluster'],
  bosco: 'slurm_status',
};
