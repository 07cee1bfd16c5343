import type { Scheduler } from '../scheduler.js';
import { cancel, parseCancel } from './cancel.js';
import { directiveProblem } from './directives.js';
import * as inquiry from './inquiry.js';
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
  inquiry,
  absence: {
    seconds: 300,
    source:
      'lsb.params(5) MBD_REFRESH_TIME: the daemon that answers bjobs knows new jobs after 5 s by default, and after 300 s at most. A job that ended is shown for CLEAN_PERIOD, an hour.',
  },
  cancel,
  parseCancel,
  survey,
  read,
  bosco: 'lsf_jobs',
  severalNodes: true,
  gpuForm,
  directiveProblem,
};
