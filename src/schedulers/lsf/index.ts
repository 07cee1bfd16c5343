import type { Scheduler } from '../scheduler.js';
import { cancel, parseCancel } from './cancel.js';
import { directiveProblem } from './directives.js';
import { list, parseList } from './list.js';
import { read } from './read.js';
import { gpuForm, parseSubmit, submit } from './submit.js';
import { survey } from './survey.js';

/** IBM Spectrum LSF, and OpenLava, whose commands are an older dialect. */
export const lsf: Scheduler = {
  name: 'lsf',
  aliases: ['openlava'],
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
};
