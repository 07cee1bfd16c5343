// @module-tag nightly; each time: faults and model try outages at a few points each day
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { labUnavailable } from '../lab/lab.js';
import { Bench, expectComplaint, up } from './helpers/bench.js';

const reason = labUnavailable();
const root = { user: 'root' };

describe.skipIf(reason !== undefined)(`the site or the headnode fails${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.open();
  });
  afterAll(() => bench?.close());
  afterEach(async () => {
    for (const program of ['sbatch', 'squeue']) await bench.unwrap(program);
    await bench.expectNothing();
  });

  const statusOf = async (name: string) => JSON.parse((await bench.cli(['status', name, '--json'])).stdout);

  test('sbatch answers too late, but has taken the job: adopted, not sent twice', async () => {
    const failed = 'echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation" >&2';
    await bench.wrap('sbatch', `real "$@" >/dev/null; ${failed}; exit 1`);
    await bench.good(up('late', '--nodes', '2'));
    expect(await bench.jobs()).toHaveLength(2);
    expect((await bench.good(up('late', '--nodes', '2'))).stderr).toContain('all there already');
    expect(await bench.jobs()).toHaveLength(2);
    await bench.good(['down', 'late']);
  });

  const late = 'echo "sbatch: error: Socket timed out on send/recv operation" >&2';
  const quick = (text: string): string => text.replace('type: slurm', 'type: slurm\n  silence: 10s');

  test('sbatch answers too late, and has not taken the job: said, and undone', async () => {
    await bench.profile('hasty', quick);
    await bench.wrap('sbatch', `${late}; exit 1`);
    await bench.refuses(['up', 'lost', '--site', 'hasty'], { says: ["Slurm's sbatch", 'Socket timed out'], hint: /./ });
  });

  test('sbatch answers too late, and its job is shown seconds later: adopted, or known to be unknown', async () => {
    await bench.profile('hasty', quick);
    await bench.wrap('sbatch', `real "$@" >/dev/null; date +%s >/tmp/submitted; ${late}; exit 1`);
    await bench.wrap('squeue', '[ $(($(date +%s) - $(cat /tmp/submitted))) -ge 6 ] || exit 0\nreal "$@"');
    await bench.good(['up', 'shy', '--site', 'hasty', '--walltime', '20m']);
    expect(await bench.jobs()).toHaveLength(1);
    await bench.good(['down', 'shy']);
    // the queue can't be asked either: the job may be there, so that nothing is undone
    await bench.wrap('squeue', 'echo "slurm_load_jobs error: Unable to contact slurm controller" >&2; exit 1');
    const again = ['up', 'blind', '--site', 'hasty', '--walltime', '20m'];
    await bench.refuses([...again, '--json'], {
      says: ['Slurm may have taken the job'],
      hint: 'run the same command again',
    });
    await bench.unwrap('squeue');
    await bench.good(again);
    expect(await bench.jobs()).toHaveLength(1);
    await bench.good(['down', 'blind']);
    await bench.lab.exec('login', ['rm', '-f', '/tmp/submitted']);
  });

  test('the scheduler is away: status says unknown, down says what may remain, and finishes later', async () => {
    await bench.good(up('away', '--nodes', '2'));
    const [job = ''] = (await bench.jobs()).map(id => id.split('_')[0]);
    await bench.lab.stopScheduler();
    const status = await statusOf('away');
    expect(status.state).toBe('unknown');
    expect(status.reason).toMatch(/Could not ask lab-slurm/);
    expect(status.sites[0].error).toMatch(/squeue/);
    const glideins = status.sites[0].glideins as { id: string; state: string; joined: boolean }[];
    expect(glideins.map(g => [g.id, g.state, g.joined]).sort()).toEqual([
      [`${job}_1`, 'unknown', true],
      [`${job}_2`, 'unknown', true],
    ]);

    // exit status 2 means that nothing was touched
    const journal = '.local/state/scailfin/clusters/away/journal.jsonl';
    const before = await bench.lab.read('headnode', journal);
    const scaled = await bench.cli(['scale', 'away', '--nodes', '1']);
    expectComplaint(scaled, {
      exit: 2,
      says: ["lab-slurm can't be asked how many glide-ins it has"],
      hint: 'try again',
    });
    expect(await bench.lab.read('headnode', journal)).toBe(before);

    const down = await bench.cli(['down', 'away']);
    expectComplaint(down, {
      says: ['away may not be all gone', /batch jobs called sf-away of alice on alice@login/],
      hint: 'scailfin down away',
    });
    expect((await bench.good(['list'])).stdout).toMatch(/^away +failed .*It may not be all gone/m);
    await bench.lab.startScheduler();
    await bench.good(['down', 'away']);
    // squeue itself tries for 9 s before it gives up
  });

  test('the login node is cut off: down says what may remain, and finishes later', async () => {
    await bench.good(up('cut', '--nodes', '2'));
    await bench.lab.write('headnode', '.ssh/config', 'Host login\n  ConnectTimeout 2\n');
    await bench.lab.partition('login', true);
    const [status, down] = [await statusOf('cut'), await bench.cli(['down', 'cut', '--json'])];
    await bench.lab.partition('login', false);
    expect(status.state).toBe('unknown');
    expectComplaint(
      down,
      {
        says: ['cut may not be all gone', /jobs called sf-cut and files on login: can't reach login/],
        hint: 'scailfin down cut',
      },
      true,
    );
    expect(JSON.parse(down.stdout).left).toHaveLength(1);
    await bench.good(['down', 'cut']);
    await bench.lab.exec('headnode', ['rm', '.ssh/config']);
  });

  test('the login node is gone for good: the cluster can be forgotten, and what may remain is said', async () => {
    await bench.good(up('gone', '--walltime', '30m'));
    await bench.lab.write('headnode', '.ssh/config', 'Host login\n  ConnectTimeout 2\n');
    await bench.lab.partition('login', true);
    const token = '.local/state/scailfin/clusters/gone/reana.token';
    await bench.lab.write('headnode', token, 'a secret of its framework');
    const down = await bench.good(['down', 'gone', '--forget']);
    expect((await bench.lab.exec('headnode', ['ls', token], { check: false })).exitCode).not.toBe(0);
    await bench.lab.partition('login', false);
    expect(down.stdout).toMatch(
      /^gone is no longer recorded.*may remain:\n {2}- jobs called sf-gone and files on login/m,
    );
    expect((await bench.good(['list'])).stdout).not.toMatch(/^gone /m);
    expect((await bench.good(['list', '--all'])).stdout).toMatch(
      /^gone +terminated .*this may remain: jobs called sf-gone/m,
    );
    // it was not gone after all: without a record, the site's profile leads there
    await bench.good(['down', 'gone', '--site', 'lab-slurm']);
    await bench.lab.exec('headnode', ['rm', '.ssh/config']);
  });

  test('the pool is killed: status says so, up starts it again, down works without it', async () => {
    const kill = () => bench.lab.exec('headnode', ['pkill', '-9', 'condor'], root);
    await bench.good(up('dead', '--walltime', '30m'));
    await kill();
    const { state, reason, headnode } = await statusOf('dead');
    expect([state, headnode.pool]).toEqual(['failed', 'dead']);
    expect(reason).toMatch(/pool is not running.*scailfin up dead/);
    // its glide-in comes back within a minute, when it next updates its advertisement
    await bench.good(up('dead', '--walltime', '30m', '--no-wait'));
    expect((await statusOf('dead')).headnode.pool).toBe('alive');
    expect(await bench.jobs()).toHaveLength(1);
    await kill();
    await bench.good(['down', 'dead']);
  });

  test('start-up files that print text', async () => {
    const chatter = 'echo "Welcome to the lab!"; echo "quota: 97 %" >&2; printf "submitted=7\\nbase=/nowhere\\n"\n';
    const before = await bench.lab.read('login', '.bashrc');
    await bench.lab.write('login', '.bashrc', `${chatter}${before}`);
    await bench.good(up('chatty', '--nodes', '2'));
    expect(await bench.jobs()).toHaveLength(2);
    await bench.good(['down', 'chatty']);
    await bench.lab.write('login', '.bashrc', 'echo "this account is closed"; exit 3\n');
    await bench.refuses(up('closed'), {
      says: ['the login shell ended with status 3', 'this account is closed'],
      hint: 'start-up file',
    });
    await bench.lab.write('login', '.bashrc', before);
  });
});
