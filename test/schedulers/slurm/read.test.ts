import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { read } from '../../../src/schedulers/slurm/read.js';
import type { Understanding, UnderstoodJob } from '../../../src/schedulers/understanding.js';
import { outputOf, type Recording, recorded, recordings } from '../../recordings/recordings.js';

const all = recordings('slurm');
const the = (name: string): Recording => recorded(all, name);
const understood = (recording: Recording): Understanding => read(recording.cmd, outputOf(recording));
const said = (command: string, stdout: string, stderr = '', exitCode: number | null = 0): Understanding =>
  read(command, { stdout, stderr, exitCode });

/** `34 finished 0`, `28 held (JobHeldUser)` */
const brief = ({ id, state, exit, reason }: UnderstoodJob): string =>
  [id, state ?? '', exit ?? '', reason ? `(${reason})` : ''].filter(part => part !== '').join(' ');
const jobsOf = (recording: Recording): string[] => understood(recording).jobs.map(brief).sort();

/** What each situation is, as squeue, sacct and scontrol tell it; what is over is not in a plain squeue. */
interface Situation {
  readonly queue: readonly string[];
  readonly history: readonly string[];
  readonly control: readonly string[];
  /** sacct --json, where it is another: 22.05 shows an exit status of 0 there for what failed. */
  readonly json?: readonly string[];
  readonly over?: boolean;
}

/** One job that ended by itself: the status that accounting and the controller tell. */
const ended = (id: string, state: string, reason: string, exit: number, json?: number, control = exit): Situation => ({
  over: true,
  queue: [[id, state, reason].filter(Boolean).join(' ')],
  history: [`${id} ${state} ${exit}`],
  json: [`${id} ${state}${json === undefined ? '' : ` ${json}`}`],
  control: [[id, state, control, reason].filter(part => part !== '').join(' ')],
});
/** Jobs that are not over; accounting knows no reasons, but for those that `known` says. */
const alive = (ids: string[], state: string, reason: string, known = reason, past = state): Situation => ({
  queue: ids.map(id => [id, state, reason].filter(Boolean).join(' ')),
  control: ids.map(id => [id, state, reason].filter(Boolean).join(' ')),
  history: ids.map(id => [id, past, known].filter(Boolean).join(' ')),
});

const situations: Record<string, Situation> = {
  'finished-ok': ended('34', 'finished', '', 0, 0),
  'finished-exit3': ended('35', 'failed', '(NonZeroExitCode)', 3),
  'killed-sig9': ended('36', 'failed', '(JobLaunchFailure)', 137, 137),
  'killed-sig9-child': ended('37', 'failed', '(NonZeroExitCode)', 9, undefined, 137),
  'killed-sig15': ended('38', 'failed', '(JobLaunchFailure)', 143, 143),
  'cmd-not-found': ended('39', 'failed', '(NonZeroExitCode)', 127),
  steps: ended('40', 'finished', '', 0, 0),
  'bad-output-dir': ended('41', 'failed', '(JobLaunchFailure)', 181, 181),
  'bad-shell': ended('42', 'failed', '(NonZeroExitCode)', 2),
  'cancelled-pending': ended('43', 'cancelled', '(PartitionDown)', 0, 0),
  'cancelled-running': ended('44', 'cancelled', '', 0, 0, 143),
  'killed-timeout': ended('58', 'failed', '(TimeLimit)', 0, undefined, 143),
  'node-fail': ended('62', 'failed', '(NodeDown)', 0),
  'array-finished.task2': ended('53_2', 'failed', '(NonZeroExitCode)', 2),
  'array-finished.parent': {
    over: true,
    queue: [1, 2, 3].map(n => `53_${n} failed (NonZeroExitCode)`),
    history: [1, 2, 3].map(n => `53_${n} failed ${n}`),
    json: [1, 2, 3].map(n => `53_${n} failed`),
    control: [1, 2, 3].map(n => `53_${n} failed ${n} (NonZeroExitCode)`),
  },
  running: alive(['29'], 'running', ''),
  suspended: alive(['33'], 'held', ''),
  held: alive(['28'], 'held', '(JobHeldUser)'),
  'pending-dependency': alive(['30'], 'queued', '(Dependency)'),
  'pending-resources': alive(['32'], 'queued', '(Resources)', ''),
  deadline: alive(['47'], 'queued', '(PartitionDown)', ''),
  requeued: alive(['60'], 'queued', '(BeginTime)', ''),
  completing: {
    ...alive(['46'], 'completing', ''),
    // accounting is ahead while the epilogue runs
    history: ['46 finished 0'],
  },
  'array-pending.parent': alive(['54_1', '54_2', '54_3'], 'queued', '(PartitionDown)', ''),
  // accounting knew one task of the three so far
  'array-running.parent': { ...alive(['53_1', '53_2', '53_3'], 'running', ''), history: ['53_3 running'] },
  'array-running.task2': alive(['53_2'], 'running', ''),
};
/** Accounting tells the reason where it is asked for, and not in its narrow forms. */
const withoutReason = (jobs: readonly string[]): string[] =>
  jobs.map(job => job.replace(/ \(.*\)$/, '').replace('held', job.includes('JobHeldUser') ? 'queued' : 'held'));

