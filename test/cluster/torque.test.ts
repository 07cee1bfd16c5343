// @module-tag nightly; each time: cluster/bluewaters is a cluster with Torque, on a Cray
import { expect, it } from 'vitest';
import { scailfin } from './helpers/cluster.js';
import { twoNodes } from './helpers/several.js';
import { type StandInSite, standInSite, variant } from './helpers/standin.js';

const torque: StandInSite = {
  site: 'torque',
  title: 'Torque',
  profile: 'lab-torque',
  ids: /^\d+_[12]$/,
  running: 'R',
  jobs: async lab =>
    (await lab.exec('login', ['qselect', '-u', 'alice', '-s', 'EHQRTW'])).stdout.split('\n').filter(Boolean),
  found: 'Torque 6.1.3.h5',
  hidden: ['sbatch', 'squeue', 'srun', 'qconf', 'qacct', 'bsub'],
  hold: '-h',
  release: 'qselect -u alice -s H | xargs qrls',
  held: { word: 'H', reason: /^Hold_Types = u$/ },
  away: /cannot connect to server login \(errno=111\) Connection refused/,
  said: [
    { cmd: 'qsub --version', kind: 'version' },
    { cmd: 'echo "exit 3" | qsub -N three', kind: 'submit', states: [undefined] },
    { cmd: 'echo "exit 0" | qsub -N nought', kind: 'submit' },
    { cmd: "echo 'kill -9 $$' | qsub -N nine", kind: 'submit' },
    { cmd: 'echo "sleep 99" | qsub -N long -l walltime=00:00:02', kind: 'submit' },
    { cmd: 'echo "sleep 99" | qsub -N ended', kind: 'submit' },
    { cmd: 'echo "sleep 99" | qsub -N kept -h', kind: 'submit' },
    { cmd: 'echo "sleep 99" | qsub -t 1-3 -N three -q stopped', kind: 'submit' },
    {
      cmd: 'qsub -q nosuch /etc/profile',
      kind: 'submit',
      states: [],
      error: /Unknown queue MSG=requested queue not found/,
    },
    {
      cmd: 'qsub -l frobnicate=3 /etc/profile',
      kind: 'submit',
      error: /Unknown resource type {2}Resource_List.frobnicate/,
    },
    { cmd: 'qstat $(qselect -N kept)', kind: 'list', states: ['held'] },
    { cmd: 'qstat -f -1 $(qselect -N ended)', after: 3500, kind: 'list', states: ['running'] },
    { cmd: 'qdel $(qselect -N ended) $(qselect -N kept)', kind: 'cancel' },
    { cmd: 'qstat -f $(qselect -N three)', kind: 'list', states: ['failed'], exits: [3] },
    { cmd: 'qstat -x $(qselect -N nought)', kind: 'list', states: ['finished'], exits: [0] },
    { cmd: 'qstat -f $(qselect -N nine)', kind: 'list', states: ['failed'], exits: [137] },
    { cmd: 'qstat -x $(qselect -N long)', kind: 'list', states: ['failed'], exits: [-11] },
    { cmd: 'qstat -x $(qselect -N ended)', after: 500, kind: 'list', states: ['cancelled'], exits: [143] },
    { cmd: 'qstat -f $(qselect -N kept)', kind: 'list', states: ['cancelled'], exits: [undefined] },
    { cmd: 'qstat -t $(qselect -N three-1 | sed "s/1]/]/")', kind: 'list', states: ['queued', 'queued', 'queued'] },
    { cmd: 'qselect -u alice -q stopped', kind: 'list', states: [undefined, undefined, undefined] },
    { cmd: 'qdel all', kind: 'cancel' },
    { cmd: 'qstat 99999', kind: 'list', states: [], error: /Unknown Job Id Error 99999.login/ },
    { cmd: 'qdel 99999', kind: 'cancel', error: /nonexistent job id: 99999/ },
    { cmd: 'qstat -Q', kind: 'queues' },
    { cmd: 'pbsnodes -a', kind: 'nodes' },
  ],
  more(lab, isReal) {
    it('starts the glide-ins of a job of two nodes by pbsdsh', () => twoNodes(lab(), torque));

    // it is a Cray's; bluewaters.test.ts has it beside the real Torque
    it.skipIf(isReal)('takes a glide-in to its node by aprun', async () => {
      await variant(lab(), 'cray', profile => `${profile}launcher: aprun\n`);
      await scailfin(lab(), 'headnode', ['up', '--site', 'cray', '--nodes', '1', '--walltime', '30m']);
      const launched = ['sh', '-c', 'grep -lz ^SCAILFIN_STAND_IN=aprun /proc/[0-9]*/environ 2>/dev/null | wc -l'];
      const counts = await Promise.all(
        (['c1', 'c2'] as const).map(host => lab().exec(host, launched, { user: 'root' })),
      );
      expect(counts.map(({ stdout }) => Number(stdout) > 0).sort()).toEqual([false, true]);
      await scailfin(lab(), 'headnode', ['down', 'cray']);
      await expect.poll(() => lab().leftovers(), { timeout: 60_000 }).toEqual([]);
    });
  },
};

standInSite(torque);
