import { describe, expect, it } from 'vitest';
import { SchedulerError, UsageError } from '../../../src/errors.js';
import type { Host, RunOptions } from '../../../src/hosts/host.js';
import { type BatchJobState, isOver, type Output } from '../../../src/schedulers/job.js';
import { cancelJobs, listJobs } from '../../../src/schedulers/runner.js';
import { slurm } from '../../../src/schedulers/slurm/index.js';
import { inFormat, outputOf, type Recording, recorded, recordings } from '../../recordings/recordings.js';
import { job, query } from '../jobs.js';
import { thrown } from '../thrown.js';

const all = recordings('slurm');
const the = (name: string): Recording => recorded(all, name);

/** The adapter's own format, out of its own command. */
const format = slurm.list(query())[0]?.argv.at(-1) as string;
/** A recorded queue, as our own command would have shown it. */
const queue = (name: string): Output => outputOf(inFormat(the(name), format));
/** Recorded accounting; the format there is a beginning of ours. */
const accounting = (name: string): Output => outputOf(the(name));
const nothing: Output = { stdout: '', stderr: '', exitCode: 0 };
const parse = (...outputs: Output[]) => slurm.parseList(outputs, query());

/** The directives of a script, as sbatch reads them: up to the first line that is a command. */
const directives = (script: string): string[] =>
  script
    .split('\n')
    .slice(
      0,
      script.split('\n').findIndex(l => l !== '' && !l.startsWith('#')),
    )
    .filter(l => l.startsWith('#SBATCH '))
    .map(l => l.slice('#SBATCH '.length));

