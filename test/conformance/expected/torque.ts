import type { BatchJobState } from '../../../src/schedulers/job.js';
import type { Expectations } from '../families.js';
import { toldWhole } from './qstat.js';

const over: BatchJobState[] = ['finished', 'failed'];

export const torque: Expectations = {
  whole: toldWhole,
  families: [
    {
      cases: /^err\.submit\.(env-unset|name-(colon|digit|empty|punct)|over-limit-\d|while-node)/,
      kind: 'submit',
      error: false,
    },
    { cases: /^err\.submit/, kind: 'submit', error: true, ids: [] },
    { cases: /^err\.status/, kind: 'list', error: true },
    { cases: /^err\.cancel/, kind: 'cancel', error: true },
    { cases: /^down\./, error: true },
    { cases: /^timing\.(loop|forget)/, kind: 'other' },
    { cases: /^(submit|quirk\.(crlf|directive))/, kind: 'submit', error: false, states: [undefined] },
    { cases: /^cancel\..*after\.qstat/, kind: 'list' },
    { cases: /^cancel/, kind: 'cancel' },
    { cases: /^hold/, kind: 'hold' },
    // cut by head
    { cases: /^select\.name-then-xml/, kind: 'list', error: true, states: [] },
    { cases: /^select|^status.*qselect/, kind: 'list' },
    { cases: /^queues/, kind: 'queues' },
    { cases: /^nodes/, kind: 'nodes' },
    { cases: /^version/, kind: 'version' },
    { cases: /^(job-env|server)/, kind: 'other' },
    { cases: /^status\.(running|short-id)/, ids: ['34'], states: ['running'] },
    { cases: /^status\.ended-copying-output-after/, states: ['finished'] },
    { cases: /^status\.ended-copying/, states: ['running'] },
    { cases: /^status\.(held|depend-held|suspended|array-held)/, states: ['held'] },
    { cases: /^status\.(queued-|while-node)/, states: ['queued'], reason: /^Not Running/ },
    { cases: /^status\.waiting/, ids: ['33'], states: ['queued'], reason: /^Execution_Time/ },
    { cases: /^status\.finished-ok/, ids: ['38'], states: ['finished'], exit: 0 },
    { cases: /^status\.finished-exit3/, ids: ['39'], states: over, exit: 3 },
    { cases: /^status\.cmd-not/, states: over, exit: 127 },
    { cases: /^status\.bad-shell/, states: over, exit: 254 },
    { cases: /^status\.killed-sig9/, states: over, exit: 137 },
    { cases: /^status\.killed-sig15/, states: over, exit: 143 },
    // the same as if it had been cancelled
    { cases: /^status\.(killed-qsig|cancelled-running)/, states: ['cancelled', 'finished'], exit: 143 },
    { cases: /^status\.cancelled-pending/, ids: ['48'], states: ['cancelled', 'finished'] },
    { cases: /^status\.bad-output/, states: ['finished'], exit: 0 },
    { cases: /^status\.forgotten/, kind: 'list', error: true, ids: [] },
    { cases: /^status\.array-finished\.parent.*-f?t$/, ids: ['55_1', '55_2', '55_3'], states: over },
    { cases: /^status\.array-finished\.parent/, ids: ['55'], states: ['finished'] },
    { cases: /^status\.array-finished\.subjob2/, ids: ['55_2'], states: over, exit: 2 },
    { cases: /^status\.array-running\.(parent.*-f?t|qstat-t-x)$/, ids: ['55_1', '55_2', '55_3'], states: ['running'] },
    { cases: /^status\.array-running\.parent/, ids: ['55'], states: ['running'] },
    { cases: /^status\.array-running\.subjob2/, ids: ['55_2'], states: ['running'] },
    { cases: /^status\.array-noT.*-f?t$/, ids: ['68_1', '68_2', '68_3'], states: ['queued'] },
    { cases: /^status\.array-noT/, ids: ['68'], states: ['queued'] },
    { cases: /^status\.array-(base|range)/, kind: 'list', error: true },
    { cases: /^status\.none/, kind: 'list', ids: [], error: false },
    { cases: /^(status|timing|quirk)/ },
  ],
};
