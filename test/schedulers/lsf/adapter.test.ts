import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.js';
import type { BatchJob, BatchJobState, Output } from '../../../src/schedulers/job.js';
import { lsf } from '../../../src/schedulers/lsf/index.js';
import { read } from '../../../src/schedulers/lsf/read.js';
import { outputOf, recorded, recordings } from '../../recordings/recordings.js';
import { jobFields, orPlain, textOf } from '../hostile.js';
import { job, query } from '../jobs.js';
import { tame, thrown } from '../thrown.js';

const all = recordings('openlava');
const the = (name: string): Output => outputOf(recorded(all, name));
const date: Output = { stdout: '2026 11 22 03 15 11\n', stderr: '', exitCode: 0 };
const parse = (...outputs: Output[]) => lsf.parseList(outputs, query());
const answer = (stdout: string, stderr = '', exitCode: number | null = 0): Output => ({ stdout, stderr, exitCode });

/** Option lines as bsub reads them: all that begin so, wherever they stand. */
const directives = (script: string): string[] =>
  script.split(/[\n\r]/).flatMap(l => (/^\s*#\s*BSUB/.test(l) ? [l.replace(/^#BSUB /, '')] : []));

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'scailfin-lsf-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const program = (name: string, text: string): void => {
  writeFileSync(join(dir, name), `#!/bin/sh\n${text}\n`);
  chmodSync(join(dir, name), 0o755);
};
const run = (argv: readonly string[], input: string, env: Record<string, string> = {}) =>
  spawnSync(argv[0] as string, argv.slice(1), {
    input,
    env: { PATH: `${dir}:/usr/bin:/bin`, ...env },
    cwd: dir,
    encoding: 'utf8',
    timeout: 10_000,
  });

describe('what is submitted', () => {
  it('several glide-ins are one array, each with a log of its own', () => {
    const sent = lsf.submit(job({ count: 7, queue: 'debug', account: 'm1234', gpusPerNode: 2, directives: ['-x'] }));
    expect(sent.stdin).toBe(sent.script);
    expect(directives(sent.script)).toEqual([
      '-J "sf-test[1-7]"',
      '-o /scratch/alice/scailfin/test/site/logs/%J_%I.out',
      '-n 4',
      '-R "rusage[mem=2048MB] span[hosts=1]"',
      '-gpu "num=2"',
      '-W 60',
      '-q debug',
      '-P m1234',
      '-rn',
      '-x',
    ]);
  });

  it('one glide-in is an array too, unless the site has none; what is not asked for is not said', () => {
    expect(directives(lsf.submit(job({ count: 1 })).script)).toContain('-J "sf-test[1-1]"');
    const bare = job({ arrays: false, count: 1, coresPerNode: undefined, memoryPerNode: undefined, walltime: 61 });
    expect(directives(lsf.submit(bare).script)).toEqual([
      '-J sf-test',
      '-o /scratch/alice/scailfin/test/site/logs/%J.out',
      '-n 1',
      '-R "span[hosts=1]"',
      '-W 2',
      '-rn',
    ]);
  });

  it.each([
    ['IBM Spectrum LSF Standard 10.1.0.9', 'mem=2048MB', true],
    ['OpenLava 4.0.0, Nov 22 2026', 'mem=2048]', false],
  ])('%s gets its own dialect', (version, memory, rn) => {
    program(
      'bsub',
      `[ "$1" = -V ] && { echo '${version}' >&2; exit 0; }; cat >${dir}/got; echo 'Job <5> is submitted to queue <q>.'`,
    );
    const { argv, stdin } = lsf.submit(job());
    const out = run(argv, stdin as string);
    expect(lsf.parseSubmit(answer(out.stdout, out.stderr, out.status))).toBe('5');
    const got = readFileSync(join(dir, 'got'), 'utf8');
    expect(got).toContain(memory);
    expect(directives(got).includes('-rn')).toBe(rn);
    expect(got.split('\n').slice(-4)).toEqual(lsf.submit(job()).script.split('\n').slice(-4));
  });

  it.each([
    ['0', '17', '4'],
    ['2', '17_2', '8'],
  ])('task %s knows itself as %s', (index, id, cores) => {
    program('glidein', 'echo "$SCAILFIN_JOB $SCAILFIN_CORES $SCAILFIN_MEMORY"');
    const { script } = lsf.submit(job({ command: ['glidein'] }));
    const env = { LSB_JOBID: '17', LSB_JOBINDEX: index, ...(cores === '4' ? {} : { LSB_DJOB_NUMPROC: cores }) };
    expect(run(['bash', '-s'], script, env).stdout).toBe(`${id} ${cores} 2048\n`);
  });

  it.each([
    ['the queue', { queue: 'debug\n#BSUB -q evil' }],
    ['the account', { account: 'm 1234' }],
    ['the job name', { tag: 'a[1-9]' }],
    ['the log directory', { logDir: '/home/%J' }],
    ['the log directory', { logDir: '/home/my files' }],
    ['the directive', { directives: ['-x\n#BSUB -q b'] }],
  ])('%s that can not be said in a directive is a usage error', (what, changes) => {
    expect(() => lsf.submit(job(changes))).toThrow(UsageError);
    expect(() => lsf.submit(job(changes))).toThrow(what);
  });

  it('nothing from a profile breaks out, and the glide-in gets its arguments as they are', () => {
    program('glidein', `for w in "$@"; do printf '%s\\0' "$w"; done`);
    const nasty = [
      '\n#BSUB -q evil\n',
      '\n',
      '\r',
      '$(touch pwned)',
      '`touch pwned`',
      ';',
      "'",
      '"',
      '\\',
      '$HOME',
      ' ',
      '%s',
      '[',
      '#',
      '\\n',
    ];
    const text = textOf(fc.constantFrom(...nasty));
    const fields = jobFields(orPlain(text));
    const given = (what: BatchJob): number =>
      6 + Number(what.queue !== undefined) + Number(what.account !== undefined) + what.directives.length;
    let whole = 0;
    fc.assert(
      fc.property(fields, fc.array(text, { minLength: 1, maxLength: 4 }), (changes, args) => {
        const harmless = lsf.submit(job({ command: ['glidein', ...args] })).script;
        expect(directives(harmless)).toHaveLength(6);
        const out = run(['bash', '-s'], harmless);
        expect([out.stdout.split('\0').slice(0, -1), out.stderr]).toEqual([args, '']);
        const what = job({ ...changes, command: ['glidein', ...args] });
        try {
          const { script } = lsf.submit(what);
          expect(directives(script)).toHaveLength(given(what));
          expect(script).toContain(what.arrays ? `#BSUB -J "${what.tag}[1-2]"\n` : `#BSUB -J ${what.tag}\n`);
          whole += 1;
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
      { numRuns: 60 },
    );
    expect(whole).toBeGreaterThan(1);
  });
});

describe('the answer to a submission', () => {
  const taken = all.filter(r => r.stdout.includes('is submitted to') && r.cmd.includes('bsub') && r.exit === 0);
  const refused = all.filter(r => /^err\.submit|^down.*bsub/.test(r.case) && r.exit !== 0);

  it('is an id, past banners, or the words of LSF', () => {
    expect([taken.length > 30, refused.length > 15]).toEqual([true, true]);
    for (const r of taken) {
      const noisy = { ...outputOf(r), stdout: `Welcome, Job <7> fans\n${r.stdout}Have a nice day\n` };
      expect([r.case, lsf.parseSubmit(noisy)]).toEqual([r.case, /<(\d+)>/.exec(r.stdout)?.[1]]);
    }
    for (const r of refused) {
      const error = thrown(() => lsf.parseSubmit(outputOf(r)));
      expect(error.message).toContain(r.stderr.trim().split('\n')[0]);
      expect([r.case, error.hint]).toEqual([r.case, expect.any(String)]);
    }
  });

  it('BSUB_QUIET says nothing, and that is no id', () => {
    expect(thrown(() => lsf.parseSubmit(answer(''))).message).toContain('there was no answer');
    thrown(() => lsf.parseSubmit(answer('Job <5> is submitted to queue <q>.\n', '', null)));
  });
});

describe('the queue', () => {
  it('is asked in one round trip, with time limits that fit in it; history only for known ids', () => {
    program('bjobs', 'echo "$@"; exit 255');
    const [queue, ...more] = lsf.list(query()).map(c => c.argv);
    expect(run(queue ?? [], '')).toMatchObject({ stdout: '-a -l -J sf-test\n', status: 255 });
    expect(more).toEqual([['date', '+%Y %m %d %H %M %S']]);
    const history = lsf.list(query({ ids: ['17', '18'] }))[2]?.argv ?? [];
    program('bhist', 'echo "$@"');
    expect(run(history, '')).toMatchObject({ stdout: '-l 17 18\n', status: 0 });
    program('bqueues', 'exit 124');
    expect(run(history, '')).toMatchObject({ stdout: '', status: 124 });
  });

  it.each<[string, BatchJobState, string, Record<string, unknown>]>([
    ['status.running', 'running', 'RUN', { node: 'lsf01', secondsLeft: 540 }],
    [
      'status.queued-inactive-queue',
      'queued',
      'PEND',
      { reason: 'The queue is inactivated by the administrator: 1 host' },
    ],
    ['status.queued-unsatisfiable', 'queued', 'PEND', { reason: expect.stringContaining('not satisfied') }],
    ['status.preexec-fail', 'queued', 'PEND', { reason: expect.stringContaining('pre-exec') }],
    ['status.held-psusp', 'held', 'PSUSP', { reason: expect.stringContaining('suspended by the user') }],
    ['status.held-bstop', 'held', 'PSUSP', {}],
    ['status.finished-ok', 'finished', 'DONE', { exitCode: 0, node: 'lsf01' }],
    ['status.finished-exit3', 'failed', 'EXIT', { exitCode: 3, reason: 'Exited with exit code 3' }],
    ['status.cmd-not-found', 'failed', 'EXIT', { exitCode: 127 }],
    ['status.killed-sig9', 'failed', 'EXIT', { exitCode: 137 }],
    ['status.killed-walltime', 'failed', 'EXIT', { exitCode: 140, reason: expect.stringContaining('run limit') }],
    ['status.cancelled-pending', 'cancelled', 'EXIT', {}],
    ['status.cancelled-running', 'cancelled', 'EXIT', { exitCode: 130 }],
    ['status.sbatchd-down', 'unknown', 'UNKWN', { node: 'lsf01' }],
  ])('%s is %s, in -l and -UF', (name, state, word, more) => {
    for (const form of ['l', 'UF']) {
      expect(parse(the(`${name}.bjobs-${form}`), date)).toEqual([expect.objectContaining({ state, word, ...more })]);
    }
    expect(parse(the(`${name}.bjobs-l`))[0]).not.toHaveProperty('secondsLeft');
  });

  describe('a job that was killed while its node was away', () => {
    /** @param table what LSF says of it when it is asked by id */
    const asked = (name: string, table: string) => {
      const { stdout } = the(name);
      program('bjobs', `case "$*" in *-J*) cat <<'X'\n${stdout}X\n;; *) echo "$*" >>${dir}/ids; ${table} ;; esac`);
      const out = run(lsf.list(query())[0]?.argv ?? [], '');
      return parse(answer(out.stdout, out.stderr, out.status), date).map(s => [s.id, s.state, s.word]);
    };
    const says = (name: string): string => `cat <<'X'\n${the(name).stdout}X\n`;
    const byName = 'cancel.node-away-after.by-name.bjobs-a-l';

    it('may run there, whatever LSF says when it is asked by name', () => {
      expect(parse(the('cancel.node-away-after.bjobs-a-l'), date).map(s => s.word)).toEqual(['UNKWN', 'ZOMBI']);
      expect(asked(byName, says('cancel.node-away-after.bjobs-a-w'))).toEqual([
        ['106_1', 'unknown', 'UNKWN'],
        ['106_2', 'unknown', 'ZOMBI'],
      ]);
      expect(readFileSync(join(dir, 'ids'), 'utf8')).toBe('-a -w 106\n');
    });

    it('is over once LSF says so when it is asked by id, or has forgotten it', () => {
      const end = (id: string, word: string) =>
        `echo '${id}     alice   ${word}  normal     login       c2          row[2]     Nov 29 09:32'`;
      expect(asked(byName, end('106', 'EXIT'))[1]).toEqual(['106_2', 'failed', 'EXIT']);
      expect(asked(byName, "echo 'Job <106> is not found' >&2; exit 255")[1]).toEqual(['106_2', 'failed', 'EXIT']);
      for (const unknown of ['exit 124', 'exit 255', end('107', 'EXIT'), "echo 'Job <1060> is not found' >&2"])
        expect(asked(byName, unknown)[1], unknown).toEqual(['106_2', 'unknown', 'ZOMBI']);
      thrown(() => asked(byName, "echo 'batch system daemon not responding ... still trying' >&2; exit 124"));
    });

    it('is over in the history when the node is back', () => {
      const gone = answer('', 'Job <sf-test> is not found\n', 255);
      const ended = (name: string) => lsf.parseList([gone, date, the(name)], query({ ids: ['106'] })).map(s => s.state);
      expect(ended('cancel.node-away-after.bhist-l')).toEqual([]);
      expect(ended('status.node-back.bhist-l')).toEqual(['failed', 'cancelled']);
    });

    it('others are not asked for again', () => {
      asked('status.array-finished.parent.bjobs-l', 'exit 1');
      expect(existsSync(join(dir, 'ids'))).toBe(false);
    });
  });

  it('an array is its tasks', () => {
    const found = parse(the('status.array-finished.parent.bjobs-l'), date);
    expect(found.map(s => [s.id, s.jobId, s.exitCode])).toEqual([
      ['157_3', '157', 3],
      ['157_1', '157', 1],
      ['157_2', '157', 2],
    ]);
    expect(parse(the('status.array-queued.parent.bjobs-l'), date).map(s => s.id)).toEqual(['158_1', '158_2', '158_3']);
  });

  it('no job is an empty list, whatever the exit status', () => {
    expect(parse(the('select.by-name-none-a'), date)).toEqual([]);
    expect(parse(answer('', 'No job found\n', 255))).toEqual([]);
    expect(parse(answer('', 'Job <sf-test> is not found\n', 0))).toEqual([]);
  });

  it('what bjobs has forgotten, the history knows; what is going on there is not believed', () => {
    const gone = answer('', 'Job <sf-test> is not found\n', 255);
    const ask = (name: string, id: string) => lsf.parseList([gone, date, the(name)], query({ ids: [id] }));
    expect(ask('status.forgotten.bhist-l', '165')).toMatchObject([{ id: '165', state: 'finished', exitCode: 0 }]);
    expect(ask('status.finished-exit3.bhist-l', '138')).toMatchObject([{ state: 'failed', exitCode: 3 }]);
    expect(ask('status.running.bhist-l', '132')).toEqual([]);
    expect(ask('status.forgotten.bhist-l', '7')).toEqual([]);
    expect(lsf.parseList([gone, date, answer('', 'down', 1)], query({ ids: ['7'] }))).toEqual([]);
  });

  it.each(['down.mbatchd.bjobs', 'down.lim.bjobs', 'unsupported.bjobs-o', 'err.status.malformed-id.bjobs'])(
    '%s is not known',
    name => {
      thrown(() => parse(the(name), date));
    },
  );

  it('no answer at all is not known either', () => {
    for (const out of [answer(''), answer('', '', 255), answer('', '', null), answer('', '', 124), answer('hi\n')])
      thrown(() => parse(out));
    thrown(() => lsf.parseList([], query()));
  });

  it('an answer that was cut anywhere is unknown', () => {
    const { stdout } = the('status.array-running.parent.bjobs-l');
    const ends = [...stdout.matchAll(/loadStop.*\n/g)].map(m => (m.index ?? 0) + m[0].length);
    for (let n = 0; n < stdout.length - 1; n++) {
      // behind a task's last line nothing tells that more should come
      if (!ends.includes(n)) thrown(() => parse(answer(stdout.slice(0, n)), date));
    }
  });
});

describe("IBM's words", () => {
  const long = (...end: string[]) =>
    [
      '',
      'Job <9[2]>, Job Name <sf-test[2]>, User <alice>, Project <default>, Application <x>, Status <EXIT>, Queue <normal>, Job Priority <50>, Command <#!/bin/bash;exec x>, Share group charged </alice>',
      'Tue May  6 15:45:10: Submitted from host <hostA>, CWD </home/alice>;',
      'Tue May  6 15:45:11: [2] Started 4 Task(s) on Host(s) <4*hostB>, Allocated 4 Slot(s) on Host(s) <4*hostB>, Execution Home </home/alice>;',
      ...end,
      '',
      ' SCHEDULING PARAMETERS:',
      '           r15s   r1m  r15m   ut      pg    io   ls    it    tmp    swp    mem',
      ' loadSched   -     -     -     -       -     -    -     -     -      -      -  ',
      ' loadStop    -     -     -     -       -     -    -     -     -      -      -  ',
      '',
    ].join('\n');

  it.each<[string, BatchJobState, number, string]>([
    [
      'Exited with exit code 130. The CPU time used is 0.1 seconds.\nTue May  6 15:46:00: Completed <exit>; TERM_OWNER: job killed by owner.',
      'cancelled',
      130,
      'TERM_OWNER: job killed by owner',
    ],
    [
      'Exited by signal 9. The CPU time used is 0.1 seconds.\nTue May  6 15:46:00: Completed <exit>; TERM_ADMIN: job killed by root or LSF administrator.',
      'cancelled',
      137,
      'TERM_ADMIN',
    ],
    [
      'Exited with exit code 130. The CPU time used is 0.1 seconds.\nTue May  6 15:46:00: Completed <exit>; TERM_RUNLIMIT: job killed after reaching LSF run time limit.',
      'failed',
      130,
      'TERM_RUNLIMIT',
    ],
    [
      'Exited with exit code 137.\nTue May  6 15:46:00: Completed <exit>; TERM_MEMLIMIT: job killed after reaching LSF memory usage limit.',
      'failed',
      137,
      'TERM_MEMLIMIT',
    ],
  ])('%s', (end, state, exitCode, reason) => {
    const [found] = parse(answer(long(`Tue May  6 15:46:00: ${end}`)), date);
    expect(found).toMatchObject({ id: '9_2', state, exitCode, node: 'hostB' });
    expect(found?.reason).toContain(reason);
  });

  it('-json and -o', () => {
    const record = {
      JOBID: '9',
      JOBINDEX: '2',
      STAT: 'EXIT',
      EXIT_CODE: '137',
      EXIT_REASON: 'TERM_RUNLIMIT: job killed after reaching LSF run time limit',
    };
    const json = JSON.stringify({
      COMMAND: 'bjobs',
      JOBS: 1,
      RECORDS: [record, { JOBID: '10', STAT: 'RUN', EXIT_CODE: '' }],
    });
    expect(read("bjobs -o 'jobid jobindex stat exit_code exit_reason' -json", answer(`${json}\n`)).jobs).toMatchObject([
      { id: '9_2', state: 'failed', word: 'EXIT', exit: 137, reason: expect.stringContaining('RUNLIMIT') },
      { id: '10', state: 'running' },
    ]);
    const cut = read("bjobs -o 'jobid stat' -json", answer(json.slice(0, 50)));
    expect([cut.jobs, cut.error === undefined]).toEqual([[], false]);
    const none = `{"COMMAND":"bjobs","JOBS":0,"RECORDS":[{"ERROR":"Job <5> is not found"}]}\n`;
    expect(read('bjobs -o jobid -json 5', answer(none, '', 255)).error).toContain('not found');
    const bars = read(`bjobs -noheader -o 'jobid stat exit_code delimiter="|"'`, answer('9|DONE|-\n10|EXIT|3\n'));
    expect(bars.jobs).toMatchObject([
      { id: '9', state: 'finished' },
      { id: '10', state: 'failed', exit: 3 },
    ]);
    const plain = read(
      "bjobs -o 'id:8 name stat:6 exit_code'",
      answer('JOBID JOB_NAME STAT EXIT_CODE\n9 my job PEND -\n'),
    );
    expect(plain.jobs).toMatchObject([{ id: '9', state: 'queued' }]);
  });
});

describe('cancelling', () => {
  it('names jobs and tasks as LSF does', () => {
    expect(lsf.cancel(['17', '18_2'], query()).argv).toEqual(['timeout', '60', 'bkill', '17', '18[2]']);
  });

  it('what is over is fine, what is not is told', () => {
    for (const r of all.filter(r => r.case.startsWith('cancel.') && r.cmd.startsWith('bkill')))
      lsf.parseCancel(outputOf(r));
    lsf.parseCancel(answer('Job <158[1]> is being terminated\n', 'Job <158[2]>: Operation is in progress\n', 255));
    const denied = answer('', 'Job <137>: Job has already finished\nJob <9>: User permission denied\n', 255);
    expect(thrown(() => lsf.parseCancel(denied)).message).toContain('Job <9>: User permission denied');
    for (const out of [answer('', '', 255), answer('', '', null), the('down.mbatchd.bsub'), the('err.cancel.no-args')])
      thrown(() => lsf.parseCancel(out));
  });
});

/** What each family of cases is: a state in every form that tells it, and the exit status where the form does. */
const FAMILIES: [RegExp, BatchJobState, number?][] = [
  [/^status\.(running|array-running|array-by-name|array-range|array-by-name-elem)\./, 'running'],
  [/^status\.(queued-|begin-time|preexec-fail|array-queued)|^quirk\./, 'queued'],
  [/^status\.held-/, 'held'],
  [/^status\.finished-ok\.|^status\.forgotten\.bhist/, 'finished', 0],
  [/^status\.finished-exit3\./, 'failed', 3],
  [/^status\.(exit137|killed-sig9)/, 'failed', 137],
  [/^status\.killed-walltime\./, 'failed', 140],
  [/^status\.(cmd-not-found|bad-shell)\./, 'failed', 127],
  [/^status\.array-finished\./, 'failed'],
  [/^status\.cancelled-pending\./, 'cancelled'],
  [/^status\.cancelled-running\./, 'cancelled', 130],
  [/^status\.sbatchd-down\./, 'unknown'],
];

describe('any recorded command', () => {
  it.each(all.map(r => [r.case, r] as const))('%s', (name, r) => {
    const { kind, jobs, error } = read(r.cmd, outputOf(r));
    const shown = /^b(jobs|hist)( |$)/.test(r.cmd);
    const family = FAMILIES.find(([pattern]) => pattern.test(name));
    if (shown && family && r.exit === 0) {
      const [, state, exit] = family;
      expect([kind, error]).toEqual(['list', undefined]);
      const [long, history] = [/-(l|UF)$/.test(name), /\.bhist$/.test(name)];
      // tables don't tell who ended a job that ran, and `bhist` no state at all
      const told = state === 'cancelled' && exit !== undefined && !long ? 'failed' : state;
      expect(new Set(jobs.map(j => j.state))).toEqual(new Set([history ? undefined : told]));
      if (long && exit !== undefined) expect(jobs.map(j => j.exit)).toEqual([exit]);
      const tasks = /^status\.array-(queued|running|finished)\.parent/.test(name);
      if (tasks) expect(jobs.map(j => j.id.slice(3)).sort()).toEqual(['_1', '_2', '_3']);
      else if (/ \d+$/.test(r.cmd)) expect(jobs.map(j => j.id)).toEqual([/\d+$/.exec(r.cmd)?.[0]]);
    } else if (
      /^err\.|^down\.|^unsupported\.|^status\.forgotten|^status\.array-elem-unknown/.test(name) &&
      r.exit !== 0
    ) {
      expect(error).toContain(
        r.stderr
          .trim()
          .split('\n')[0]
          ?.replace(/Usage:.*/, '') as string,
      );
      expect(jobs).toEqual([]);
    } else if (/bsub/.test(r.cmd) && r.stdout.startsWith('Job <')) {
      expect({ kind, jobs, error }).toEqual({
        kind: 'submit',
        jobs: [{ id: /\d+/.exec(r.stdout)?.[0] }],
        error: undefined,
      });
    } else if (/^select\.by-.*none/.test(name)) {
      expect({ kind, jobs, error }).toEqual({ kind: 'list', jobs: [], error: undefined });
    } else if (/^(cancel|hold|err)\./.test(name) && /^b(kill|stop|resume) /.test(r.cmd)) {
      expect(kind).toBe(name.startsWith('hold') ? 'hold' : 'cancel');
      expect(jobs.map(j => j.id)).toEqual(
        expect.arrayContaining([...r.stdout.matchAll(/^Job <(\d+)>/gm)].map(m => m[1])),
      );
      expect(error === undefined).toBe(!r.stderr.includes('No matching job'));
    } else if (shown) {
      const rows = r.stdout.split('\n').filter(l => /^(\d+ |Job (Id )?<)/.test(l));
      expect([kind, jobs.length > 0, jobs.length]).toEqual([
        r.cmd.includes('-V') || r.cmd.includes('-h') ? kind : 'list',
        rows.length > 0,
        rows.length,
      ]);
      expect(jobs.every(j => j.state !== undefined && j.word !== undefined)).toBe(true);
    } else {
      expect([jobs, error === undefined]).toEqual([[], r.exit === 0]);
      expect(kind).toBe(
        name.endsWith('-h')
          ? 'other'
          : /^version|lsid/.test(name)
            ? 'version'
            : name.startsWith('queues')
              ? 'queues'
              : /^nodes\.(.*bhosts|lshosts|lsload)/.test(name)
                ? 'nodes'
                : 'other',
      );
    }
  });

  it('is found in a line that redirects, limits and names its program by a path', () => {
    const none = answer('No unfinished job found\n', '', 255);
    for (const line of [
      '/opt/lsf/bin/bjobs -w 2>&1',
      'timeout -k 5 15 bjobs',
      'A=b bjobs -w 2>/dev/null',
      'bjobs | cat',
    ])
      expect(read(line, none)).toEqual({ kind: 'list', jobs: [] });
    expect(read('bkill 1 2', answer('Job <1> is being terminated\nJob <2> is be')).error).toContain('cut short');
    expect(read('bjobs; bjobs', none).kind).toBe('other');
  });

  it('cut or garbled, throws nothing, and the adapter only its own error', () => {
    const some = fc.constantFrom(...all);
    fc.assert(
      fc.property(some, some, fc.nat(4000), fc.string({ maxLength: 6 }), fc.boolean(), (r, other, at, noise, drop) => {
        const { stdout } = r;
        const end = drop ? '' : stdout.slice(at % (stdout.length + 1));
        const bad = answer(stdout.slice(0, at % (stdout.length + 1)) + noise + end, r.stderr, r.exit);
        expect(read(other.cmd, bad).jobs).toBeInstanceOf(Array);
        expect(read(r.cmd.slice(0, at), bad).kind).toBeTypeOf('string');
        const works = [() => parse(bad, bad, bad), () => lsf.parseSubmit(bad), () => lsf.parseCancel(bad)];
        for (const work of works) tame<unknown>(work);
      }),
      { numRuns: 500 },
    );
  });
});
