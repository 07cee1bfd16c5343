// @module-tag nightly; each time: doctor/site-slurm and doctor/login
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { labUnavailable } from '../lab/lab.js';
import { until } from '../lab/programs.js';
import { onTerminal, Terminal } from '../terminal.js';
import { root, Ward } from './helpers/ward.js';

const reason = labUnavailable();

/** What is wrong with the account, its directories, the network or a node: the same whatever the batch system. */
describe.skipIf(reason !== undefined)(`the account and its place${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let ward: Ward;
  let bashrc: string;
  beforeAll(async () => {
    ward = await Ward.open('slurm');
    bashrc = await ward.lab.read('login', '.bashrc');
  });
  afterAll(() => ward?.close());
  afterEach(async () => {
    await ward.lab.write('login', '.bashrc', bashrc);
    await ward.expectNothing();
  });

  describe('start-up files', () => {
    test('that print text: the line is named, shown, and corrected as advised', async () => {
      await ward.lab.write('login', '.bashrc', `# mine\necho "Welcome to the lab!"\necho "quota: 97 %"\n${bashrc}`);
      const report = await ward.warns({
        stage: 'shell',
        says: [/^\/home\/alice\/\.bashrc:2 prints before any command/, '  | Welcome to the lab!\n  | quota: 97 %'],
        hint: /scp, sftp, rsync .* In \/home\/alice\/\.bashrc, put this before the lines that print: (case .* esac)$/,
      });
      const guard = report.stages.find(s => s.id === 'shell')?.hint?.split('that print: ')[1];
      await ward.lab.write('login', '.bashrc', `${guard}\necho "Welcome to the lab!"\n${bashrc}`);
      expect((await ward.examine()).stages.find(s => s.id === 'shell')?.status).toBe('ok');
      // and it breaks what it is said to break
      await ward.lab.write('login', '.bashrc', `echo "Welcome to the lab!"\n${bashrc}`);
      const scp = await ward.lab.exec('headnode', ['scp', '-O', '-q', '/etc/hostname', 'alice@login:x'], {
        check: false,
      });
      expect(scp.exitCode).not.toBe(0);
    });

    test('that complain', async () => {
      await ward.lab.write('login', '.bashrc', `tput cols >/dev/null\n${bashrc}`);
      await ward.warns({ stage: 'shell', says: [/ complains before any command/, 'tput:'], hint: /~\/\.bashrc/ });
    });

    test('that end the shell', async () => {
      await ward.lab.write('login', '.bashrc', 'echo "this account is closed"; exit 3\n');
      await ward.diagnoses({
        stage: 'shell',
        says: ['the login shell ended with status 3', 'this account is closed'],
        hint: /start-up file may end the shell, or the account may be closed/,
      });
    });

    test('that take their time', async () => {
      // only the first time: each command of the check would take as long
      await ward.lab.write('login', '.bashrc', `[ -e .slow ] || { touch .slow; sleep 5.5; }\n${bashrc}`);
      const says = [/^bash's start-up files take 6 s before each command$/];
      await ward.warns({ stage: 'shell', says, hint: /let them do less without a terminal: case/ });
      await ward.sh('login', 'rm .slow');
    });
  });

  describe('the work directory', () => {
    const at = '/home/alice/.scailfin';
    const mounted = (options: string, work: () => Promise<unknown>) =>
      ward.during(
        'login',
        `mkdir -p ${at}; mount -t tmpfs -o ${options},uid=2001,gid=2001 none ${at}`,
        `umount ${at}; rmdir ${at}`,
        work,
      );

    test('is full', () =>
      mounted('size=1m', () =>
        ward.diagnoses({
          stage: 'work',
          says: [/^can't write in \/home\/alice\/\.scailfin: error writing .*: No space left on device/],
          hint: /^\/home\/alice\/\.scailfin is full: remove files, or set directories\.work in .*lab-slurm\.yaml/,
        }),
      ));

    test('has almost no space left', () =>
      mounted('size=50m', () =>
        ward.diagnoses({
          stage: 'work',
          says: [/^\/home\/alice\/\.scailfin has only 50 MiB free/],
          hint: /free some space there, or set directories\.work/,
        }),
      ));

    test('can only be read', () =>
      mounted('ro', () =>
        ward.diagnoses({
          stage: 'work',
          says: [/^can't write in \/home\/alice\/\.scailfin: .*: Read-only file system/],
          hint: /can't be written to now: ask the site, or set directories\.work/,
        }),
      ));

    test('is somebody else’s', async () => {
      await ward.profile('lodger', text => text.replace('work: $HOME/.scailfin', 'work: /home/bob/.scailfin'));
      await ward.diagnoses(
        {
          stage: 'work',
          says: [/^can't write in \/home\/bob\/\.scailfin: cannot create directory .*: Permission denied/],
          hint: /set directories\.work in .*lodger\.yaml to a directory of yours that compute nodes see too/,
        },
        [],
        'lodger',
      );
    });

    test('is named by a variable that the site does not have', async () => {
      await ward.profile('unset', text => text.replace('work: $HOME/', 'work: $SCRTACH/'));
      const says = [/working directory \$SCRTACH\/\.scailfin expands to "\/\.scailfin"/];
      await ward.diagnoses({ stage: 'work', says, hint: 'correct directories.work in the site profile' }, [], 'unset');
    });
  });

  describe('a compute node', () => {
    const nodes = (script: string) => Promise.all((['c1', 'c2'] as const).map(node => ward.sh(node, script, 'root')));

    test('that reaches nothing outside: a relay on the login node, or the pool itself', async () => {
      await nodes('ip route del default');
      try {
        await ward.diagnoses(
          {
            stage: 'node-network',
            says: [
              /^c\d can't reach this machine, where the pool would be \(10\.77\.0\.3 port 9618: refused or no route/,
              /nothing outside answers \(http:\/\/headnode:8099\/: /,
              'the profile says that compute nodes can reach the internet',
            ],
            hint: /^c\d reaches the login node \(10\.77\.1\.1\): let a relay there .*: scailfin up --site lab-slurm --relay; or run the pool there: scailfin up --site lab-slurm --headnode login/,
          },
          ['--deep'],
        );
        await ward.lab.exec('headnode', ['scailfin', 'config', 'set', 'sites.lab-slurm.headnode', 'login']);
        await ward.warns(
          {
            stage: 'node-network',
            says: [/^c\d reaches the login node \(10\.77\.1\.1\); nothing outside answers/],
            hint: /outbound: false/,
          },
          ['--deep'],
        );
      } finally {
        await nodes('ip route add default via 10.77.1.1');
        await ward.lab.exec('headnode', ['scailfin', 'config', 'unset', 'sites.lab-slurm.headnode'], { check: false });
      }
    });

    test('whose clock is wrong', async () => {
      // jobs find the programs of /usr/local first
      const ahead = `#!/bin/sh\n[ "$*" = +%s ] || exec /usr/bin/date "$@"\nexpr "$(/usr/bin/date +%s)" + 300\n`;
      for (const node of ['c1', 'c2'] as const)
        await ward.lab.write(node, '/usr/local/bin/date', ahead, { ...root, mode: 0o755 });
      const diagnosis = {
        stage: 'node-clock',
        says: [/^the clock of c\d is at least (4:5\d|5:00) ahead of the login node's/],
        hint: /tell the site/,
      };
      await ward.warns(diagnosis, ['--deep']).finally(() => nodes('rm /usr/local/bin/date'));
    });

    test('with a GPU and modules, as they tell it', async () => {
      const smi = '#!/bin/sh\nprintf "NVIDIA A100-SXM4-40GB, 40960 MiB\\nNVIDIA A100-SXM4-40GB, 40960 MiB\\n"\n';
      // what Environment Modules 5 prints of `module -t avail`
      const module = `MODULES_VERSION=5.3.1\nmodule() { printf '/opt/modulefiles:\\ncharliecloud/0.38\\npython/3.11(default)\\n' >&2; }\n`;
      for (const node of ['c1', 'c2'] as const) {
        await ward.lab.write(node, '/usr/local/bin/nvidia-smi', smi, { ...root, mode: 0o755 });
        await ward.lab.write(node, '/etc/profile.d/modules.sh', module, root);
        await ward.sh(node, 'cd /usr/bin && mkdir /root/away && mv apptainer singularity ch-run /root/away/', 'root');
      }
      try {
        const { found, stages } = await ward.examine(['--deep']);
        expect(found?.gpus).toEqual(['NVIDIA A100-SXM4-40GB, 40960 MiB', 'NVIDIA A100-SXM4-40GB, 40960 MiB']);
        expect(found?.modules).toEqual({ system: 'tmod 5.3.1', names: ['charliecloud/0.38', 'python/3.11'] });
        expect(found?.runtimes).toEqual([{ runtime: 'charliecloud', module: 'charliecloud/0.38' }]);
        expect(stages.at(-1)).toMatchObject({ id: 'node-software', status: 'ok' });

        await nodes('rm /etc/profile.d/modules.sh');
        await ward.warns(
          {
            stage: 'node-software',
            says: [/^there is no container runtime.*no module system$/],
            hint: /ask the site for one/,
          },
          ['--deep'],
        );
      } finally {
        await nodes(
          'mv /root/away/* /usr/bin/; rmdir /root/away; rm -f /usr/local/bin/nvidia-smi /etc/profile.d/modules.sh',
        );
      }
    });
  });

  describe('what the profile says and the site does not', () => {
    test('more time in a queue', async () => {
      await ward.profile('optimist', text => text.replace('walltime: 10m', 'walltime: 5h'));
      const report = await ward.examine(['--queue', 'short'], 'optimist');
      expect(report.stages.find(s => s.id === 'submission')).toMatchObject({
        status: 'warning',
        detail: 'the profile allows 5h in queue short, the site 10m',
        hint: expect.stringMatching(/^write walltime: 10m for it in .*optimist\.yaml$/),
      });
      expect(report.ok).toBe(true);
    });

    test('no queue of that name, though the site has it', async () => {
      await ward.profile('narrow', text => text.replace(/\n {2}short: .*/, ''));
      await ward.diagnoses(
        {
          stage: 'submission',
          says: ['the site has a queue short, but its profile does not'],
          hint: /add it under "queues" in .*narrow\.yaml: short: \{ walltime: 10m \}/,
        },
        ['--queue', 'short'],
        'narrow',
      );
    });

    test('another batch system', async () => {
      await ward.profile('old', text => text.replace('type: slurm', 'type: lsf'));
      const hint = /if the site uses that now, write scheduler\.type: slurm in .*old\.yaml/;
      const says = [/^bsub, bjobs, bkill: not in the PATH .*, nor in a login shell's; but Slurm 2\d.* is there$/];
      await ward.diagnoses({ stage: 'scheduler', says, hint }, [], 'old');

      await ward.profile('older', text => text.replace('type: slurm', 'type: sge'));
      const foreign = [
        /^qsub is there, but `qstat -help` does not answer as Grid Engine does; but Slurm 2\d.* is there$/,
      ];
      await ward.diagnoses({ stage: 'scheduler', says: foreign, hint: /scheduler\.type: slurm/ }, [], 'older');
    });
  });

  describe('a job that waits', () => {
    /** Somebody else has all nodes. */
    const crowded = async (work: () => Promise<void>) => {
      const sbatch = ['sbatch', '--parsable', '--exclusive', '-N2', '-o', '/dev/null', '--wrap', 'sleep 600'];
      const { stdout } = await ward.lab.exec('login', sbatch, { user: 'bob' });
      await work().finally(() => ward.lab.exec('login', ['scancel', stdout.trim()], { user: 'bob' }));
    };
    const ours = async () => (await ward.jobs()).filter(line => line.includes('(sfcheck)'));
    const untilOurs = () => expect.poll(async () => (await ours()).length, { timeout: 60_000 }).toBe(1);

    test('for too long: cancelled, with the reason why it waited', () =>
      crowded(async () => {
        const diagnosis = {
          stage: 'job',
          says: [/^the job was still queued after \d+ s; the batch system says (Resources|Priority)/],
          hint: /wait longer with --timeout, or choose another --queue; the job was cancelled/,
        };
        await ward.diagnoses(diagnosis, ['--deep', '--timeout', '3s']);
        expect(await ours()).toEqual([]);
      }));

    test('and is interrupted: cancelled', () =>
      crowded(async () => {
        const check = ward.start(['--deep']);
        await untilOurs();
        expect(await check.end('SIGTERM'), check.said).toBe(143);
        expect(await ours()).toEqual([]);
      }));

    test(
      'and is left behind: the next check takes it over, unless it asks for something else',
      () =>
        crowded(async () => {
          const first = ward.start(['--deep']);
          await untilOurs();
          const [job] = await ours();
          await first.end('SIGKILL');
          const second = ward.start(['--deep']);
          await expect.poll(() => second.said, { timeout: 60_000 }).toContain('Network from the login node');
          await new Promise(resolve => setTimeout(resolve, 3000));
          expect(await ours()).toEqual([job]);
          await second.end('SIGKILL');

          const third = ward.start(['--deep', '--queue', 'short']);
          await expect
            .poll(async () => (await ours())[0] !== job && (await ours()).length, { timeout: 60_000 })
            .toBe(1);
          await third.end('SIGINT');
          expect(await ours()).toEqual([]);
        }),
      120_000,
    );

    test(
      'when the connection is lost: told, and the next check clears it away',
      () =>
        crowded(async () => {
          const check = ward.start(['--deep', '--json']);
          await untilOurs();
          await ward.sh('login', 'pkill -u alice sshd', 'root');
          expect(await check.exited).toBe(1);
          const report = JSON.parse(check.said);
          expect(report.stages.find((s: { id: string }) => s.id === 'job')).toMatchObject({
            status: 'failed',
            detail: expect.stringMatching(
              /could not clean up: the connection to alice@login broke.*sfcheck.*\.check on alice@login/s,
            ),
            hint: 'run the check again: it cancels the job and removes the directory',
          });
          expect(await ours()).toHaveLength(1);
          const next = await ward.examine();
          const work = next.stages.find(s => s.id === 'work');
          expect(work?.detail).toMatch(/; removed what an earlier check left and cancelled its job$/);
          expect(await ours()).toEqual([]);
        }),
      120_000,
    );
  });

  describe('the login node', () => {
    test('that reaches neither this machine nor a web server', async () => {
      const block =
        'nft add table inet doctor; nft "add chain inet doctor out { type filter hook output priority 0; }"; nft add rule inet doctor out ip daddr 10.77.0.3 tcp dport "{ 9618, 8099 }" reject';
      await ward.during('login', block, 'nft delete table inet doctor', () =>
        ward.warns({
          stage: 'network',
          says: [
            /^it can't reach this machine, where the pool would be \(10\.77\.0\.3 port 9618: refused/,
            'nothing outside answers (http://headnode:8099/: ',
          ],
          hint: /open port 9618 there, or run the pool on the login node: --headnode login/,
        }),
      );
    });
  });

  test('a profile written for a host that had none brings a cluster up', async () => {
    await ward.examine(['--write'], 'alice@login');
    const up = ['scailfin', 'up', '--site', 'login', '--walltime', '20m'];
    const { stdout } = await ward.lab.exec('headnode', up, { timeoutMs: 100_000 });
    expect(stdout).toMatch(/^login: running\. 1 of 1 glide-ins/m);
    await ward.lab.exec('headnode', ['scailfin', 'down', 'login'], { timeoutMs: 100_000 });
    await ward.sh('headnode', 'rm .config/scailfin/sites/login.yaml');
  });

  test('on a terminal it shows how long its job has waited', async () => {
    const config = `probeUrls: ['http://10.77.0.99/']\n`;
    const before = await ward.lab.read('headnode', '.config/scailfin/config.yaml');
    await ward.lab.write('headnode', '.config/scailfin/config.yaml', config);
    const argv = onTerminal(['scailfin', 'sites', 'check', ward.site, '--deep']);
    const terminal = new Terminal(ward.lab.spawn('headnode', argv, { env: { TERM: 'xterm' } }));
    await terminal.until(/Job on a compute node (queued|running on c\d) \d+ s/, 40_000);
    terminal.type('\x03');
    await terminal.until(/interrupted/);
    expect(await terminal.end()).toBe(130);
    await ward.lab.write('headnode', '.config/scailfin/config.yaml', before);
    await until('it to be cleaned up', 60_000, async () => (await ward.jobs()).length === 0);
  });
});
