// @module-tag nightly; each time: cluster/failures-again stops up, faults kills it at a few points each day
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { labUnavailable } from '../lab/lab.js';
import { until } from '../lab/programs.js';
import { Bench, type Started, up } from './helpers/bench.js';

const reason = labUnavailable();
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

describe.skipIf(reason !== undefined)(`up is killed${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.open();
  });
  afterAll(() => bench?.close());
  afterEach(async () => {
    await bench.unwrap('sbatch');
    await bench.expectNothing();
  });

  const kill = async (started: Started) => expect(await started.end('SIGKILL')).not.toBe(0);
  const isKnown = async (name: string) => (await bench.cli(['status', name, '--json'])).exitCode === 0;

  /** Whatever had begun, `down` takes it away; before anything had, there is nothing to take. */
  const takeDown = async (name: string) => {
    if (await isKnown(name)) await bench.good(['down', name]);
    else await bench.refuses(['down', name], { exit: 2, says: ['knows no cluster'], hint: 'scailfin list --all' });
    await bench.expectNothing();
  };

  test.each([100, 300, 500, 800, 1200, 1700, 2300, 3000])('after %i ms, and down leaves nothing', async ms => {
    // the payload is cut, copied and sent anew each time
    await bench.lab.exec('headnode', ['rm', '-rf', '.cache/scailfin']);
    const started = bench.start(up(`killed-${ms}`, '--nodes', '2'));
    await pause(ms);
    await kill(started);
    await takeDown(`killed-${ms}`);
  });

  test('as each step ends, and down leaves nothing', async () => {
    const steps = [
      'a glide-in without',
      '✓ Connecting',
      '✓ Starting the pool',
      '✓ Staging the payload',
      '✓ Submitting',
    ];
    for (const words of steps) {
      const started = bench.start(up('steps', '--nodes', '2'));
      await started.says(words);
      await kill(started);
      await takeDown('steps');
    }
  });

  test('while sbatch works, before the job is there', async () => {
    await bench.wrap('sbatch', 'touch /tmp/begun; sleep 3; real "$@"');
    await killOnce('early', '/tmp/begun');
    const down = await bench.good(['down', 'early']);
    expect(down.stderr).toContain('1 cancelled');
  });

  test('while sbatch works, the job being there', async () => {
    await bench.wrap('sbatch', 'real "$@"; s=$?; touch /tmp/begun; sleep 3; exit $s');
    await killOnce('late', '/tmp/begun');
    await bench.good(['down', 'late']);
  });

  test('while sbatch works, and up again waits for its answer: no glide-in twice', async () => {
    await bench.wrap('sbatch', 'touch /tmp/begun; sleep 3; real "$@"; s=$?; sleep 1; exit $s');
    await killOnce('again', '/tmp/begun', '--nodes', '2');
    await bench.good(up('again', '--nodes', '2'));
    expect(await bench.jobs()).toHaveLength(2);
    await bench.good(['down', 'again']);
  });

  test.each(['✓ Connecting', '✓ Starting the pool', '✓ Submitting'])(
    'after "%s", and up again goes on',
    async words => {
      const started = bench.start(up('resumed', '--nodes', '2'));
      await started.says(words);
      await kill(started);
      const { stdout } = await bench.good([...up('resumed', '--nodes', '2'), '--json']);
      expect(JSON.parse(stdout).state).toBe('running');
      expect(await bench.jobs()).toHaveLength(2);
      await bench.good(['down', 'resumed']);
    },
  );

  test('while down runs, and down again finishes it', async () => {
    await bench.good(up('half', '--nodes', '2', '--no-wait'));
    const cancelling = bench.start(['down', 'half']);
    await until('a glide-in to be cancelled', 60_000, async () => (await bench.jobs()).length < 2);
    await kill(cancelling);
    const stopping = bench.start(['down', 'half']);
    await stopping.says('✓ Cancelling');
    await kill(stopping);
    await bench.good(['down', 'half']);
  });

  test('a glide-in is killed by Slurm before it has tidied up, and its keeper tidies up', async () => {
    await bench.good(up('stuck', '--nodes', '1'));
    const { stdout } = await bench.lab.exec('login', ['squeue', '-h', '-t', 'R', '-o', '%N']);
    const node = stdout.trim() as 'c1' | 'c2';
    // A starter that does not end for longer than Slurm waits: KillWait in the lab's slurm.conf is 3 s
    const stuck = `cp /bin/sleep /var/tmp/condor_starter
      export $(tr '\\0' '\\n' </proc/$(pgrep -u alice condor_master)/environ | grep -E '^SCAILFIN_(JOB|RUN)=')
      setsid /var/tmp/condor_starter 100 </dev/null >/dev/null 2>&1 &`;
    await bench.lab.exec(node, ['sh', '-c', stuck], { user: 'alice' });
    // who is there at the moment in which Slurm kills the glide-in; its keeper waits 10 s from then on
    const watch = `shell=$(pgrep -o -u alice -f 'glidein.sh --run')
      { while [ -e "/proc/$shell" ]; do sleep 0.05; done; pgrep -x condor_starter >/var/tmp/seen.new; mv /var/tmp/seen.new /var/tmp/seen; } </dev/null >/dev/null 2>&1 &`;
    await bench.lab.exec(node, ['sh', '-c', watch], { user: 'alice' });
    await bench.good(['down', 'stuck']);
    const seen = async () => (await bench.lab.exec(node, ['cat', '/var/tmp/seen'])).stdout;
    expect(await until('the glide-in to be killed', 60_000, async () => (await seen()) || 'nobody')).toMatch(/^\d+\n$/);
    await bench.lab.exec(node, ['rm', '/var/tmp/condor_starter', '/var/tmp/seen'], { user: 'alice' });
    await bench.expectNothing();
  });

  const killOnce = async (name: string, mark: string, ...more: string[]) => {
    const started = bench.start(up(name, ...more));
    await bench.lab.exec('login', ['sh', '-c', `until [ -e ${mark} ]; do sleep 0.1; done; rm ${mark}`]);
    await kill(started);
  };
});
