import type { Scheduler } from '../scheduler.js';
import { cancel, parseCancel } from './cancel.js';
import { directiveProblem } from './directives.js';
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
  cancel,
  parseCancel,
  survey,
  read,
  gpuForm,
  directiveProblem,
  severalNodes: 'nodesEnvironment',
  profileKeys: ['parallelEnvironment', 'nodesEnvironment'],
  bosco: true,
};
