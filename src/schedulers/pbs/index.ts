import { qsubAndQdel } from '../pbs-family/commands.js';
import { directiveProblem } from '../pbs-family/directives.js';
import { readerFor } from '../pbs-family/read.js';
import { qsub } from '../pbs-family/submit.js';
import { surveyOf } from '../pbs-family/survey.js';
import type { Scheduler } from '../scheduler.js';
import { cancel } from './cancel.js';
import * as inquiry from './inquiry.js';
import { list, parseList } from './list.js';
import { interpret } from './states.js';

/** A part of `-l select`. Sites have names of their own for types of GPUs. */
const gpuForm = 'ngpus=COUNT';

/** PBS Professional and OpenPBS. */
export const pbs: Scheduler = {
  name: 'pbs',
  aliases: ['openpbs', 'pbspro'],

  submit: qsub({
    template: 'batch/pbs',
    // qsub refuses both together
    asksForNodes: /(^|[\s,])(select|nodes)=/,
    gpuForm,
    // pbsdsh starts the program once for each process in PBS_NODEFILE
    onEachNode: 'pbsdsh --',
  }),
  ...qsubAndQdel('PBS'),
  cancel,
  list,
  parseList,
  inquiry,
  absence: {
    seconds: 60,
    source:
      'pbs_server(8B) -F: a secondary server takes over after 30 s by default; as long again, so that it can read its jobs. By default there is no job history (job_history_enable).',
    forgetsCancelled: true,
  },
  survey: surveyOf('PBS', out => /^pbs_version = (\S+)/m.exec(out.stdout)?.[1]),
  read: readerFor(interpret, new Map([['job_state', 'F']])),
  bosco: 'pbs_jobs',
  severalNodes: true,
  gpuForm,
  directiveProblem,
};
