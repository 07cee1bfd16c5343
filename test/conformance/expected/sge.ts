import type { BatchJobState } from '../../../src/schedulers/job.js';
import type { Expectations } from '../families.js';

const tasks = ['72_1', '72_2', '72_3'];
const live: BatchJobState[] = ['queued', 'held', 'running', 'completing'];

export const sge: Expectations = {
  whole: r => r.case.endsWith('.qacct-j'),
  families: [
    // Grid Engine takes these, and never runs some
    {
      cases: /^err\.submit\.(bad-(array|dependency)|(disabled|private)-queue|walltime-above-limit)$/,
      kind: 'submit',
      states: [undefined],
    },
    { cases: /^err\.submit\.qsub-verify/, kind: 'submit', ids: [] },
    { cases: /^err\.submit/, kind: 'submit', error: true, ids: [] },
    { cases: /^err\.cancel/, kind: 'cancel', error: true },
    // as XML with status 0
    { cases: /^err\.status/, kind: 'list', error: true },
    { cases: /^down\.running/, kind: 'submit', ids: ['81'] },
    { cases: /^down\..*qstat/, kind: 'list', error: true },
    { cases: /^down\./, error: true },
    { cases: /^submit/, kind: 'submit', states: [undefined] },
    { cases: /^cancel\.pending-immediately/, kind: 'list', error: true },
    { cases: /^cancel\..*\.qstat/, kind: 'list', states: live },
    { cases: /^cancel\.(finished|notify-twice|other-user|running-twice)/, kind: 'cancel', error: true },
    // another of several was over: status 1
    { cases: /^cancel\.several-mixed/, kind: 'cancel', ids: ['69'], error: false },
    { cases: /^cancel\.(running|notify|execd-down)/, kind: 'cancel', states: ['completing'], error: false },
    { cases: /^cancel/, kind: 'cancel', states: ['cancelled'] },
    { cases: /^hold\..*\.qstat/, kind: 'list', states: live },
    { cases: /^hold/, kind: 'hold', states: [undefined, 'held'] },
    { cases: /^queues/, kind: 'queues' },
    { cases: /^nodes\..*qstat/, kind: 'list', ids: ['77', '81'] },
    { cases: /^nodes/, kind: 'nodes' },
    { cases: /^version/, kind: 'version' },
    { cases: /^unsupported/, kind: 'version', error: true },
    { cases: /^(job-env|timing\.loop)/, kind: 'other', ids: [] },
    { cases: /^timing/, kind: 'list', states: ['running'] },
    { cases: /^select\.by-name/, kind: 'list', ids: ['47'], states: ['running'] },
    { cases: /^select\.suspended/, kind: 'list', ids: [] },
    { cases: /^select\.qacct/, kind: 'list', states: ['finished', 'failed'] },
    { cases: /^select/, kind: 'list', states: ['held', 'queued'] },
    { cases: /^status\..*\.qstat-s-z$/, kind: 'list', states: ['finished'] },
    { cases: /^status\.deleting/, ids: ['77', '81'], states: ['completing', 'running'] },
    {
      cases: /^status\..*\.qstat(-(u|u-xml|xml-r|xml|ext|r|r-xml|f-xml|u-star|j-star-xml|explain|g-d|g-d-xml))?$/,
      kind: 'list',
      states: live,
    },
    { cases: /^status\.several-some-unknown/, ids: ['44', '47'] },
    { cases: /^status\.several/, ids: ['44', '46', '47'] },
    { cases: /^status\.other-user/, ids: ['71'], states: ['queued'] },
    // what has not ended has no record
    {
      cases: /^status\.(running|held|depend-held|queued|suspended|array-running|cancelled-pending).*qacct/,
      kind: 'list',
      error: true,
    },
    { cases: /^status\.array-running/, ids: tasks, states: ['running'] },
    { cases: /^status\.running/, ids: ['47'], states: ['running'] },
    // suspension is told in the list of jobs only
    { cases: /^status\.suspended/, ids: ['50'], states: ['running'] },
    { cases: /^status\.held/, ids: ['46'], states: ['held'] },
    { cases: /^status\.depend-held/, ids: ['48'], states: ['held'] },
    { cases: /^status\.queued/, states: ['queued'] },
    { cases: /^status\.error-bad-(cwd|output-dir)|^status\.exit100/, states: ['held'] },
    // all others are over, and gone from the queue
    { cases: /^status\..*qstat-j/, kind: 'list', error: true },
    { cases: /^status\.(finished-ok|exit99-rescheduled|error-bad-shell)/, states: ['finished'], exit: 0 },
    { cases: /^status\.finished-exit3/, ids: ['56'], states: ['failed'], exit: 3 },
    { cases: /^status\.cmd-not-found/, ids: ['60'], states: ['failed'], exit: 127 },
    { cases: /^status\.killed-s_rt/, ids: ['79'], states: ['failed'], exit: 138 },
    { cases: /^status\.killed-sig15/, ids: ['59'], states: ['failed'], exit: 143 },
    // qdel, h_rt and KILL look alike
    { cases: /^status\.(killed|cancelled-running)/, states: ['failed'], exit: 137 },
  ],
};