describe('every recorded status', () => {
  const forms = Object.entries(situations).flatMap(([situation, expected]) =>
    all
      .filter(r => r.case.startsWith(`status.${situation}.`) && !r.case.slice(8 + situation.length).includes('.'))
      .map(r => [r.case, r, r.case.slice(8 + situation.length), expected] as const),
  );

  it('is there in all ten forms', () => {
    expect(forms.length).toBe(10 * Object.keys(situations).length);
  });

  it.each(forms)('%s', (_, recording, form, { queue, history, control, json = history, over }) => {
    const expected: Record<string, readonly string[]> = {
      squeue: over ? [] : queue,
      'squeue-o': over ? [] : queue,
      'squeue-r': over ? [] : queue,
      'squeue-a': queue,
      sacct: withoutReason(history),
      'sacct-PnX': withoutReason(history),
      'sacct-P': history,
      'sacct-json': json,
      scontrol: control,
      'scontrol-o': control,
    };
    const answer = understood(recording);
    expect(answer.kind).toBe('list');
    expect(answer).not.toHaveProperty('error');
    expect(answer.jobs.map(brief).sort()).toEqual(expected[form]);
    for (const job of answer.jobs) expect(job.word).toMatch(/^[A-Z_]{5,}$/);
  });

  it.each([
    ['status.all.squeue', 6, '28 held (JobHeldUser)'],
    ['status.all.squeue-o', 6, '33 running'],
    ['status.all.squeue-json', 29, '26 queued (PartitionDown)'],
    ['status.all.scontrol-o', 29, '5 failed 129 (BadConstraints)'],
    ['status.all.sacct-P', 21, '5 failed 1'],
    ['status.names.squeue-o', 12, '14 queued'],
    ['status.several.squeue-o', 3, '28 held (JobHeldUser)'],
    ['status.several-some-unknown.squeue-o', 2, '29 running'],
    ['status.several-some-unknown.sacct', 2, '26 queued'],
    ['status.other-user.squeue-o', 1, '52 queued (Resources)'],
    ['quirk.name-weird.squeue-json', 57, '35 failed 3 (NonZeroExitCode)'],
    ['quirk.name-weird.squeue-json', 57, '36 failed 137 (JobLaunchFailure)'],
    ['quirk.name-weird.squeue-json', 57, '55_4 cancelled 0 (PartitionDown)'],
    ['quirk.name-weird.squeue-json', 57, '53_1 failed 1 (NonZeroExitCode)'],
    ['down.slurmctld.sacct', 3, '62 failed'],
    ['select.by-name-sacct', 1, '25 finished'],
    ['cancel.array-after.sacct', 3, '54_2 cancelled 0'],
    ['cancel.array-after.squeue-o', 2, '54_3 cancelled (PartitionDown)'],
    ['cancel.array-task-range-after.squeue-o', 2, '55_6 queued (PartitionDown)'],
    ['cancel.by-name-after', 1, '51 cancelled'],
    ['cancel.running-immediately-after.squeue-o', 1, '44 completing'],
    ['hold.after.squeue-o', 1, '31 held (JobHeldUser)'],
  ])('%s has %i jobs', (name, count, one) => {
    const jobs = jobsOf(the(name));
    expect(jobs).toHaveLength(count);
    expect(jobs).toContain(one);
  });

  it('a name with bars, blanks and quotes changes nothing in any form', () => {
    for (const form of ['squeue-o', 'squeue-a', 'squeue-r', 'scontrol', 'scontrol-o'])
      expect(jobsOf(the(`quirk.name-weird.${form}`))).toEqual(['59 held (JobHeldUser)']);
    expect(jobsOf(the('quirk.name-weird.squeue-json'))).toContain('59 held (JobHeldUser)');
  });

  it.each([
    ...all.filter(r => /^quirk\..*\.sacct|^select\.by-name-none|^timing\.known-immediately\.sacct/.test(r.case)),
    the('status.array-unknown-task.squeue'),
    the('cancel.pending-immediately-after.squeue-o'),
  ])('$case is an empty answer, and no failure', recording => {
    expect(understood(recording)).toEqual({ kind: 'list', jobs: [] });
  });
});

