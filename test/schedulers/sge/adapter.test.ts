import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.js';
import { type BatchJob, isOver, type Output } from '../../../src/schedulers/job.js';
import { sge } from '../../../src/schedulers/sge/index.js';
import { outputOf, recorded, recordings } from '../../recordings/recordings.js';
import { job, query } from '../jobs.js';
import { tame, thrown } from '../thrown.js';

const all = recordings('gridengine');
const the = (name: string): Output => outputOf(recorded(all, name));
const nothing: Output = { stdout: '', stderr: '', exitCode: 0 };
const now: Output = { ...nothing, stdout: 'now 2026-11-22T03:33:32\n' };
const glidein = (changes: Partial<BatchJob> = {}) => job({ parallelEnvironment: 'smp', ...changes });

/** qsub reads directives in every line of a script. */
const directives = (script: string): string[] =>
  script.split(/[\n\r]/).flatMap(l => (l.startsWith('#$') ? [l.slice(3)] : []));

describe('a job script', () => {
  it('asks for an array of one-node jobs that run once', () => {
    const { argv, script, stdin } = sge.submit(glidein({ queue: 'long', account: 'proj42', gpusPerNode: 1 }));
    expect(argv).toEqual(['qsub', '-terse']);
    expect(stdin).toBe(script);
    expect(directives(script)).toEqual([
      '-N sf-test',
      '-S /bin/bash',
      '-t 1-2',
      '-o /scratch/alice/scailfin/test/site/logs/$JOB_ID_$TASK_ID.out',
      '-j y',
      '-pe smp 4',
      '-l h_vmem=512M',
      '-l gpu=1',
      '-l h_rt=01:00:00',
      '-q long',
      '-P proj42',
      '-r n',
      '-m n',
      '-notify',
    ]);
  });

  it('asks for less where less is wanted', () => {
    const { script } = sge.submit(
      glidein({ arrays: false, coresPerNode: undefined, memoryPerNode: undefined, directives: ['-l gpu_card=1'] }),
    );
    expect(directives(script)).toEqual([
      '-N sf-test',
      '-S /bin/bash',
      '-o /scratch/alice/scailfin/test/site/logs/$JOB_ID.out',
      '-j y',
      '-l h_rt=01:00:00',
      '-r n',
      '-m n',
      '-notify',
      '-l gpu_card=1',
    ]);
  });

  it('needs a parallel environment for several cores', () => {
    expect(() => sge.submit(job())).toThrow(UsageError);
    expect(directives(sge.submit(job({ coresPerNode: 1 })).script).filter(d => d.startsWith('-pe'))).toEqual([]);
  });
});

