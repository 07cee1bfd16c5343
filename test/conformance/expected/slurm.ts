import type { Expectations } from '../families.js';

/** Arrays of three tasks, all or one. */
const tasks = (job: string): string[] => [1, 2, 3].map(n => `${job}_${n}`);

export const slurm: Expectations = {
  // not squeue at all, and sacct's JSON only where the status is not 0 by mistake (22.05)
  whole: r => /\.(sacct(-P|-PnX)?|scontrol(-o)?)$/.test(r.case),
  families: [
    // Slurm keeps such jobs waiting, or starts them elsewhere
    {
      cases: /^err\.submit\.(bad-(chdir|dep.*y)|name-(empty|space)|node-down|over-limit-\d)$/,
      kind: 'submit',
      states: [undefined],
    },
    { cases: /^err\.submit\.(partition-(down|not)|too-many|walltime)/, kind: 'submit', states: [undefined] },
    { cases: /^err\.submit/, kind: 'submit', error: true, ids: [] },
    // it says nothing at all
    { cases: /^err\.cancel\.unknown-name/, kind: 'cancel', ids: [] },
    { cases: /^err\.cancel/, kind: 'cancel', error: true },
    { cases: /^err\.status/, kind: 'list', error: true },
    { cases: /^down\.running/, kind: 'submit', ids: ['62'] },
    // accounting goes on
    { cases: /^down\.slurmctld\.sacct/, kind: 'list', ids: ['60', '61', '62'] },
    { cases: /^down\..*\.(squeue|sacct)/, kind: 'list', error: true },
    { cases: /^down\./, error: true },
    { cases: /^submit\.test-only/, kind: 'submit', ids: [] },
    { cases: /^submit/, kind: 'submit', states: [undefined] },
    { cases: /^cancel\.pending-immediately/, kind: 'list', ids: [] },
    { cases: /^cancel\.running-immediately/, kind: 'list', ids: ['44'], states: ['completing'] },
    { cases: /^cancel\.array-task-range-after/, kind: 'list', ids: ['55_4', '55_6'], states: ['queued'] },
    { cases: /^cancel\..*after/, kind: 'list', states: ['cancelled'] },
    { cases: /^cancel/, kind: 'cancel' },
    { cases: /^hold\.after/, kind: 'list', ids: ['31'], states: ['held'] },
    { cases: /^hold/, kind: 'hold' },
    { cases: /^queues/, kind: 'queues' },
    { cases: /^nodes/, kind: 'nodes' },
    { cases: /^version/, kind: 'version' },
    { cases: /^(job-env|server|timing\..*loop)/, kind: 'other', ids: [] },
    { cases: /^timing\..*sacct/, kind: 'list', ids: [] },
    { cases: /^timing/, kind: 'list', ids: ['17'], states: ['queued'] },
    { cases: /^select\.by-name-sacct/, kind: 'list', ids: ['25'], states: ['finished'] },
    { cases: /^select\.by-name-none|^quirk.*sacct/, kind: 'list', ids: [] },
    { cases: /^quirk.*json/, kind: 'list' },
    { cases: /^quirk/, kind: 'list', ids: ['59'], states: ['held'] },
    { cases: /^select/, kind: 'list' },
    // what is over is in squeue's answer only when all states were asked for
    {
      cases: /^status\.(finished|steps|killed|cmd|bad|cancelled|node-fail|array-fin).*\.squeue(-[or])?$/,
      kind: 'list',
      ids: [],
    },
    { cases: /^status\.(finished-ok)\./, ids: ['34'], states: ['finished'], exit: 0 },
    { cases: /^status\.steps/, ids: ['40'], states: ['finished'], exit: 0 },
    { cases: /^status\.finished-exit3/, ids: ['35'], states: ['failed'], exit: 3 },
    { cases: /^status\.killed-sig9\./, ids: ['36'], states: ['failed'], exit: 137 },
    // the job's shell returned it, which accounting tells as it is
    { cases: /^status\.killed-sig9-child\.sacct/, ids: ['37'], states: ['failed'], exit: 9 },
    { cases: /^status\.killed-sig9-child/, ids: ['37'], states: ['failed'], exit: 137 },
    { cases: /^status\.killed-sig15/, ids: ['38'], states: ['failed'], exit: 143 },
    { cases: /^status\.killed-timeout\.sacct/, ids: ['58'], states: ['failed'], exit: 0 },
    { cases: /^status\.killed-timeout/, ids: ['58'], states: ['failed'], exit: 143 },
    { cases: /^status\.cmd-not-found/, ids: ['39'], states: ['failed'], exit: 127 },
    { cases: /^status\.bad-output-dir/, ids: ['41'], states: ['failed'], exit: 181 },
    { cases: /^status\.bad-shell/, ids: ['42'], states: ['failed'], exit: 2 },
    { cases: /^status\.node-fail/, ids: ['62'], states: ['failed'], exit: 0 },
    { cases: /^status\.cancelled-pending/, ids: ['43'], states: ['cancelled'], exit: 0 },
    { cases: /^status\.cancelled-running\.sacct/, ids: ['44'], states: ['cancelled'], exit: 0 },
    { cases: /^status\.cancelled-running/, ids: ['44'], states: ['cancelled'], exit: 143 },
    { cases: /^status\.array-finished\.task2/, ids: ['53_2'], states: ['failed'], exit: 2 },
    { cases: /^status\.array-finished/, ids: tasks('53'), states: ['failed'] },
    { cases: /^status\.array-pending/, ids: tasks('54'), states: ['queued'] },
    { cases: /^status\.array-running\.task2/, ids: ['53_2'], states: ['running'] },
    // accounting knew one so far
    { cases: /^status\.array-running\.parent\.sacct/, ids: ['53_3'], states: ['running'] },
    { cases: /^status\.array-running/, ids: tasks('53'), states: ['running'] },
    { cases: /^status\.array-unknown-task/, kind: 'list', ids: [] },
    { cases: /^status\.running/, ids: ['29'], states: ['running'] },
    { cases: /^status\.suspended/, ids: ['33'], states: ['held'] },
    // a hold is only told as the reason, which narrow accounting leaves out
    { cases: /^status\.held\.sacct(-PnX)?$/, ids: ['28'], states: ['queued'] },
    { cases: /^status\.held/, ids: ['28'], states: ['held'] },
    // accounting is ahead while the epilogue runs
    { cases: /^status\.completing\.sacct/, ids: ['46'], states: ['finished'], exit: 0 },
    { cases: /^status\.completing/, ids: ['46'], states: ['completing'] },
    { cases: /^status\.(pending|requeued|deadline|other-user|names)/, states: ['queued'] },
    { cases: /^status\.forgotten\.sacct/, ids: ['61'], states: ['finished'], exit: 0 },
    { cases: /^status\.forgotten/, kind: 'list', error: true },
    {
      cases: /^status\.(all|several)/,
      kind: 'list',
      states: ['queued', 'held', 'running', 'finished', 'failed', 'cancelled'],
    },
  ],
};