describe('every other recorded command', () => {
  it.each(all.filter(r => /^(err\.)?submit\.|^down\.running/.test(r.case) && r.exit === 0))('$case', recording => {
    const id = /\d+/.exec(recording.stdout)?.[0];
    expect(understood(recording)).toEqual({ kind: 'submit', jobs: id === undefined ? [] : [{ id }] });
  });

  it.each(all.filter(r => r.exit !== 0))("$case is an error in Slurm's words", recording => {
    const { jobs, error } = understood(recording);
    expect(jobs).toEqual([]);
    const words = /[A-Z][a-z]+.*|unrecognized option .*/.exec(recording.stderr || recording.stdout)?.[0] ?? '';
    expect(error).toContain(words.replace(/^Batch job submission failed: /, ''));
    expect(error).not.toMatch(/^\w+: error/);
  });

  it.each([
    ['down.slurmctld.squeue---json', 'Failed while looking for jobs; Unspecified error'],
    ['err.cancel.unknown-id-v', 'Kill job error on job id 99999: Invalid job id specified'],
  ])('%s is an error with status 0', (name, error) => {
    expect(the(name).exit).toBe(0);
    expect(understood(the(name))).toMatchObject({ jobs: [], error });
  });

  it.each([
    ['cancel.pending', ['43']],
    ['cancel.several', ['48', '49']],
    ['cancel.array-task', ['54_2']],
    ['cancel.signal-kill', ['45']],
    ['cancel.by-name', []],
    ['cancel.finished', ['34']],
    ['cancel.finished-v', ['34']],
    ['cancel.forgotten', ['61']],
    ['err.cancel.unknown-name', []],
  ])('%s', (name, ids) => {
    expect(understood(the(name))).toEqual({ kind: 'cancel', jobs: ids.map(id => ({ id })) });
  });

  it.each([
    ['hold.scontrol-hold-pending', 'hold', ['31']],
    ['hold.scontrol-release', 'hold', ['31']],
    ['hold.requeue', 'hold', ['60']],
  ])('%s', (name, kind, ids) => {
    expect(understood(the(name))).toEqual({ kind, jobs: ids.map(id => ({ id })) });
  });

  it.each(all.filter(r => r.exit === 0 && /^(queues|nodes|version|server|job-env)\./.test(r.case)))('$case', r => {
    const kind = r.case.split('.')[0] as string;
    expect(understood(r)).toEqual({
      kind: kind === 'server' || kind === 'job-env' ? 'other' : kind.replace(/^nodes.*/, 'nodes'),
      jobs: [],
    });
  });

  it('loops around several commands are none of its own', () => {
    for (const name of ['timing.loop', 'timing.forget-loop-minjobage60'])
      expect(understood(the(name))).toEqual({ kind: 'other', jobs: [] });
  });

  it('no recording is slow or leaves a state unknown', () => {
    for (const recording of all) {
      const began = performance.now();
      for (const job of understood(recording).jobs) expect(job.state).not.toBe('unknown');
      expect(performance.now() - began).toBeLessThan(500);
    }
  });
});

