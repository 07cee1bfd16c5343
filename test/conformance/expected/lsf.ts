import type { Expectations } from '../families.js';

const tasks = (job: string): string[] => [1, 2, 3].map(n => `${job}_${n}`);

export const lsf: Expectations = {
  // the tables tell no exit status
  whole: r => /\.(bjobs|bhist)-(l|UF)$/.test(r.case),
  families: [
    { cases: /^err\.submit\.(bad-group|name-(empty|slash|space))$/, kind: 'submit', states: [undefined] },
    { cases: /^err\.submit\.cleanup/, kind: 'cancel' },
    { cases: /^err\.submit/, kind: 'submit', error: true, ids: [] },
    { cases: /^err\.cancel/, kind: 'cancel', error: true },
    { cases: /^err\.status/, kind: 'list', error: true },
    { cases: /^down\.running/, kind: 'submit', ids: ['166'] },
    // it asks another daemon
    { cases: /^down\.mbatchd\.lsid/, kind: 'version' },
    { cases: /^down\..*bjobs/, kind: 'list', error: true },
    { cases: /^down\./, error: true },
    // OpenLava has none of these options
    { cases: /^unsupported\.bsub-env/, kind: 'submit', ids: ['102'] },
    { cases: /^unsupported/, kind: 'list', error: true },
    { cases: /^submit/, kind: 'submit', states: [undefined] },
    // what is said of jobs of a node that cannot be reached comes with 255, too
    { cases: /^cancel\.node-away(-again)?$/, kind: 'cancel', ids: ['106_2'], error: false },
    { cases: /^cancel\.node-away-both$/, kind: 'cancel', ids: ['106'], error: false },
    { cases: /^status\.node-away/, kind: 'list', ids: ['106_1', '106_2'], states: ['unknown'] },
    // by its name, OpenLava says EXIT of a job that may still run
    { cases: /^cancel\.node-away-after\.by-name/, kind: 'list', states: ['unknown', 'failed'] },
    { cases: /^cancel\.node-away-(both-)?after/, kind: 'list', ids: ['106_1', '106_2'], states: ['unknown'] },
    { cases: /^status\.node-back\.bhist-l$/, kind: 'list', states: ['failed', 'cancelled'] },
    { cases: /^status\.node-back/, kind: 'list', states: ['failed'] },
    { cases: /^cancel\.array-elem-after/, kind: 'list', ids: tasks('158'), states: ['cancelled', 'queued'] },
    // a table doesn't tell who ended a job that ran
    { cases: /^cancel\.running-immediately/, kind: 'list', ids: ['150'], states: ['failed'] },
    { cases: /^cancel\..*after/, kind: 'list', states: ['cancelled'] },
    // "already finished" comes with 255
    { cases: /^cancel\.finished$/, kind: 'cancel', ids: ['137'], error: false },
    { cases: /^cancel/, kind: 'cancel', states: [undefined] },
    { cases: /^hold/, kind: 'hold', states: [undefined] },
    { cases: /^queues/, kind: 'queues' },
    { cases: /^nodes\.(bparams|busers)/, kind: 'other' },
    { cases: /^nodes/, kind: 'nodes' },
    { cases: /^version.*-h$/, kind: 'other' },
    { cases: /^version/, kind: 'version' },
    { cases: /^(job-env|timing\..*loop)/, kind: 'other', ids: [] },
    { cases: /^timing/, kind: 'list', ids: ['123'], states: ['running'] },
    // nothing to show comes with 255
    { cases: /^select\..*none/, kind: 'list', ids: [], error: false },
    { cases: /^select\.by-name(-wild)?$/, kind: 'list', ids: ['132'], states: ['running'] },
    { cases: /^select/, kind: 'list', states: ['held', 'queued', 'finished', 'failed', 'cancelled'] },
    { cases: /^status\.forgotten\.bjobs|^status\.array-elem-unknown/, kind: 'list', error: true },
    { cases: /^status\.array-(\w+)\.parent\.bhist$/, kind: 'list', states: [undefined] },
    // how long a job was in which state, not in which it is
    { cases: /^(status|quirk)\..*\.bhist$/, kind: 'list', states: [undefined] },
    { cases: /^status\.forgotten/, ids: ['165'], states: ['finished'], exit: 0 },
    { cases: /^status\.array-\w+\.bjobs-A$/, kind: 'list', states: ['running', 'queued', 'failed'] },
    { cases: /^status\.array-finished/, ids: tasks('157'), states: ['failed'] },
    { cases: /^status\.array-queued/, ids: tasks('158'), states: ['queued'] },
    { cases: /^status\.array-(running\.elem2|by-name-elem)/, ids: ['157_2'], states: ['running'] },
    { cases: /^status\.array-(running|by-name)/, ids: tasks('157'), states: ['running'] },
    { cases: /^status\.array-range/, ids: ['157_1', '157_2'], states: ['running'] },
    { cases: /^status\.running/, ids: ['132'], states: ['running'] },
    { cases: /^status\.finished-ok/, ids: ['137'], states: ['finished'], exit: 0 },
    { cases: /^status\.finished-exit3/, ids: ['138'], states: ['failed'], exit: 3 },
    { cases: /^status\.(exit137|killed-sig9)/, states: ['failed'], exit: 137 },
    { cases: /^status\.killed-walltime/, ids: ['144'], states: ['failed'], exit: 140 },
    { cases: /^status\.(cmd-not-found|bad-shell)/, states: ['failed'], exit: 127 },
    { cases: /^status\.cancelled-pending/, ids: ['149'], states: ['cancelled'] },
    { cases: /^status\.cancelled-running\..*-(l|UF)$/, ids: ['150'], states: ['cancelled'], exit: 130 },
    { cases: /^status\.cancelled-running/, ids: ['150'], states: ['failed'] },
    { cases: /^status\.held/, states: ['held'] },
    { cases: /^status\.sbatchd-down/, ids: ['166'], states: ['unknown'] },
    { cases: /^status\.(queued|begin-time|preexec-fail)|^quirk/, kind: 'list', states: ['queued'] },
    // some are shown, though it fails
    { cases: /^status\.several-some-unknown/, ids: ['129', '132'], error: false },
    { cases: /^status\.several/, ids: ['129', '131', '132'], states: ['held', 'queued', 'running'] },
    { cases: /^status\.all/, states: ['held', 'queued', 'running', 'finished', 'failed', 'cancelled'] },
  ],
};
