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
  severalNodesProblem: environment =>
    environment === undefined
      ? {
          why: "a job of several nodes needs a parallel environment on Grid Engine, but the site's profile names none for it",
          hint: 'add scheduler.nodesEnvironment to the profile: an environment whose allocation_rule is the number of cores that a glide-in gets (to list them: `qconf -spl` there)',
        }
      : undefined,
  profileKeys: ['parallelEnvironment', 'nodesEnvironment'],
  bosco: true,
};
