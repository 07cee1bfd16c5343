import { afterAll, beforeAll, describe, test } from 'vitest';
import { labUnavailable } from '../lab/lab.js';
import { Bench, type Complaint, up } from './helpers/bench.js';

const reason = labUnavailable();

describe.skipIf(reason !== undefined)(`requests that can't be met${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.open();
  });
  afterAll(() => bench?.close());

  describe('by the profile: no network is used', () => {
    beforeAll(async () => {
      await bench.profile('museum', text => `${text}status: retired\nretired: 2019-12\n`);
      await bench.lab.partition('headnode', true);
    });
    afterAll(async () => {
      await bench.lab.partition('headnode', false);
      await bench.expectNothing();
    });

    const cases: [what: string, args: string[], complaint: Omit<Complaint, 'exit'>][] = [
      [
        'a walltime over the limit',
        up('x', '--queue', 'short', '--walltime', '1h'),
        { says: ['queue short allows 10m', '--walltime 1h', '--queue debug'], hint: 'scailfin sites show lab-slurm' },
      ],
      [
        'more nodes than there are',
        up('x', '--nodes', '3', '--nodes-per-job', '3'),
        { says: ['queue debug allows 2 nodes in a job', '--nodes-per-job 3'], hint: 'scailfin sites show lab-slurm' },
      ],
      [
        'several mistakes at once',
        up('x', '--nodes', '300', '--walltime', '9d', '--cores', '9'),
        { says: ['--nodes 300', '--walltime 9d', '--cores 9'], hint: 'scailfin sites show lab-slurm' },
      ],
      [
        'a queue the profile does not have',
        up('x', '--queue', 'debgu'),
        { says: ['lab-slurm has no queue debgu', 'did you mean debug', 'debug, short'], hint: 'scailfin sites show' },
      ],
      [
        'a site that is no more',
        ['up', 'x', '--site', 'museum'],
        { says: ['museum', 'is retired since 2019-12', 'lab-slurm'], hint: /sites (list|show)/ },
      ],
      [
        'a site nobody knows',
        ['up', 'x', '--site', 'lab-slrum'],
        { says: ['there is no site lab-slrum', 'did you mean lab-slurm'], hint: 'scailfin sites list' },
      ],
      ['a bad name', up('Bad_Name'), { says: [`"Bad_Name" can't be a cluster's name`], hint: 'lower-case letters' }],
      [
        'a bad headnode',
        up('x', '--headnode', 'a b'),
        { says: ['"a b" is no headnode'], hint: /--headnode local, login or \[user@\]host/ },
      ],
      [
        'a walltime too short to work in',
        up('x', '--walltime', '30s'),
        { says: ['30 s leaves a glide-in no time'], hint: '--walltime 2m' },
      ],
      [
        'a bad number of nodes',
        up('x', '--nodes', '0'),
        { says: [/--nodes.*'0' is invalid/], hint: 'scailfin up --help' },
      ],
      [
        'no site',
        ['up', 'x'],
        { says: ['there is no cluster x', 'no site was named'], hint: 'scailfin up x --site SITE' },
      ],
      ['an unknown option', up('x', '--sharp'), { says: ["unknown option '--sharp'"], hint: 'scailfin up --help' }],
      [
        'a bad status name',
        ['status', 'nobody'],
        { says: ['knows no cluster called nobody'], hint: 'scailfin up --site' },
      ],
    ];
    for (const [what, args, complaint] of cases)
      test(what, async () => {
        await bench.refuses(args, { ...complaint, exit: 2 });
        await bench.refuses([...args, '--json'], { ...complaint, exit: 2 });
      });
  });

  describe('by the scheduler', { tags: ['nightly'] }, () => {
    test('a queue that only the profile knows', async () => {
      await bench.profile('hopeful', text =>
        text.replace('queues:\n', 'queues:\n  gone: { walltime: 2d, nodes: 2 }\n'),
      );
      const args = ['up', 'refused', '--site', 'hopeful', '--queue', 'gone'];
      const complaint = { says: ["Slurm's sbatch refused", /invalid partition/i], hint: /--queue NAME.*sinfo/ };
      await bench.refuses(args, complaint);
      await bench.expectNothing();
      await bench.refuses([...args, '--json'], complaint);
      await bench.expectNothing();
    });

    test('more memory than any node has', async () => {
      await bench.profile('boastful', text => text.replace('memory: 16000M', 'memory: 64G'));
      await bench.refuses(['up', 'greedy', '--site', 'boastful', '--memory', '60G'], {
        says: ["Slurm's sbatch refused", /node configuration is not available|memory/i],
        hint: /--nodes, --cores or --memory/,
      });
      await bench.expectNothing();
    });

    test('whatever the site’s own sbatch says is passed on', async () => {
      await bench.wrap('sbatch', 'echo "sbatch: error: your project is out of hours" >&2; exit 1');
      await bench
        .refuses(up('broke'), { says: ["Slurm's sbatch refused", 'your project is out of hours'], hint: /./ })
        .finally(() => bench.unwrap('sbatch'));
      await bench.expectNothing();
    });
  });
});
