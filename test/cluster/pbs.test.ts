// @module-tag nightly; each time: cluster/bluewaters, and standins for what differs from Torque
import { expect, it } from 'vitest';
import { scailfin } from './helpers/cluster.js';
import { joined, verified } from './helpers/cycle.js';
import { twoNodes } from './helpers/several.js';
import { type StandInSite, standInSite, variant } from './helpers/standin.js';

const pbs: StandInSite = {
  site: 'pbs',
  title: 'PBS',
  profile: 'lab-pbs',
  ids: /^\d+_[12]$/,
  running: 'R',
  jobs: async lab =>
    (await lab.exec('login', ['qselect', '-u', 'alice', '-T', '-s', 'EHQRTW'])).stdout.split('\n').filter(Boolean),
  found: 'PBS 23.06.06',
  hidden: ['sbatch', 'squeue', 'srun', 'qconf', 'qacct', 'bsub'],
  hold: '-h',
  release: 'qselect -u alice -s H | xargs qrls',
  held: { word: 'H', reason: /^Hold_Types = u$/ },
  away: /qselect: cannot connect to server login \(errno=15010\)/,
  said: [
    { cmd: 'qsub --version', kind: 'version' },
    { cmd: 'echo "exit 3" | qsub -N three', kind: 'submit', states: [undefined] },
    { cmd: 'echo "exit 0" | qsub -N nought', kind: 'submit' },
    { cmd: "echo 'kill -9 $$' | qsub -N nine", kind: 'submit' },
    { cmd: 'echo "sleep 99" | qsub -N long -l walltime=00:00:02', kind: 'submit' },
    { cmd: 'echo "sleep 99" | qsub -N ended', kind: 'submit' },
    { cmd: 'echo "sleep 99" | qsub -N kept -q stopped', kind: 'submit' },
    { cmd: 'echo "sleep 99" | qsub -J 1-3 -N row -q stopped', kind: 'submit' },
    { cmd: 'qsub -q nosuch /etc/profile', kind: 'submit', states: [], error: /Unknown queue/ },
    { cmd: 'qsub -l frobnicate=3 /etc/profile', kind: 'submit', error: /Unknown resource Resource_List.frobnicate/ },
    { cmd: 'qhold $(qselect -N kept)', kind: 'hold' },
    { cmd: 'qstat -f $(qselect -N kept)', kind: 'list', states: ['held'] },
    { cmd: 'qstat -f -F json $(qselect -N ended)', after: 3500, kind: 'list', states: ['running'] },
    { cmd: 'qdel $(qselect -N ended) $(qselect -N kept)', kind: 'cancel' },
    { cmd: 'qstat $(qselect -x -N three)', kind: 'list', error: /Job has finished/ },
    { cmd: 'qstat -x -f $(qselect -x -N three)', kind: 'list', states: ['failed'], exits: [3] },
    { cmd: 'qstat -x -f -F json $(qselect -x -N nought)', kind: 'list', states: ['finished'], exits: [0] },
    { cmd: 'qstat -x -f $(qselect -x -N nine)', kind: 'list', states: ['failed'], exits: [137] },
    { cmd: 'qstat -x -f -w $(qselect -x -N long)', kind: 'list', states: ['failed'], exits: [-29] },
    { cmd: 'qstat -x -f $(qselect -x -N ended)', after: 800, kind: 'list', states: ['cancelled'], exits: [143] },
    { cmd: 'qstat -x -f -F dsv $(qselect -x -N kept)', kind: 'list', states: ['cancelled'], exits: [undefined] },
    { cmd: 'qstat -t -f $(qselect -N row)', kind: 'list', states: ['queued', 'queued', 'queued'] },
    { cmd: 'qselect -u alice -q stopped', kind: 'list', states: [undefined] },
    { cmd: 'qdel $(qselect -N row)', kind: 'cancel' },
    { cmd: 'qstat -x -t -f $(qselect -x -N row)', kind: 'list', states: ['cancelled', 'cancelled', 'cancelled'] },
    { cmd: 'qstat 99999', kind: 'list', states: [], error: /Unknown Job Id 99999.login/ },
    { cmd: 'qdel 99999', kind: 'cancel', error: /Unknown Job Id 99999.login/ },
    { cmd: 'qstat -Q', kind: 'queues' },
    { cmd: 'pbsnodes -a', kind: 'nodes' },
  ],
  more(lab) {
    it('starts the glide-ins of a job of two nodes by pbsdsh', () => twoNodes(lab(), pbs));

    it('cancels a task of an array and a plain job at once', async () => {
      const scale = (nodes: number) => scailfin(lab(), 'headnode', ['scale', pbs.profile, '--nodes', String(nodes)]);
      await scailfin(lab(), 'headnode', ['up', '--site', pbs.profile, '--nodes', '2', '--walltime', '30m']);
      expect((await scale(3)).stderr).toMatch(/1 submitted as job \d+/);
      expect((await scale(1)).stderr).toMatch(/Cancelling 2 glide-ins at lab-pbs: \d+, \d+_[12]/);
      await expect.poll(() => pbs.jobs(lab()), { timeout: 60_000, interval: 1000 }).toHaveLength(1);
      expect((await scailfin(lab(), 'headnode', ['down', pbs.profile])).stdout).toContain(verified);
      await expect.poll(() => lab().leftovers(), { timeout: 60_000 }).toEqual([]);
    });

    it('replaces a job that is on its way out, and cancels no other instead of it', async () => {
      // each job is a plain one: qdel must not be told that it is an array
      await variant(lab(), 'single', profile => profile.replace(/( +)type: \w+\n/, '$&$1arrays: false\n'));
      const scale = (nodes: number) => scailfin(lab(), 'headnode', ['scale', 'single', '--nodes', String(nodes)]);
      await scailfin(lab(), 'headnode', ['up', '--site', 'single', '--nodes', '2', '--walltime', '30m']);
      const cancelled = (await scale(1)).stderr;
      expect(cancelled).toMatch(/Cancelling 1 glide-in at single: \d+/);
      expect((await scale(1)).stderr).toContain('Cancelling 0 glide-ins');
      expect((await scale(2)).stderr).toMatch(/1 submitted as job \d+/);
      await expect.poll(() => joined(lab(), 'single'), { timeout: 60_000 }).toBe(2);
      expect((await scailfin(lab(), 'headnode', ['down', 'single'])).stdout).toContain(verified);
      await expect.poll(() => lab().leftovers(), { timeout: 60_000 }).toEqual([]);
    });
  },
};

standInSite(pbs);
