import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { labUnavailable } from '../lab/lab.js';
import { Bench, up } from './helpers/bench.js';

const reason = labUnavailable();

describe.skipIf(reason !== undefined)(`the same name again${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.open();
  });
  afterAll(() => bench?.close());
  afterEach(async () => {
    await bench.unwrap('sbatch');
    await partition('UP');
    await bench.expectNothing();
  });

  const partition = (state: 'UP' | 'DOWN') =>
    bench.lab.exec('login', ['scontrol', 'update', 'PartitionName=debug', `State=${state}`], { user: 'root' });
  const forget = () => bench.lab.exec('headnode', ['rm', '-rf', '.local/state/scailfin']);

  test('down twice', async () => {
    await bench.good(up('twice', '--no-wait'));
    await bench.good(['down', 'twice']);
    const again = await bench.good(['down', 'twice', '--json']);
    expect(again.stderr).toBe('');
    expect(JSON.parse(again.stdout)).toMatchObject({ name: 'twice', cancelled: 0 });
  });

  test('down of what this machine has forgotten', async () => {
    await bench.good(up('forgotten', '--nodes', '2'));
    await forget();
    const clueless = {
      exit: 2,
      says: ['this machine knows no cluster called forgotten'],
      hint: 'scailfin down forgotten --site SITE',
    };
    await bench.refuses(['down', 'forgotten'], clueless);
    await bench.refuses(['down', 'forgotten', '--json'], clueless);
    expect(await bench.jobs()).toHaveLength(2);
    const down = await bench.good(['down', 'forgotten', '--site', 'lab-slurm', '--json']);
    expect(JSON.parse(down.stdout).cancelled).toBe(2);
    // and once more: nothing is there to be found
    await bench.good(['down', 'forgotten', '--site', 'lab-slurm']);
  });

  test('down of what this machine has forgotten, whose pool is on another host: that is not verified', {
    tags: ['nightly'],
  }, async () => {
    const host = 'laptop';
    await bench.good(up('hub', '--headnode', 'scail@headnode', '--no-wait'), { host });
    await bench.lab.exec(host, ['rm', '-r', '.local/state/scailfin/clusters/hub']);
    const down = ['down', 'hub', '--site', 'lab-slurm'];
    const complaint = {
      says: ['hub may not be all gone', /pool at [0-9.]+, which is not on .*--headnode/],
      hint: '--forget',
    };
    await bench.refuses(down, complaint, { host });
    expect(await bench.jobs()).toEqual([]);
    expect((await bench.good(down, { host })).stdout).toContain('If its pool ran on another host, add --headnode');
    const { stdout } = await bench.good([...down, '--headnode', 'scail@headnode'], { host });
    expect(stdout).not.toContain('--headnode');
  });

  test('up of what this machine has forgotten is refused: somebody’s jobs run under that name', {
    tags: ['nightly'],
  }, async () => {
    await bench.good(up('orphan', '--no-wait'));
    await forget();
    const hint = 'scailfin down orphan --site lab-slurm';
    await bench.refuses(up('orphan'), {
      exit: 2,
      says: ['alice@login has a cluster called orphan already', 'made by scail@headnode'],
      hint,
    });
    expect(await bench.jobs()).toHaveLength(1);
    await bench.good(['down', 'orphan', '--site', 'lab-slurm']);
  });

  test('two at once: the second is refused and names the first', async () => {
    await bench.wrap('sbatch', 'sleep 3; real "$@"');
    const first = bench.start(up('busy', '--no-wait'));
    await first.says('✓ Connecting');
    const held = {
      says: ['"scailfin up busy" has been working on this cluster', /process \d+/],
      hint: 'wait until it ends',
    };
    await bench.refuses(up('busy', '--no-wait'), held);
    await bench.refuses(['down', 'busy', '--json'], held);
    expect(await first.exited, first.said).toBe(0);
    expect(await bench.jobs()).toHaveLength(1);
    await bench.good(['down', 'busy']);
  });

  test('from another machine: the name is taken, and what runs goes on', { tags: ['nightly'] }, async () => {
    await bench.good(up('taken', '--no-wait'));
    const taken = {
      exit: 2,
      says: [/has a cluster called taken already \(made by scail@headnode/],
      hint: 'choose another name',
    };
    await bench.refuses(up('taken', '--headnode', 'scail@headnode'), taken, { host: 'laptop' });
    expect(await bench.jobs()).toHaveLength(1);
    // the site does not know it, the headnode does
    await bench.profile('bobs', text => text.replace('$HOME/.scailfin', '$HOME/.elsewhere'), 'laptop');
    await bench.refuses(['up', 'taken', '--site', 'bobs', '--headnode', 'scail@headnode'], taken, { host: 'laptop' });
    expect(await bench.jobs()).toHaveLength(1);
    expect(JSON.parse((await bench.good(['status', 'taken', '--json'])).stdout).headnode.pool).toBe('alive');
    await bench.good(['down', 'taken']);
  });

  test('other settings: told what differs', { tags: ['nightly'] }, async () => {
    await bench.good(up('other', '--no-wait'));
    const differs = { exit: 2, says: ['walltime is 3600, not 7200'], hint: 'scailfin down other' };
    await bench.refuses(up('other', '--walltime', '2h', '--no-wait'), differs);
    await bench.refuses(up('other', '--nodes', '2'), {
      exit: 2,
      says: ['1 nodes, not 2'],
      hint: 'scailfin scale other --nodes 2',
    });
    await bench.good(['down', 'other']);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s while waiting: exit status %i, up again goes on', async (signal, status) => {
    // held back, so that there is something to wait for
    await partition('DOWN');
    const waiting = bench.start(up('stopped', '--nodes', '2'));
    await waiting.says('✓ Submitting');
    await new Promise(resolve => setTimeout(resolve, 500));
    expect(await waiting.end(signal)).toBe(status);
    expect(waiting.said).toMatch(/interrupted; .*continues/);
    expect(JSON.parse((await bench.good(['status', 'stopped', '--json'])).stdout).state).toBe('pending');
    await partition('UP');
    const again = await bench.good([...up('stopped', '--nodes', '2'), '--json']);
    expect(JSON.parse(again.stdout).state).toBe('running');
    expect(await bench.jobs()).toHaveLength(2);
    await bench.good(['down', 'stopped']);
  });
});