describe('a running job script', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'scailfin-sge-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));
  const run = (what: BatchJob, env: Record<string, string>) => {
    writeFileSync(join(dir, 'job'), sge.submit(what).script);
    return spawnSync('bash', [join(dir, 'job')], {
      cwd: dir,
      env: { PATH: '/usr/bin:/bin', ...env },
      encoding: 'utf8',
      timeout: 20_000,
    });
  };

  it.each([
    [{ JOB_ID: '72', SGE_TASK_ID: '2', NSLOTS: '4' }, '72_2 4 2048'],
    [{ JOB_ID: '38', SGE_TASK_ID: 'undefined', NSLOTS: '1' }, '38 1 2048'],
  ])('says who it is, as the list does: %j', (env, said) => {
    const what = glidein({ command: ['sh', '-c', 'echo "$SCAILFIN_JOB $SCAILFIN_CORES $SCAILFIN_MEMORY"; exit 7'] });
    expect(run(what, env)).toMatchObject({ stdout: `${said}\n`, stderr: '', status: 7 });
  });

  it('hands the warning before the end on, and waits for the glide-in', () => {
    const inner = `trap 'echo leaving; sleep 0.3; exit 5' TERM; (sleep 0.3; kill -USR2 0) & sleep 2 & wait $!; echo no`;
    writeFileSync(join(dir, 'job'), sge.submit(glidein({ command: ['bash', '-c', inner] })).script);
    const argv = ['--wait', 'bash', '-c', `bash ${join(dir, 'job')}`];
    const out = spawnSync('setsid', argv, { cwd: dir, encoding: 'utf8', timeout: 20_000 });
    expect(out.stdout).toBe('leaving\n');
  });

  const word = fc.string({
    unit: fc.oneof(
      fc.constantFrom('\n', '\r', "'", '"', '\\', '$', '`', '#', '-', ' ', '\n#$ -q evil\n', '$(touch pwned)'),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    ),
    maxLength: 12,
  });

  it('gives the glide-in its arguments as they are, and none is an option of the job', () => {
    const words = fc.array(
      word.map(t => t.replaceAll('\0', '')),
      { minLength: 1, maxLength: 5 },
    );
    fc.assert(
      fc.property(words, args => {
        const what = glidein({ command: ['printf', '%s\\0', 'x', ...args] });
        expect(directives(sge.submit(what).script)).toHaveLength(directives(sge.submit(glidein()).script).length);
        const out = run(what, { JOB_ID: '1' });
        expect(out.stdout.split('\0').slice(1, -1)).toEqual(args.map(a => Buffer.from(a).toString('utf8')));
        expect(readdirSync(dir)).toEqual(['job']);
      }),
      { numRuns: 80 },
    );
  });

  it('lets nothing from a profile or a command line be another option', () => {
    const fields = fc.record({ tag: word, queue: word, account: word, logDir: word, parallelEnvironment: word });
    fc.assert(
      fc.property(fields, fc.array(word, { maxLength: 2 }), (changes, extra) => {
        let script = '';
        try {
          script = sge.submit(glidein({ ...changes, directives: extra })).script;
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
          return;
        }
        expect(directives(script)).toHaveLength(13 + extra.length);
        for (const value of Object.values(changes)) expect(value).not.toMatch(/\s/);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the id of a submitted job', () => {
  it.each([
    ['submit.file-terse', '39'],
    ['submit.array', '72'],
    ['submit.array-step', '75'],
    ['submit.array-human', '73'],
    ['err.submit.bad-array', '20'],
  ])('%s', (name, id) => {
    expect(sge.parseSubmit(the(name))).toBe(id);
  });

  it('among banners', () => {
    expect(sge.parseSubmit({ ...nothing, stdout: 'Welcome to 2 clusters\n\n72.1-3:1\nbye\n' })).toBe('72');
  });

  it.each([
    ['err.submit.unknown-queue', /unknown queue "nosuch.q"$/, /--queue/],
    ['err.submit.bad-project', /project "nosuchproj" does not exist$/, /--account/],
    ['err.submit.bad-pe', /parallel environment "nosuchpe" does not exist$/, /parallelEnvironment/],
    ['err.submit.over-limit', /only 12 jobs are allowed per user/, /fewer --nodes/],
    ['err.submit.array-too-big', /more than 75000 tasks/, /fewer --nodes/],
    ['err.submit.bad-resource', /unknown resource "frobnicate"$/, /directives/],
    ['err.submit.bad-directive', /invalid option argument "-frob"$/, /directives/],
    ['err.submit.walltime-above-limit-we', /no suitable queues$/, /--walltime/],
    ['down.qsub--terse-pilot-sh', /unable to send message to qmaster/, /down or busy/],
  ])('%s is refused in its own words', (name, words, hint) => {
    const error = thrown(() => sge.parseSubmit(the(name)));
    expect(error.message).toMatch(words);
    expect(error.hint).toMatch(hint);
  });

  it('no failed submission has an id', () => {
    for (const r of all.filter(r => /^err\.submit/.test(r.case) && r.exit !== 0))
      expect(thrown(() => sge.parseSubmit(outputOf(r))).message).toMatch(/^Grid Engine's qsub refused: \S/);
  });
});

describe('the list', () => {
  it('is asked for in one round trip', () => {
    expect(sge.list(query()).map(c => c.argv.join(' '))).toEqual([
      'qstat -u alice -r -xml',
      'date +now %Y-%m-%dT%H:%M:%S',
    ]);
    expect(sge.list(query({ ids: ['72', '73'] })).map(c => c.argv.join(' '))).toEqual([
      'qstat -u alice -r -xml',
      'timeout 40 qacct -o alice -j sf-test',
      'qstat -j 72,73',
      'date +now %Y-%m-%dT%H:%M:%S',
    ]);
  });

  const named = (tag: string, ids: string[] = [], ...others: Output[]) =>
    sge.parseList([the('status.array-running.parent.qstat-xml-r'), ...others, now], query({ tag, ids }));

  it('tells tasks, their node and the time that is left', () => {
    expect(named('run1')).toEqual([
      { id: '47', jobId: '47', state: 'running', word: 'r', node: 'sge01', secondsLeft: 240 },
    ]);
    expect(named('arr3').map(s => [s.id, s.jobId, s.state, s.node])).toEqual([
      ...['1', '2', '3'].map(n => [`72_${n}`, '72', 'running', 'sge01']),
      ...['1', '2', '3'].map(n => [`73_${n}`, '73', 'queued', undefined]),
    ]);
    expect(named('arrstep').map(s => s.id)).toEqual(['75_1', '75_3', '75_5', '75_7']);
    expect(named('held1')).toMatchObject([{ id: '46', state: 'held', word: 'hqw' }]);
    expect(named('nobody')).toEqual([]);
  });

  it('takes nobody else’s jobs', () => {
    expect(sge.parseList([the('status.all.qstat-r-xml')], query({ tag: 'run1', user: 'bob' }))).toEqual([]);
  });

  it('says why a job is in error or waits', () => {
    const list = (tag: string, name: string) =>
      sge.parseList([the('status.all.qstat-r-xml'), nothing, the(name), now], query({ tag }))[0];
    expect(list('badcwd', 'status.error-bad-cwd.qstat-j')).toMatchObject({
      state: 'held',
      word: 'Eqw',
      reason: expect.stringContaining("can't chdir to /nonexistent/dir"),
    });
    expect(list('badcwd', 'status.held.qstat-j')?.reason).toMatch(/qstat -j 53/);
    expect(list('never', 'status.queued-unsatisfiable.qstat-j')).toMatchObject({
      state: 'queued',
      reason: expect.stringContaining('only offers 0 slots'),
    });
  });

  const ended = (name: string, tag: string, id: string) =>
    sge.parseList([the('queues.qstat-f-xml'), the(name), now], query({ tag, ids: [id] }));

  it.each([
    ['finished-ok', 'ok0', '55', { state: 'finished', exitCode: 0 }],
    ['finished-exit3', 'fail3', '56', { state: 'failed', exitCode: 3 }],
    [
      'killed-h_rt',
      'walled',
      '63',
      { state: 'failed', exitCode: 137, reason: expect.stringContaining('enforced h_rt') },
    ],
    ['killed-sig9', 'kill9self', '57', { state: 'failed', exitCode: 137, reason: expect.stringContaining('signal 9') }],
    ['exit99-rescheduled', 'x99', '61', { state: 'finished', exitCode: 0 }],
  ])('%s is in the accounting', (name, tag, id, what) => {
    expect(ended(`status.${name}.qacct-j`, tag, id)).toEqual([
      expect.objectContaining({ id, jobId: id, node: 'sge01', ...what }),
    ]);
  });

  it('of what went back to the queue or into error state, the accounting says no end', () => {
    expect(ended('status.error-bad-cwd.qacct-j', 'badcwd', '53')).toEqual([]);
    expect(ended('status.exit100-error.qacct-j', 'x100', '62')).toEqual([]);
  });

  it('takes from the accounting only what is known', () => {
    expect(ended('select.qacct-by-name', 'pilot-abc123', '20').map(s => s.id)).toEqual([
      '20_1',
      '20_2',
      '20_3',
      '20_4',
      '20_5',
    ]);
    expect(ended('select.qacct-by-name', 'pilot', '20')).toEqual([]);
  });

  it.each(['down.qstat', 'down.qstat--xml', 'err.status.unknown-id.qstat-j-xml', 'select.suspended'])(
    '%s is unknown',
    name => {
      thrown(() => sge.parseList([the(name), now], query()));
    },
  );

  it('cut anywhere is unknown', () => {
    const { stdout } = the('status.array-running.parent.qstat-xml-r');
    for (let n = 0; n < stdout.trimEnd().length; n++)
      thrown(() => sge.parseList([{ ...nothing, stdout: stdout.slice(0, n) }], query()));
  });

  it.each([
    ['finished-exit3', 'fail3', '56'],
    ['killed-h_rt', 'walled', '63'],
    ['exit99-rescheduled', 'x99', '61'],
  ])('with accounting of %s that was cut says nothing wrong', (name, tag, id) => {
    const { stdout } = the(`status.${name}.qacct-j`);
    const { state, exitCode } = ended(`status.${name}.qacct-j`, tag, id)[0] ?? {};
    const queue = the('queues.qstat-f-xml');
    for (let n = 0; n < stdout.length; n++) {
      const cut = { ...nothing, stdout: stdout.slice(0, n) };
      for (const s of sge.parseList([queue, cut, now], query({ tag, ids: [id] })))
        expect(s).toMatchObject({ id, state, exitCode });
    }
  });

  it('garbled ends no job by chance, and throws nothing but SchedulerError', () => {
    const sources = all.filter(r => /xml|qacct|qstat-j/.test(r.case) && r.exit === 0).map(outputOf);
    const bits = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.constantFrom('<', '>', '</', '\n', '1-9999999999', '/>', '&'),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...sources),
        fc.constantFrom(...sources),
        fc.nat(3000),
        fc.nat(15),
        bits,
        (a, b, at, gone, put) => {
          const spoil = (out: Output): Output => ({
            ...out,
            stdout: out.stdout.slice(0, at) + put + out.stdout.slice(at + gone),
          });
          const ids = query({ tag: 'arr3', ids: ['72', '56'] });
          for (const s of tame(() => sge.parseList([spoil(a), spoil(b), now], ids)) ?? []) {
            expect(s.jobId).toMatch(/^\d+$/);
            if (isOver(s.state)) expect(spoil(b).stdout).toContain('exit_status');
          }
          tame(() => sge.parseSubmit(spoil(a)));
          tame(() => sge.parseCancel(spoil(b)));
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('cancelling', () => {
  it('names arrays, tasks and jobs at once', () => {
    expect(sge.cancel(['72', '73_2', '44'], query()).argv).toEqual(['qdel', '72', '73.2', '44']);
  });

  it.each([
    'pending',
    'running',
    'array',
    'array-task',
    'finished',
    'running-twice',
    'several-mixed',
    'execd-down-twice',
    'execd-down-force',
  ])('%s is done', name => {
    expect(() => sge.parseCancel(the(`cancel.${name}`))).not.toThrow();
  });

  it('of what was never there is done, too', () => {
    expect(() => sge.parseCancel(the('err.cancel.unknown-id'))).not.toThrow();
  });

  it.each([
    ['cancel.other-user', /privileges to delete the job "71"/],
    ['err.cancel.malformed-id', /"1foo" is an invalid/],
  ])('%s is refused', (name, words) => {
    expect(thrown(() => sge.parseCancel(the(name))).message).toMatch(words);
  });

  it('is not done when nobody answers', () => {
    thrown(() => sge.parseCancel({ ...nothing, exitCode: 1 }));
    thrown(() => sge.parseCancel(the('down.qstat')));
  });
});