describe('forms that nobody recorded', () => {
  it.each<[string, string, string[]]>([
    ['squeue -h -o "%T %A"', 'RUNNING 17\n', ['17 running']],
    ["squeue --noheader --format='%.10i|%.4t|%R'", '        17|  PD|(Priority)\n', ['17 queued (Priority)']],
    ['/usr/bin/squeue -ho %i:%t -u alice', '17:R\n18_3:CG\n', ['17 running', '18_3 completing']],
    ['squeue -o "%j %i %T"', 'NAME JOBID STATE\na 1 b 17 RUNNING\n', ['17 running']],
    ['squeue -h -j 61 -o %T', 'COMPLETED\n', ['61 finished']],
    ['squeue -h -j 61,62 -o %T', 'COMPLETED\n', []],
    ['squeue -h -o %18i%10T%r', '17                PENDING   Priority\n', ['17 queued (Priority)']],
    [
      'squeue -h -O JobArrayID:20,State:12,Reason',
      `${'17_2'.padEnd(20)}${'RUNNING'.padEnd(12)}None\n`,
      ['17_2 running'],
    ],
    ['squeue -h -o "%F|%K|%t"', '17|1-2|PD\n18|N/A|R\n', ['17_1 queued', '17_2 queued', '18 running']],
    [
      'squeue -l',
      'Sun Nov 22 03:27:55 2026\n             JOBID PARTITION     NAME     USER    STATE       TIME TIME_LIMI  NODES NODELIST(REASON)\n                29    normal   a R 1:0    alice  RUNNING       0:13     30:00      1 slurm01\n',
      ['29 running'],
    ],
    ['sacct -n -j 61 -X --format=State%30,ExitCode', '          CANCELLED by 1002      0:0 \n', ['61 cancelled 0']],
    [
      'sacct --noheader -P --delimiter=, -o jobid,state,exitcode',
      '17,OUT_OF_MEMORY,0:125\n17.batch,FAILED,0:9\n',
      ['17 failed 253'],
    ],
    ['sacct -n -p --format=JobID,State', '17|TIMEOUT|\n', ['17 failed']],
    [
      'sacct -b',
      'JobID             State ExitCode \n------------ ---------- -------- \n17           OUT_OF_ME+    0:125 \n',
      ['17 failed 253'],
    ],
    ['sudo -u alice squeue -h -o "%i %T"', '17 RUNNING\n', ['17 running']],
    ['timeout 60 squeue -h -o "%i|%T" | grep 17 2>/dev/null', '17|RUNNING\n', ['17 running']],
  ])('%s', (command, stdout, jobs) => {
    expect(said(command, stdout).jobs.map(brief)).toEqual(jobs);
  });

  it('JSON of later versions has lists and numbers with flags', () => {
    const number = (n: number) => ({ set: true, infinite: false, number: n });
    const job = {
      ...{ job_id: number(18), array_job_id: number(17), array_task_id: number(0), state_reason: 'NonZeroExitCode' },
      exit_code: { status: ['ERROR'], return_code: number(3), signal: { id: { set: false, number: 0 }, name: '' } },
    };
    const text = JSON.stringify({
      jobs: [
        { ...job, job_state: ['FAILED'] },
        { job_id: 20, job_state: ['RUNNING', 'COMPLETING'] },
      ],
      errors: [],
    });
    expect(said('squeue --json', text).jobs.map(brief)).toEqual(['17_0 failed 3 (NonZeroExitCode)', '20 completing']);
    expect(said('squeue --json', text.slice(0, -20)).error).toBeTruthy();
  });

  it('a filter that found nothing is no failure, a program that failed before it is', () => {
    expect(said('squeue -h | grep nobody', '', '', 1)).toEqual({ kind: 'list', jobs: [] });
    const words = 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)';
    expect(said('squeue -h | grep nobody', '', `${words}\n`, 1).error).toContain('Unable to contact');
    expect(said('squeue -h | cat', '', `${words}\n`, 0).error).toContain('Unable to contact');
    expect(said('timeout 5 squeue', '', '', 124).error).toContain('124');
    expect(said('squeue', '', '', null).error).toBeTruthy();
  });

  it('a line made to be slow is none', () => {
    const wide = the('status.running.squeue-o').cmd;
    const began = performance.now();
    expect(said(wide, `17|17|N/A|${'a|'.repeat(400)}\n`).jobs).toEqual([]);
    expect(said('sacct', `17 ${' '.repeat(2000)}x\n`).jobs).toEqual([]);
    expect(said('squeue -h -o "%j %k %o %Z %f %i %T"', `${'a '.repeat(1000)}\n`).jobs).toEqual([]);
    expect(performance.now() - began).toBeLessThan(3000);
  });

  it('never throws, whatever comes', () => {
    const commands = fc.constantFrom(...new Set(all.map(r => r.cmd)));
    const texts = fc.oneof(fc.constantFrom(...all.map(r => r.stdout.slice(0, 3000))), fc.string());
    fc.assert(
      fc.property(fc.oneof(commands, fc.string()), texts, fc.string(), fc.nat(60), (command, stdout, stderr, cut) => {
        const { jobs, kind } = said(command, stdout.slice(cut), stderr, cut % 3);
        expect(kind).toBeTruthy();
        for (const job of jobs) expect(job.id).toMatch(/^\d+/);
      }),
      { numRuns: 300 },
    );
  });
});
