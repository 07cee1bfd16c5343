import type { Scheduler } from '../scheduler.js';
import { cancel, parseCancel } from './cancel.js';
import { directiveProblem } from './directives.js';
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
  cancel,
  parseCancel,
  survey,
  read,
  severalNodes: true,
  gpuForm,
  directiveProblem,
  profileKeys: ['queueOption'],
  bosco: true,
};
