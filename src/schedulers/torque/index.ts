import { render } from '../../templates.js';
import { clock } from '../../units.js';
import { directiveLine, directiveValue } from '../directives.js';
import { gpuWords } from '../gpus.js';
import { qsubAndQdel } from '../pbs-family/commands.js';
import { directiveProblem } from '../pbs-family/directives.js';
import { readerFor } from '../pbs-family/read.js';
import { surveyOf } from '../pbs-family/survey.js';
import type { Scheduler } from '../scheduler.js';
import { starting } from '../start.js';
import * as inquiry from './inquiry.js';
import { list, parseList } from './list.js';
import { interpret } from './states.js';

/** A part of `-l nodes`; a type of GPU is a property of nodes. */
const gpuForm = 'gpus=COUNT:TYPE';

/** TORQUE, also with Moab or Maui. */
export const torque: Scheduler = {
  name: 'torque',

  submit(job) {
    // the site's own directive for a node replaces ours
    const asksForNodes = job.directives.some(d => /(^|[\s,])nodes=/.test(d));
    // pbsdsh -u starts the program once on each host of the job
    const start = starting(job, 'pbsdsh -u');
    const script = render('batch/torque', {
      job,
      clock,
      directiveValue,
      directiveLine,
      asksForNodes,
      gpus: gpuWords(job, gpuForm),
      ...start,
    });
    return { argv: ['qsub'], stdin: script, script };
  },

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
  severalNodes: true,
  gpuForm,
  directiveProblem,
};