describe('what is submitted', () => {
  it('goes by stdin, and the id comes back bare', () => {
    const sent = slurm.submit(job());
    expect(sent.argv).toEqual(['sbatch', '--parsable']);
    expect(sent.stdin).toBe(sent.script);
    expect(sent.script).toMatch(/^#!\/bin\/bash\n/);
    expect(sent.script).not.toContain('\r');
  });

  it('several glide-ins are one array, each with a log of its own', () => {
    const asked = directives(slurm.submit(job({ count: 7, queue: 'debug', account: 'm1234' })).script);
    expect(asked).toEqual([
      '--job-name=sf-test',
      '--array=1-7',
      '--output=/scratch/alice/scailfin/test/site/logs/%A_%a.out',
      '--open-mode=append',
      '--nodes=1',
      '--ntasks=1',
      '--cpus-per-task=4',
      '--mem=2048M',
      '--time=01:00:00',
      '--partition=debug',
      '--account=m1234',
      '--no-requeue',
      '--mail-type=NONE',
    ]);
  });

  it('a site without arrays gets plain jobs', () => {
    const asked = directives(slurm.submit(job({ count: 1, arrays: false })).script);
    expect(asked.join('\n')).not.toContain('--array');
    expect(asked).toContain('--output=/scratch/alice/scailfin/test/site/logs/%j.out');
  });

  it('what is not asked for is not said', () => {
    const bare = job({ coresPerNode: undefined, memoryPerNode: undefined });
    const asked = directives(slurm.submit(bare).script).join('\n');
    expect(asked).not.toMatch(/--(cpus-per-task|mem|partition|qos|account|gres)/);
  });

  it('a queue may be a QOS, GPUs and more than a day can be asked for, the profile adds its own', () => {
    const big = job({ queue: 'regular', queueOption: 'qos', gpusPerNode: 4, walltime: 48 * 3600 });
    const asked = directives(slurm.submit({ ...big, directives: ['-C haswell', '--licenses=SCRATCH'] }).script);
    expect(asked).toEqual(expect.arrayContaining(['--qos=regular', '--gres=gpu:4', '--time=48:00:00']));
    expect(asked.slice(-2)).toEqual(['-C haswell', '--licenses=SCRATCH']);
    expect(asked.join('\n')).not.toContain('--partition');
  });

  it.each([
    ['none', 'exec \\'],
    // biome-ignore-start lint/suspicious/noTemplateCurlyInString: it is the shell's
    ['srun', 'exec srun --ntasks=1 --cpus-per-task="${SCAILFIN_CORES:-1}" \\'],
    ['mpiexec', 'exec mpiexec -n 1 \\'],
    ['ibrun', 'exec ibrun -n 1 \\'],
    ['aprun', 'exec aprun -b -n 1 -d "${SCAILFIN_CORES:-1}" -- \\'],
    // biome-ignore-end lint/suspicious/noTemplateCurlyInString: it is the shell's
  ] as const)('launcher %s', (launcher, line) => {
    expect(slurm.submit(job({ launcher })).script.split('\n')).toContain(line);
  });

  it.each([
    ['the queue', { queue: 'debug\n#SBATCH --wrap=evil' }],
    ['the queue', { queue: '' }],
    ['the account', { account: 'm 1234' }],
    ['the account', { account: '$(id)' }],
    ['the job name', { tag: 'a b' }],
    ['the log directory', { logDir: '/home/alice/my files' }],
    ['the directive', { directives: ['-C a\n#SBATCH -p b'] }],
    ['the directive', { directives: ['--comment="a`id`"'] }],
  ])('%s that can not be said in a directive is a usage error', (what, changes) => {
    expect(() => slurm.submit(job(changes))).toThrow(UsageError);
    expect(() => slurm.submit(job(changes))).toThrow(what);
  });
});

describe('the answer to a submission', () => {
  const taken = all.filter(r => /^(err\.)?submit\./.test(r.case) && r.exit === 0 && r.stdout !== '');
  const refused = all.filter(r => /^(err\.submit|down\.slurmctld\.sbatch)/.test(r.case) && r.exit !== 0);

  it('there is a lot of both', () => {
    expect(taken.length).toBeGreaterThan(30);
    expect(refused.length).toBeGreaterThan(15);
  });

  it.each(taken.map(r => [r.case, r] as const))('%s is a job id', (_, recording) => {
    // a job in another cluster keeps the cluster
    const id = /\d+(;\w+)?/.exec(recording.stdout)?.[0];
    expect(slurm.parseSubmit(outputOf(recording))).toBe(id);
  });

  it.each([
    ['before', (id: string) => `*** Welcome to Cluster 7 ***\nYou have 2 messages\n\n${id}`],
    ['behind', (id: string) => `${id}\nsbatch: lua: job 5 was given 3 hours\n 80 % of quota used\n`],
    ['around', (id: string) => `+-----+\n|  3  |\n+-----+\r\n${id}\nHave a nice day\n`],
    ['with DOS line ends', (id: string) => `hello\r\n${id.trim()}\r\n`],
  ])('banners %s the id', (_, around) => {
    for (const recording of taken) {
      const id = /\d+(;\w+)?/.exec(recording.stdout)?.[0];
      expect(slurm.parseSubmit({ ...outputOf(recording), stdout: around(recording.stdout) })).toBe(id);
    }
  });

  it.each(refused.map(r => [r.case, r] as const))("%s is refused in Slurm's own words", (_, recording) => {
    const error = thrown(() => slurm.parseSubmit(outputOf(recording)));
    // every word of Slurm's that isn't the program's name or a pointer to its help is there
    for (const line of recording.stderr.split('\n').filter(l => l.startsWith('sbatch:'))) {
      const words = line.replace(/^sbatch: (error: )?(Batch job submission failed: )?/, '');
      expect(error.message).toContain(words.trim());
    }
    expect(error.message).not.toMatch(/sbatch: |error: /);
    expect(error.hint).toBeTruthy();
  });

  it.each([
    ['err.submit.unknown-partition', '--queue'],
    ['err.submit.partition-inactive', '--queue'],
    ['err.submit.bad-account', '--account'],
    ['err.submit.bad-qos', '--queue'],
    ['err.submit.over-limit', 'wait until some of your jobs end'],
    ['err.submit.too-much-mem', '--memory'],
    ['err.submit.array-too-big', '--nodes'],
    ['err.submit.bad-time', '--walltime'],
    ['err.submit.bad-directive', 'profile'],
    ['err.submit.bad-constraint', 'profile'],
    ['down.slurmctld.sbatch---parsable-pi', 'try again'],
  ])('%s: the hint speaks of %s', (name, word) => {
    expect(thrown(() => slurm.parseSubmit(outputOf(the(name)))).hint).toContain(word);
  });

  it('the verdict comes first, the cause with it', () => {
    expect(thrown(() => slurm.parseSubmit(outputOf(the('err.submit.unknown-partition')))).message).toBe(
      "Slurm's sbatch refused: Invalid partition name specified; invalid partition specified: nosuch",
    );
  });

  it('a banner on stderr does not hide the words', () => {
    const out = outputOf(the('err.submit.bad-account'));
    const error = thrown(() => slurm.parseSubmit({ ...out, stderr: `Welcome!\nAuthorized use only.\n${out.stderr}` }));
    expect(error.message).toContain('Invalid account or account/partition combination');
    expect(error.message).not.toContain('Welcome');
  });

  it("a site's own words, on several lines, are whole", () => {
    const stderr =
      'sbatch: error: your project is out of hours\nask help@site\nsbatch: error: Batch job submission failed: Unspecified error\n';
    expect(thrown(() => slurm.parseSubmit({ stdout: '', stderr, exitCode: 1 })).message).toBe(
      "Slurm's sbatch refused: Unspecified error; your project is out of hours; ask help@site",
    );
    const wrapper = { stdout: '', stderr: 'no hours left\n', exitCode: 1 };
    expect(thrown(() => slurm.parseSubmit(wrapper)).message).toBe("Slurm's sbatch refused: no hours left");
  });

  it('no answer, a killed command, a trial and a number with a failure are no jobs', () => {
    expect(thrown(() => slurm.parseSubmit(nothing)).message).toContain('there was no answer (status 0)');
    expect(thrown(() => slurm.parseSubmit({ ...nothing, exitCode: null })).message).toContain('status none');
    thrown(() => slurm.parseSubmit(outputOf(the('submit.test-only'))));
    thrown(() => slurm.parseSubmit({ stdout: '17\n', stderr: '', exitCode: 1 }));
    thrown(() => slurm.parseSubmit({ stdout: 'job 17 is yours\n', stderr: '', exitCode: 0 }));
  });
});

describe('the queue', () => {
  it('asks for all states, by name and user, one line per task; accounting only for known ids', () => {
    const [squeue, none] = slurm.list(query());
    expect(squeue?.argv).toEqual(
      expect.arrayContaining(['squeue', '--states=all', '--array', '--user=alice', '--name=sf-test']),
    );
    expect(none).toBeUndefined();
    expect(slurm.list(query({ ids: ['17', '18'] }))[1]?.argv).toEqual(
      expect.arrayContaining(['sacct', '--allocations', '--parsable2', '--jobs=17,18']),
    );
  });

  it.each<[string, BatchJobState, string, Record<string, unknown>]>([
    ['status.all.squeue-o', 'queued', 'PENDING', { id: '26', reason: 'PartitionDown' }],
    ['status.pending-resources.squeue-o', 'queued', 'PENDING', { id: '32', reason: 'Resources' }],
    ['status.pending-dependency.squeue-o', 'queued', 'PENDING', { id: '30', reason: 'Dependency' }],
    ['status.deadline.squeue-o', 'queued', 'PENDING', { id: '47' }],
    ['status.requeued.squeue-o', 'queued', 'PENDING', { id: '60', reason: 'BeginTime' }],
    ['status.held.squeue-o', 'held', 'PENDING', { id: '28', reason: 'JobHeldUser' }],
    ['hold.after.squeue-o', 'held', 'PENDING', { id: '31', reason: 'JobHeldUser' }],
    ['status.running.squeue-o', 'running', 'RUNNING', { id: '29', node: 'slurm01', secondsLeft: 592 }],
    ['status.suspended.squeue-o', 'held', 'SUSPENDED', { id: '33', node: 'slurm01' }],
    ['status.completing.squeue-o', 'completing', 'COMPLETING', { id: '46' }],
    ['cancel.running-immediately-after.squeue-o', 'completing', 'COMPLETING', { id: '44' }],
    ['status.finished-ok.squeue-a', 'finished', 'COMPLETED', { id: '34' }],
    ['status.finished-exit3.squeue-a', 'failed', 'FAILED', { id: '35', reason: 'NonZeroExitCode' }],
    ['status.killed-sig9.squeue-a', 'failed', 'FAILED', { id: '36' }],
    ['status.bad-output-dir.squeue-a', 'failed', 'FAILED', { id: '41', reason: 'JobLaunchFailure' }],
    ['status.killed-timeout.squeue-a', 'failed', 'TIMEOUT', { id: '58', reason: 'TimeLimit' }],
    ['status.node-fail.squeue-a', 'failed', 'NODE_FAIL', { id: '62', reason: 'NodeDown' }],
    ['status.cancelled-pending.squeue-a', 'cancelled', 'CANCELLED', { id: '43' }],
    ['status.cancelled-running.squeue-a', 'cancelled', 'CANCELLED', { id: '44', node: 'slurm01' }],
  ])('%s is %s', (name, state, word, more) => {
    const found = parse(queue(name))[0];
    expect(found).toMatchObject({ state, word, jobId: more.id, ...more });
    if (state !== 'running') expect(found).not.toHaveProperty('secondsLeft');
    expect(found?.reason).not.toBe('None');
  });

  it('a reason may be a whole sentence', () => {
    const found = parse(queue('status.pending-node-down.squeue-o')).find(s => s.id === '63');
    expect(found).toMatchObject({
      state: 'queued',
      reason: 'Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions',
    });
  });

  it('a running array is its tasks', () => {
    const found = parse(queue('status.array-running.parent.squeue-o'));
    expect(found.map(s => [s.id, s.jobId, s.state])).toEqual([
      ['53_3', '53', 'running'],
      ['53_2', '53', 'running'],
      ['53_1', '53', 'running'],
    ]);
  });

  it('a pending array is its tasks as well, also where squeue folds them into one line', () => {
    const found = parse(queue('status.array-pending.parent.squeue-o'));
    expect(found.map(s => s.id)).toEqual(['54_1', '54_2', '54_3']);
    expect(new Set(found.map(s => `${s.jobId} ${s.state} ${s.reason}`))).toEqual(new Set(['54 queued PartitionDown']));
    // what our own --array makes of the same
    const perTask = the('status.array-pending.parent.squeue-r').stdout.trimEnd().split('\n');
    expect(found.map(s => s.id)).toEqual(perTask.map(line => line.split('|')[0]));
    expect(parse(queue('cancel.array-task-range-after.squeue-o')).map(s => s.id)).toEqual(['55_4', '55_6']);
  });

  it('an array that was cancelled is over, task by task', () => {
    const found = parse(queue('cancel.array-after.squeue-o'), accounting('cancel.array-after.sacct'));
    expect(found.map(s => s.id).sort()).toEqual(['54_1', '54_2', '54_3']);
    expect(found.every(s => s.state === 'cancelled')).toBe(true);
  });

  it('a list of tasks that squeue abridged loses nothing silently', () => {
    const found = parse({ ...nothing, stdout: '17_[1,3,5,7,9,1...]|17|PENDING|1:00:00||Priority|sf-test\n' });
    expect(found).toEqual([expect.objectContaining({ jobId: '17', state: 'queued', word: 'PENDING' })]);
    expect(parse({ ...nothing, stdout: '17_[1-99999999999]|17|PENDING|1||None|sf-test\n' })).toHaveLength(1);
    expect(parse({ ...nothing, stdout: '17_[1-9:4,20%2]|17|PENDING|1||None|sf-test\n' }).map(s => s.id)).toEqual([
      '17_1',
      '17_5',
      '17_9',
      '17_20',
    ]);
  });

  it('a name with bars, quotes and é does not shift what comes before it', () => {
    const [found] = parse(queue('quirk.name-weird.squeue-o'));
    expect(queue('quirk.name-weird.squeue-o').stdout).toContain(`|a|b c"d'é\n`);
    expect(found).toMatchObject({ id: '59', state: 'held', reason: 'JobHeldUser' });
  });

  it('a reason with bars is whole, where the name is ours', () => {
    const [found] = parse({ ...nothing, stdout: '17|17|PENDING|1:00||held by admin | see ticket|sf-test\n' });
    expect(found?.reason).toBe('held by admin | see ticket');
  });

  it('bytes that are no UTF-8 change nothing either', () => {
    const bytes = Buffer.concat([
      Buffer.from('17|17|RUNNING|1:00|n1|None|'),
      Buffer.from([0xff, 0xfe, 0x7c, 0xe9, 0x0a]),
    ]);
    const [found] = parse({ ...nothing, stdout: bytes.toString('utf8') });
    expect(found).toMatchObject({ id: '17', state: 'running', node: 'n1', secondsLeft: 60 });
    expect(found).not.toHaveProperty('reason');
  });

  it('banners are not jobs', () => {
    const banner = '| Welcome | 2 messages |\n3 of 4 nodes | are up | today | a | b | c | d\n\n';
    const out = queue('status.running.squeue-o');
    expect(parse({ ...out, stdout: banner + out.stdout }).map(s => s.id)).toEqual(['29']);
  });

  it('a state that no manual names is unknown, not over', () => {
    const [found] = parse({ ...nothing, stdout: '17|17|HIBERNATING|1:00|n1|None|sf-test\n' });
    expect(found).toMatchObject({ state: 'unknown', word: 'HIBERNATING' });
  });

  it.each([
    ['1:02:03', 3723],
    ['2-00:00:01', 172801],
    ['0:07', 7],
    ['UNLIMITED', undefined],
    ['INVALID', undefined],
    ['', undefined],
  ])('%s is left', (text, seconds) => {
    expect(parse({ ...nothing, stdout: `17|17|RUNNING|${text}|n1|None|sf-test\n` })[0]?.secondsLeft).toBe(seconds);
  });
});

describe('accounting', () => {
  it.each<[string, BatchJobState, string, number | undefined]>([
    ['status.finished-ok.sacct-PnX', 'finished', 'COMPLETED', 0],
    ['status.forgotten.sacct-PnX', 'finished', 'COMPLETED', 0],
    ['status.finished-exit3.sacct-PnX', 'failed', 'FAILED', 3],
    ['status.cmd-not-found.sacct-PnX', 'failed', 'FAILED', 127],
    ['status.killed-sig9.sacct-PnX', 'failed', 'FAILED', 137],
    ['status.killed-sig15.sacct-PnX', 'failed', 'FAILED', 143],
    ['status.killed-sig9-child.sacct-PnX', 'failed', 'FAILED', 9],
    ['status.killed-timeout.sacct-PnX', 'failed', 'TIMEOUT', 0],
    ['status.node-fail.sacct-PnX', 'failed', 'NODE_FAIL', 0],
    ['status.cancelled-pending.sacct-PnX', 'cancelled', 'CANCELLED', 0],
    ['status.cancelled-running.sacct-PnX', 'cancelled', 'CANCELLED', 0],
    ['status.running.sacct-PnX', 'running', 'RUNNING', undefined],
    ['status.held.sacct-PnX', 'queued', 'PENDING', undefined],
    ['status.suspended.sacct-PnX', 'held', 'SUSPENDED', undefined],
    ['status.requeued.sacct-PnX', 'queued', 'REQUEUED', undefined],
  ])('%s is %s', (name, state, word, exitCode) => {
    const [found] = parse(nothing, accounting(name));
    expect(found).toMatchObject({ state, word });
    expect(found?.exitCode).toBe(exitCode);
  });

  it('and the queue tell jobs that a node lost from those that failed by themselves', () => {
    const lost = (...outputs: Output[]) => parse(...outputs).map(s => s.lost);
    for (const name of ['node-fail', 'killed-timeout', 'finished-exit3']) {
      const expected = [name === 'node-fail' ? true : undefined];
      expect(lost(queue(`status.${name}.squeue-a`)), name).toEqual(expected);
      expect(lost(nothing, accounting(`status.${name}.sacct-PnX`)), name).toEqual(expected);
    }
    const words = ['BOOT_FAIL', 'PREEMPTED', 'OUT_OF_MEMORY', 'CANCELLED by 1002'];
    const stdout = words.map((word, n) => `${n + 1}|${word}|0:0|n1|3\n`).join('');
    expect(lost(nothing, { ...nothing, stdout })).toEqual([true, true, undefined, undefined]);
  });

  it('tells the tasks of an array apart', () => {
    const found = parse(nothing, accounting('status.array-finished.parent.sacct-PnX'));
    expect(found.map(s => [s.id, s.jobId, s.exitCode])).toEqual([
      ['53_1', '53', 1],
      ['53_2', '53', 2],
      ['53_3', '53', 3],
    ]);
  });

  it('adds the exit status to what the queue still shows', () => {
    const found = parse(queue('status.finished-exit3.squeue-a'), accounting('status.finished-exit3.sacct-PnX'));
    expect(found).toEqual([
      {
        id: '35',
        jobId: '35',
        state: 'failed',
        word: 'FAILED',
        reason: 'NonZeroExitCode',
        node: 'slurm01',
        exitCode: 3,
      },
    ]);
  });

  it('lags behind, and the queue is believed', () => {
    // sacct said COMPLETED while the epilogue ran, and REQUEUED while squeue had it PENDING
    const completing = parse(queue('status.completing.squeue-o'), accounting('status.completing.sacct-PnX'));
    expect(completing.map(s => s.state)).toEqual(['completing']);
    const requeued = parse(queue('status.requeued.squeue-o'), accounting('status.requeued.sacct-PnX'));
    expect(requeued.map(s => s.state)).toEqual(['queued']);
    expect(requeued[0]).not.toHaveProperty('exitCode');
  });

  it('batch steps are no glide-ins', () => {
    const stdout = '17|RUNNING|0:0|n1\n17.batch|RUNNING|0:0|n1\n17_2.extern|COMPLETED|0:0|n1\n';
    expect(parse(nothing, { ...nothing, stdout }).map(s => s.id)).toEqual(['17']);
  });

  it('may be down while the queue answers', () => {
    const found = parse(queue('status.running.squeue-o'), accounting('down.slurmdbd.sacct'));
    expect(found.map(s => [s.id, s.state])).toEqual([['29', 'running']]);
  });
});

describe('what is not known', () => {
  it.each(['down.slurmctld.squeue--h--u-alice', 'err.status.unknown-id.squeue-h', 'select.bad-state'])(
    '%s is an error, and nobody is gone',
    name => {
      const error = thrown(() => parse(outputOf(the(name)), accounting('status.running.sacct-PnX')));
      expect(error.message).toMatch(/Unable to contact slurm controller|Invalid job id|Invalid job state/);
    },
  );

  it('the controller down, as old versions say it with exit 0', () => {
    const { stderr } = the('down.slurmctld.squeue--h--u-alice');
    expect(thrown(() => parse({ stdout: '', stderr, exitCode: 0 })).hint).toContain('try again');
  });

  it('a killed squeue, no output at all, and an answer cut within a line', () => {
    thrown(() => parse({ ...nothing, exitCode: null }));
    thrown(() => slurm.parseList([], query()));
    const whole = queue('status.array-running.parent.squeue-o');
    thrown(() => parse({ ...whole, stdout: whole.stdout.slice(0, -30) }));
  });
});

/** A host on which each command of a round trip answers what was recorded. */
function hostOf(...outputs: Output[]): Host {
  const run = async (_: readonly string[], { stdin }: RunOptions = {}): Promise<Output> => {
    // the batch's own protocol: `--MARK--STATUS`, stdout, `--MARK--`, stderr
    const mark = /--[0-9a-f]{18}--/.exec(String(stdin ?? ''))?.[0];
    if (mark === undefined) return outputs[0] as Output;
    return {
      stdout: outputs.map(o => `${mark}${o.exitCode}\n${o.stdout}\n${mark}\n${o.stderr}\n`).join(''),
      stderr: '',
      exitCode: 0,
    };
  };
  return { name: 'recorded', address: 'recorded', roundTrips: 0, run } as unknown as Host;
}

describe('over a host', () => {
  it('a job that a whole answer leaves out is unknown', async () => {
    const jobs = await listJobs(hostOf(nothing, nothing), slurm, query({ ids: ['17'] }));
    expect(jobs).toMatchObject([{ id: '17', jobId: '17', state: 'unknown', missing: { seconds: 0, limit: 120 } }]);
    expect(jobs[0]?.reason).toBe('Slurm has not shown it for 0 s; it counts as over after 2:00');
  });

  it('accounting tells what became of it', async () => {
    const answer = accounting('status.forgotten.sacct-PnX');
    const jobs = await listJobs(hostOf(nothing, answer), slurm, query({ ids: ['61'] }));
    expect(jobs).toEqual([{ id: '61', jobId: '61', state: 'finished', word: 'COMPLETED', exitCode: 0 }]);
  });

  it('the controller down ends nobody', async () => {
    const down = outputOf(the('down.slurmctld.squeue--h--u-alice'));
    await expect(
      listJobs(hostOf(down, accounting('down.slurmdbd.sacct')), slurm, query({ ids: ['17'] })),
    ).rejects.toThrow(SchedulerError);
  });

  it('an earlier cluster of the same name is not this one', async () => {
    const jobs = await listJobs(
      hostOf(queue('status.finished-exit3.squeue-a'), nothing),
      slurm,
      query({ ids: ['99'] }),
    );
    expect(jobs.map(s => s.id)).toEqual(['99']);
    // but one that still runs is shown, though nobody remembers it
    const lost = await listJobs(hostOf(queue('status.running.squeue-o')), slurm, query());
    expect(lost.map(s => s.id)).toEqual(['29']);
  });

  it('every recorded queue of one job: over or not, as Slurm said', async () => {
    const shown = all.filter(r => /^status\..*squeue-a$/.test(r.case) && r.exit === 0 && r.stdout !== '');
    expect(shown.length).toBeGreaterThan(20);
    for (const { case: name, stdout } of shown) {
      const id = /^\d+/.exec(stdout)?.[0] as string;
      const jobs = await listJobs(hostOf(queue(name)), slurm, query({ ids: [id] }));
      const over = /\|(COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL)\|/.test(stdout);
      expect(jobs.map(s => [name, s.jobId, isOver(s.state)])).toEqual(jobs.map(() => [name, id, over]));
      expect(jobs.map(s => s.word)).not.toContain('forgotten');
    }
  });
});

describe('cancelling', () => {
  it('names the jobs', () => {
    expect(slurm.cancel(['17', '18_2'], query()).argv).toEqual(['scancel', '17', '18_2']);
  });

  const fine = all.filter(r => r.cmd.startsWith('scancel') && r.exit === 0);
  it.each(fine.map(r => [r.case, r] as const))('%s is fine', (_, recording) => {
    slurm.parseCancel(outputOf(recording));
  });

  it.each([
    ['cancel.other-user', 'Access/permission denied', '--user'],
    ['down.slurmctld.scancel-1', 'Unable to contact slurm controller', 'try again'],
    ['err.cancel.malformed-id', 'Invalid job id foo', undefined],
    ['err.cancel.no-args', 'No job identification provided', undefined],
    ['err.cancel.unknown-user', 'Invalid user name', undefined],
  ])('%s is not', (name, words, hint) => {
    const error = thrown(() => slurm.parseCancel(outputOf(the(name))));
    expect(error.message).toContain(words);
    if (hint !== undefined) expect(error.hint).toContain(hint);
  });

  it('jobs that are over are no reason to fail, others beside them are', () => {
    const over = `${the('cancel.finished-v').stderr}${the('err.cancel.unknown-id-v').stderr}`;
    slurm.parseCancel({ stdout: '', stderr: over, exitCode: 1 });
    const both = { stdout: '', stderr: over + the('cancel.other-user').stderr, exitCode: 210 };
    expect(thrown(() => slurm.parseCancel(both)).message).toContain('permission denied');
  });

  it('a scancel that was killed, or failed without a word, has cancelled nothing that we know of', () => {
    thrown(() => slurm.parseCancel({ stdout: '', stderr: '', exitCode: null }));
    thrown(() => slurm.parseCancel({ stdout: '', stderr: '', exitCode: 1 }));
  });

  it('nothing to cancel asks nobody', async () => {
    const host = { run: () => Promise.reject(new Error('asked')) } as unknown as Host;
    await cancelJobs(host, slurm, [], query());
    await expect(cancelJobs(hostOf({ stdout: '', stderr: '', exitCode: 8 }), slurm, ['17'], query())).rejects.toThrow(
      SchedulerError,
    );
  });
});
