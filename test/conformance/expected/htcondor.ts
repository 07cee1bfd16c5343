import type { BatchJobState } from '../../../src/schedulers/job.js';
import type { Expectations } from '../families.js';

const live: BatchJobState[] = ['queued', 'held', 'running', 'completing'];
const over: BatchJobState[] = ['finished', 'failed', 'cancelled'];

export const htcondor: Expectations = {
  whole: () => false,
  families: [
    // a script around condor_submit is nobody's command
    { cases: /^(submit\.same|err\.submit\.other)-domain/, kind: 'other', error: false, ids: [] },
    { cases: /^err\.submit/, kind: 'submit', error: true, ids: [] },
    { cases: /^err\.cancel/, kind: 'cancel', error: true },
    { cases: /^err\.hold/, kind: 'hold', error: true },
    { cases: /^err\.status/, kind: 'list', error: true },
    // the history is a file
    { cases: /^down\.history/, kind: 'list', states: over },
    { cases: /^down\.list|^jobs\.down/, kind: 'list', error: true },
    { cases: /^(down|slots\.down)/, error: true },
    { cases: /^submit/, kind: 'submit', states: [undefined] },
    { cases: /^hold\.(release|continue)/, kind: 'hold', states: [undefined] },
    { cases: /^hold/, kind: 'hold', states: ['held'] },
    { cases: /^cancel\.(cluster|one-proc)/, kind: 'cancel', states: ['completing'] },
    { cases: /^cancel/, kind: 'cancel' },
    { cases: /^(slots|nodes)/, kind: 'nodes', ids: [] },
    { cases: /^version/, kind: 'version' },
    // sums only
    { cases: /^jobs|^status\.(none|unknown-id|after-all)|condor_q-totals$/, kind: 'list', ids: [] },
    { cases: /^status\..*history/, kind: 'list', states: over },
    { cases: /condor_q-analyze$/, kind: 'list', ids: [] },
    // a batch is a line, which tells no states of its jobs
    { cases: /^status\.odd\.condor_q$/, ids: ['1_0', '1_1', '1_2'], states: [undefined] },
    { cases: /^status\.(running|mixed)\.condor_q$/, kind: 'list', states: [undefined, 'running'] },
    { cases: /^status\.array-running/, ids: ['4_0', '4_1', '4_2'], states: ['running'] },
    { cases: /^status\.cancelled-just-now/, ids: ['12_0', '2_3'], states: ['completing', 'running'] },
    { cases: /^status\.transferring/, ids: ['13_0'], states: ['completing'] },
    { cases: /^status\..*condor_q-run$/, kind: 'list', states: ['running'] },
    { cases: /^status\..*condor_q-hold$/, kind: 'list', states: ['held'] },
    { cases: /^status/, kind: 'list', states: live },
  ],
};
