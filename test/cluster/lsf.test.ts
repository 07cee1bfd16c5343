// @module-tag nightly; each time: cluster/bluewaters for the road, and standins/lsf
import { it } from 'vitest';
import { twoNodes } from './helpers/several.js';
import { type StandInSite, standInSite } from './helpers/standin.js';

const lsf: StandInSite = {
  site: 'lsf',
  title: 'LSF',
  profile: 'lab-lsf',
  ids: /^\d+_[12]$/,
  running: 'RUN',
  jobs: async lab =>
    (await lab.exec('login', ['bjobs', '-noheader', '-w'], { check: false })).stdout.split('\n').filter(Boolean),
  found: 'LSF 4.0.0',
  hidden: ['sbatch', 'squeue', 'srun', 'qsub', 'qstat', 'qacct'],
  hold: '-H',
  release: 'bresume $(bjobs -noheader -w | awk \'$3 == "PSUSP" { print $1 }\' | sort -u)',
  held: { word: 'PSUSP', reason: /^The job was suspended by the user while pending: \d hosts?$/ },
  away: /batch system daemon not responding/,
  said: [
    { cmd: 'bsub -V', kind: 'version' },
    { cmd: 'lsid', kind: 'version' },
    { cmd: 'bsub -J three "exit 3"', kind: 'submit', states: [undefined] },
    { cmd: 'bsub -J nought "exit 0"', kind: 'submit' },
    { cmd: "echo 'kill -9 $$' | bsub -J nine", kind: 'submit' },
    { cmd: 'bsub -J ended "sleep 99"', kind: 'submit' },
    { cmd: 'bsub -J kept -q stopped "sleep 99"', kind: 'submit' },
    { cmd: 'bsub -J "row[1-3]" -q stopped "sleep 99"', kind: 'submit' },
    {
      cmd: 'bsub -q nosuch "sleep 1"',
      kind: 'submit',
      states: [],
      error: /nosuch: No such queue\. Job not submitted\./,
    },
    { cmd: 'bsub -R "select[nosuch>3]" "sleep 1"', kind: 'submit', error: /Bad resource requirement syntax/ },
    { cmd: 'bjobs -l -J ended', after: 2500, kind: 'list', states: ['running'] },
    { cmd: 'bjobs -l -J kept', kind: 'list', states: ['queued'] },
    { cmd: 'bkill -J ended 0', kind: 'cancel' },
    { cmd: 'bkill -J kept 0', kind: 'cancel' },
    { cmd: 'bjobs -a -l -J three', kind: 'list', states: ['failed'], exits: [3] },
    { cmd: 'bjobs -a -l -J nought', kind: 'list', states: ['finished'], exits: [0] },
    { cmd: 'bjobs -a -l -J nine', kind: 'list', states: ['failed'], exits: [137] },
    { cmd: 'bjobs -a -l -J ended', after: 800, kind: 'list', states: ['cancelled'], exits: [130] },
    { cmd: 'bjobs -a -l -J kept', kind: 'list', states: ['cancelled'], exits: [undefined] },
    { cmd: 'bjobs -w -J row', kind: 'list', states: ['queued', 'queued', 'queued'] },
    { cmd: 'bjobs -l -J row', kind: 'list', states: ['queued', 'queued', 'queued'] },
    { cmd: 'bkill 0', kind: 'cancel' },
    { cmd: 'bjobs', kind: 'list', states: [] },
    { cmd: 'bjobs -a -l -J row', kind: 'list', states: ['cancelled', 'cancelled', 'cancelled'] },
    { cmd: 'bjobs 99999', kind: 'list', states: [], error: /Job <99999> is not found/ },
    { cmd: 'bkill 99999', kind: 'cancel', error: /Job <99999>: No matching job found/ },
    { cmd: 'bqueues', kind: 'queues' },
    { cmd: 'bhosts', kind: 'nodes' },
  ],
  more(lab, isReal) {
    // OpenLava has no blaunch
    it.skipIf(isReal)('starts the glide-ins of a job of two nodes by blaunch', () => twoNodes(lab(), lsf));
  },
};

standInSite(lsf);
