// @module-tag nightly; each time: model hides jobs, too
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ClusterStatus } from '../../src/cluster/status.js';
import { labUnavailable } from '../lab/lab.js';
import { Bench, expectComplaint } from './helpers/bench.js';

const reason = labUnavailable();

/** A Slurm that answers, and whose queue is empty: new jobs come later, or another controller has just taken over. */
const EMPTY =
  'case "$*" in *--jobs=*) echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1 ;; esac; exit 0';

/** Jobs go to the cluster c5, which only they know who name it. */
const words = 'for a; do shift; [ "$a" = --clusters=c5 ] && there=yes || set -- "$@" "$a"; done';
const CLUSTERS = {
  sbatch: `${words}
script=$(cat)
case $script in *'#SBATCH --clusters=c5'*) there=yes ;; esac
id=$(printf '%s\\n' "$script" | grep -v clusters=c5 | real "$@") || exit
echo "$id\${there:+;c5}"`,
  squeue: `${words}\n[ -n "$there" ] || exit 0\nreal "$@"`,
  scancel: `${words}\n[ -n "$there" ] || exit 0\nreal "$@"`,
};

/** Slurm's programs are where only `/etc/profile.d` puts them into PATH; what it prints and reads is not theirs. */
const AWAY = `mkdir -p /opt/slurm/bin && cd /usr/bin && mv sbatch squeue scancel scontrol /opt/slurm/bin
printf '%s\\n' 'echo Welcome; echo "17;c5" >&2; read -r _' 'PATH=$PATH:/opt/slurm/bin' >/etc/profile.d/slurm.sh`;
const BACK = 'mv /opt/slurm/bin/* /usr/bin; rm -rf /opt/slurm /etc/profile.d/slurm.sh';
const root = { user: 'root' };

describe.skipIf(reason !== undefined)(`jobs that Slurm does not show${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.open();
  });
  afterAll(() => bench?.close());
  afterEach(async () => {
    for (const program of ['sbatch', 'squeue', 'scancel']) await bench.unwrap(program);
    await bench.expectNothing();
  });

  const statusOf = async (name: string): Promise<ClusterStatus> =>
    JSON.parse((await bench.good(['status', name, '--json'])).stdout);

  test('are neither replaced, nor over, and down does not say that they are gone', async () => {
    await bench.profile('shy', text => text.replace('type: slurm', 'type: slurm\n  silence: 1h'));
    const up = ['up', 'shy', '--site', 'shy', '--nodes', '2', '--walltime', '20m'];
    await bench.good(up);
    const jobs = await bench.jobs();
    expect(jobs).toHaveLength(2);
    await bench.wrap('squeue', EMPTY);
    await bench.wrap('scancel', 'exit 0');

    const status = await statusOf('shy');
    const [job] = status.sites[0]?.batchJobs ?? [];
    expect(job).toMatchObject({ state: 'unknown', word: 'missing' });
    expect(status.reason).toContain("2 are missing from the batch system's answers");
    const again = await bench.good([...up, '--no-wait']);
    expect(again.stderr).toContain('all there already');
    expect(again.stderr).toMatch(/job \d+ at shy is unknown, and is not replaced: Slurm has not shown it for/);

    const down = await bench.cli(['down', 'shy']);
    expectComplaint(down, {
      says: [
        'shy may not be all gone',
        /job \d+ on alice@login, if it is still there: Slurm has not shown it for \d+ s/,
      ],
      hint: 'scailfin down shy',
    });
    await bench.unwrap('squeue');
    await bench.unwrap('scancel');
    expect(await bench.jobs()).toEqual(jobs);
    expect((await bench.good(['down', 'shy'])).stdout).toContain('Verified');
  });

  test.each([
    ['its directives', 'directives: ["--clusters=c5"]'],
    ['its profile', 'cluster: c5'],
  ])(
    'a site with several clusters, named by %s: jobs are submitted, watched and cancelled in theirs',
    async (_, line) => {
      for (const [program, body] of Object.entries(CLUSTERS)) await bench.wrap(program, body);
      await bench.profile('many', text => text.replace('type: slurm', `type: slurm\n  ${line}`));
      await bench.good(['up', 'many', '--site', 'many', '--nodes', '2', '--walltime', '20m']);
      const status = await statusOf('many');
      expect(status.sites[0]?.glideins.map(g => g.job).sort()).toEqual([
        expect.stringMatching(/^\d+_1;c5$/),
        expect.stringMatching(/^\d+_2;c5$/),
      ]);
      expect(status.sites[0]?.glideins.every(g => g.joined)).toBe(true);
      expect(status.strangers).toEqual([]);
      await bench.good(['scale', 'many', '--nodes', '1']);
      const left = async () => (await bench.lab.exec('login', ['/usr/bin/squeue', '-hrt', 'PD,R,CF'])).stdout;
      await expect.poll(left, { timeout: 60_000 }).toMatch(/^.*\n$/);
      const began = Date.now();
      expect((await bench.good(['down', 'many'])).stdout).toContain('Verified');
      expect(Date.now() - began).toBeLessThan(20_000);
    },
  );

  test('commands that only a login shell puts into PATH are found; without them nothing is begun', async () => {
    await bench.lab.exec('login', ['sh', '-ec', AWAY], root);
    const up = ['up', 'profiled', '--site', 'lab-slurm', '--nodes', '1', '--walltime', '20m'];
    try {
      await bench.good(up);
      expect((await statusOf('profiled')).sites[0]?.glideins[0]).toMatchObject({ word: 'RUNNING', joined: true });
      expect((await bench.good(['down', 'profiled'])).stdout).toContain('Verified');
      await bench.lab.exec('login', ['rm', '/etc/profile.d/slurm.sh'], root);
      await bench.refuses([...up, '--json'], {
        says: [/Slurm can't be used on alice@login: neither .* nor a login shell find sbatch, squeue, scancel/],
        hint: 'scailfin sites check',
      });
      await bench.profile('pathed', text => text.replace('type: slurm', 'type: slurm\n  path: /opt/slurm/bin'));
      await bench.good(['up', 'pathed', '--site', 'pathed', '--walltime', '20m', '--no-wait']);
      await bench.good(['down', 'pathed']);
    } finally {
      await bench.lab.exec('login', ['sh', '-c', BACK], root);
    }
  });
});
