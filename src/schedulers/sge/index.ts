import type { Scheduler } from '../scheduler.js';
import { cancel, parseCancel } from './cancel.js';
import { directiveProblem } from './directives.js';
import * as inquiry from './inquiry.js';
import { list, parseList } from './list.js';
import { read } from './read.js';
import { gpuForm, parseSubmit, submit } from './submit.js';
import { survey } from './survey.js';

/** Grid Engine and its successors: Son of Grid Engine, Univa, Altair. */
export const sge: Scheduler = {
  name: 'sge',
  aliases: ['gridengine'],
  submit,
  parseSubmit,
  list,
  parseList,
  inquiry,
  absence: {
    seconds: 75,
    source:
      'sge_conf(5) reporting_params: qacct knows a job after flush_time or accounting_flush_time, 15 s by default; nfs(5) acregmax: 60 s until another host sees the file.',
    forgetsCancelled: true,
  },
  cancel,
  parseCancel,
  survey,
  read,
  gpuForm,
  directiveProblem,
  severalNodes: 'nodesEnvironment',
  profileKeys: ['parallelEnvironment', 'nodesEnvironment'],
  bosco: 'sge_status',
};
