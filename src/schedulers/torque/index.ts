import { qsubAndQdel } from '../pbs-family/commands.js';
import { directiveProblem } from '../pbs-family/directives.js';
import { readerFor } from '../pbs-family/read.js';
import { qsub } from '../pbs-family/submit.js';
import { surveyOf } from '../pbs-family/survey.js';
import type { Scheduler } from '../scheduler.js';
import * as inquiry from './inquiry.js';
import { list, parseList } from './list.js';
import { interpret } from './states.js';

/** A part of `-l nodes`; a type of GPU is a property of nodes. */
const gpuForm = 'gpus=COUNT:TYPE';

/** TORQUE, also with Moab or Maui. */
export const torque: Scheduler = {
  name: 'torque',

  submit: qsub({
    template: 'batch/torque',
    asksForNodes: /(^|[\s,])nodes=/,
    gpuForm,
    // once on each host of the job
    onEachNode: 'pbsdsh -u',
  }),
  ...qsubAndQdel('Torque'),
  list,
  parseList,
  inquiry,
  absence: {
    seconds: 60,
    source:
      'pbs_server_attributes(7B) job_stat_rate, 45 s by default, and lock_file_check_time, 9 s: the time in which another server takes over. keep_completed may be 0.',
    forgetsCancelled: true,
  },
  // some print it to stderr
  survey: surveyOf('Torque', out => /^Version: (\S+)/im.exec(`${out.stdout}\n${out.stderr}`)?.[1]),
  read: readerFor(interpret, new Map([['job_state', 'C']])),
  bosco: 'pbs_jobs',
  severalNodes: true,
  gpuForm,
  directiveProblem,
};
