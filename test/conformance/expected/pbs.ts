import type { BatchJobState } from '../../../src/schedulers/job.js';
import type { Expectations } from '../families.js';
import { toldWhole } from './qstat.js';

const waits: BatchJobState[] = ['queued'];
const over: BatchJobState[] = ['finished', 'failed'];

export const pbs: Expectations = {
  whole: toldWhole,
  families: [
    { cases: /^err\.submit\.(bad-dependency|over-limit-\d)$/, kind: 'submit', error: false },
    { cases: /^err\.submit/, kind: 'submit', error: true, ids: [] },
    { cases: /^err\.status/, kind: 'list', error: true },
    { cases: /^err\.cancel/, kind: 'cancel', error: true },
    { cases: /^down\.qstat-version/, kind: 'version' },
    { cases: /^down\./, error: true },
    { cases: /^histoff\.(finished|mix)/, kind: 'list', error: true },
    { cases: /^histoff\.cancel/, kind: 'cancel', error: true },
    { cases: /^(histoff\.)?timing\.loop/, kind: 'other' },
    { cases: /^(submit|quirk\.qsub)/, kind: 'submit', error: false, states: [undefined] },
    { cases: /^cancel\..*after\.qstat/, kind: 'list' },
    { cases: /^cancel/, kind: 'cancel' },
    { cases: /^hold/, kind: 'hold' },
    { cases: /^select|^status.*qselect/, kind: 'list', error: false },
    { cases: /^queues/, kind: 'queues' },
    { cases: /^nodes/, kind: 'nodes' },
    { cases: /^version/, kind: 'version' },
    { cases: /^(job-env|server|accounting)/, kind: 'other' },
    { cases: /^status\.running\./, ids: ['39'], states: ['running'] },
    { cases: /^status\.short-id/, ids: ['39'], states: ['running'] },
    { cases: /^status\.(exiting)\./, ids: ['1000'], states: ['completing'] },
    { cases: /^status\.(held|depend-held|held-qhold|suspended)/, states: ['held'] },
    { cases: /^status\.queued-never/, ids: ['36'], states: waits, reason: /^Can Never Run/ },
    { cases: /^status\.(queued-|waiting)/, states: waits, reason: /^(Not Running|Execution_Time)/ },
    { cases: /^status\.finished-ok/, ids: ['43'], states: ['finished'], exit: 0 },
    { cases: /^status\.finished-exit3/, ids: ['44'], states: over, exit: 3 },
    { cases: /^status\.cmd-not/, states: over, exit: 127 },
    { cases: /^status\.bad-shell/, states: over, exit: 254 },
    { cases: /^status\.killed-sig9/, states: over, exit: 137 },
    { cases: /^status\.killed-sig15/, states: over, exit: 143 },
    { cases: /^status\.killed-qsig/, states: over, exit: 137 },
    { cases: /^status\.killed-walltime/, states: over, exit: -29, reason: /exceeded resource walltime/ },
    { cases: /^status\.cancelled/, states: ['cancelled', 'finished', 'completing'], reason: /terminated/ },
    { cases: /^status\.(bad-output|mem-over|exiting-after)/, states: ['finished'], exit: 0 },
    { cases: /^status\.array-finished\.parent/, ids: ['59'], states: over, exit: 1 },
    { cases: /^status\.array-finished/, ids: ['59_1', '59_2', '59_3'], states: ['failed'] },
    { cases: /^status\.array-queued.*-t(-json)?$/, ids: ['60_1', '60_2', '60_3'], states: waits },
    { cases: /^status\.array-queued/, ids: ['60'], states: waits },
    { cases: /^status\.array-range/, ids: ['59_1', '59_2'], states: ['running'] },
    { cases: /^status\.array-(sub-unknown|unquoted)/, kind: 'list', error: true },
    // all but the first of several ids are missing
    { cases: /^status\.several(-some-unknown)?\.qstat-f-json/, kind: 'list', error: true },
    { cases: /^status\.none\.qstat-x$/, kind: 'list', error: true },
    { cases: /^status\.query-other-off/, kind: 'list', error: true },
    { cases: /^(status|timing|quirk)/ },
  ],
};
