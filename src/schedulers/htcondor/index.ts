import type { Scheduler } from '../scheduler.js';
import { cancel, parseCancel } from './cancel.js';
import { directiveProblem } from './directives.js';
import * as inquiry from './inquiry.js';
import { list, parseList } from './list.js';
import { read } from './read.js';
import { gpuForm, parseSubmit, submit } from './submit.js';
import { survey } from './survey.js';

/**
 * HTCondor as a site's own batch system. As in other batch systems, the nodes share the cluster's directory with the
 * login node: with `should_transfer_files = NO`, jobs only run on nodes with the submit machine's FILESYSTEM_DOMAIN.
 */
export const htcondor: Scheduler = {
  name: 'htcondor',
  aliases: ['condor'],
  submit,
  parseSubmit,
  list,
  parseList,
  inquiry,
  absence: {
    seconds: 300,
    source:
      'HTCondor manual HA_POLL_PERIOD: another schedd takes over after 300 s by default. A site may keep no history (HISTORY).',
    forgetsCancelled: true,
  },
  cancel,
  parseCancel,
  survey,
  read,
  gpuForm,
  directiveProblem,
  queuePerLoginNode: true,
  hasQueues: false,
  cutsNodes: true,
};
