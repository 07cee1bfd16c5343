import { describe, expect, it } from 'vitest';
import { read } from '../../../src/schedulers/sge/read.js';
import { outputOf, type Recording, recorded, recordings } from '../../recordings/recordings.js';
import { answersAnything } from '../hostile.js';

const all = recordings('gridengine');
const understood = (r: Recording) => read(r.cmd, outputOf(r));
const the = (name: string) => understood(recorded(all, name));
const family = (pattern: RegExp): Recording[] => {
  const found = all.filter(r => pattern.test(r.case));
  expect(found.length, `cases like ${pattern}`).toBeGreaterThan(0);
  for (const r of found) covered.add(r.case);
  return found;
};
const covered = new Set<string>();
/** `47 running, 72_1 queued`. */
const told = (name: string): string => {
  covered.add(name);
  const { jobs, error } = the(name);
  return error
    ? `error: ${error}`
    : jobs.map(j => [j.id, j.state, j.exit].filter(x => x !== undefined).join(' ')).join(', ');
};
const QUIET = '44 queued, 45 queued, 46 held, 47 running, 48 held, 49 queued';

describe('every recorded command of Grid Engine is understood', () => {
  it('submissions tell the id', () => {
    for (const r of family(/^submit\.|^err\.submit\.|^down\.(qsub|running)/)) {
      const { kind, jobs, error } = understood(r);
      expect([r.case, kind]).toEqual([r.case, 'submit']);
      const id = /(\d+)(?:\.1-|\n$)/.exec(r.stdout)?.[1];
      expect([r.case, jobs.map(j => j.id)]).toEqual([r.case, id ? [id] : []]);
      expect([r.case, error !== undefined]).toEqual([r.case, r.exit !== 0]);
    }
    expect(told('submit.array')).toBe('72');
    expect(told('submit.array-human')).toBe('73');
    expect(told('err.submit.bad-array')).toBe('20');
    expect(told('err.submit.unknown-queue')).toMatch(/^error: Job was rejected .* unknown queue "nosuch.q"$/);
    expect(told('err.submit.over-limit')).toContain('only 12 jobs are allowed per user');
    expect(told('err.submit.bad-option')).toContain('invalid option argument "-Y"');
  });

  it('cancelling tells what was, and what was refused', () => {
    expect(
      family(/^(err\.)?cancel\.(?!.*\.qstat)/).map(r => `${r.case.replace(/^.*cancel\./, '')}: ${told(r.case)}`),
    ).toEqual([
      'array: 74 cancelled',
      'array-task: 74_2 cancelled',
      'array-task-dot: 75_3 cancelled',
      'execd-down-force: 81 completing',
      'execd-down-twice: 81 completing',
      'finished: error: job "55" does not exist',
      'notify: 80 completing',
      'notify-twice: error: job "80" does not exist',
      'other-user: error: alice - you do not have the necessary privileges to delete the job "71"',
      'own-bob: 71 cancelled',
      'pending: 65 cancelled',
      'running: 66 completing',
      'running-twice: error: job "66" does not exist',
      'several-mixed: 69 cancelled',
      'malformed-id: error: "1foo" is an invalid job-task identifier',
      'no-args: error: no option argument',
      'unknown-id: error: job "99999" does not exist',
      'unknown-name: error: The job nosuchname of user(s) alice does not exist',
    ]);
    for (const r of family(/^(err\.)?cancel\.(?!.*\.qstat)/)) expect(understood(r).kind).toBe('cancel');
  });

  it('holding', () => {
    const holds = family(/^hold\.(?!.*\.qstat)/);
    expect(holds.map(r => told(r.case))).toEqual(['51', '47', '51', '50 held', '50']);
    for (const r of holds) expect(understood(r).kind).toBe('hold');
  });

  it("a job's end is read from the accounting", () => {
    const ends = family(/^status\..*qacct-j$/).map(r => [r.case.split('.')[1], told(r.case)] as const);
    const known = ends.filter(([, words]) => !/^error: job id \d+ not found$/.test(words));
    expect(known.map(([name, words]) => `${name}: ${words}`)).toEqual([
      'cancelled-running: 66 failed 137',
      'cmd-not-found: 60 failed 127',
      'error-bad-cwd: 53 held',
      'error-bad-output-dir: 52 held',
      'error-bad-shell: 54 finished 0',
      'exit100-error: 62 held',
      'exit99-rescheduled: 61 finished 0',
      'finished-exit3: 56 failed 3',
      'finished-ok: 55 finished 0',
      'killed-h_rt: 63 failed 137',
      'killed-s_rt: 79 failed 138',
      'killed-sig15: 59 failed 143',
      'killed-sig9-child: 58 failed 137',
      'killed-sig9: 57 failed 137',
    ]);
    expect(ends.map(([n]) => n)).toEqual(expect.arrayContaining(['running', 'held', 'cancelled-pending']));
    expect(the('status.killed-h_rt.qacct-j').jobs[0]?.reason).toContain('qmaster enforced h_rt');
    const named = the('select.qacct-by-name').jobs.map(j => j.id);
    expect(named).toEqual(expect.arrayContaining(['19', '20_1', '20_2', '20_3', '23', '38']));
    covered.add('select.qacct-by-name');
  });

  it('one job at a time, as text and as XML', () => {
    const known: Record<string, string> = {
      'array-running': '72_1 running, 72_2 running, 72_3 running',
      'depend-held': '48 held',
      'error-bad-cwd': '53 held',
      'error-bad-output-dir': '52 held',
      'exit100-error': '62 held',
      held: '46 held',
      'other-user': '71 queued',
      'queued-disabled-queue': '44 queued',
      'queued-unsatisfiable': '45 queued',
      running: '47 running',
      several: '44 queued, 46 held, 47 running',
      'several-some-unknown': '44 queued, 47 running',
      // what suspends a job is in the list of jobs only
      suspended: '50 running',
    };
    for (const r of family(/^(err\.)?status\..*\.qstat-j(-xml)?$/)) {
      const words = known[r.case.split('.')[1] as string];
      if (words) expect([r.case, told(r.case)]).toEqual([r.case, words]);
      else expect([r.case, told(r.case)]).toEqual([r.case, expect.stringMatching(/^error: .*(do not exist)/)]);
    }
    expect(told('select.by-name')).toBe('47 running');
    expect(told('select.by-name-wild')).toBe('47 running');
    expect(told('select.by-name-xml')).toBe('47 running');
    expect(told('timing.known-immediately.qstat-j')).toBe('39 running');
    expect(told('cancel.pending-immediately-after.qstat-j')).toMatch(/^error: .*do not exist/);
    expect(told('status.all.qstat-j-star-xml')).toContain('46 held, 47 running');
    expect(the('status.error-bad-cwd.qstat-j').jobs[0]?.reason).toContain("can't chdir to /nonexistent/dir");
    expect(the('status.error-bad-cwd.qstat-j-xml').jobs[0]?.reason).toContain("can't chdir to /nonexistent/dir");
    expect(the('status.queued-unsatisfiable.qstat-j').jobs[0]?.reason).toContain('only offers 0 slots');
  });

  it('all jobs, in whatever form', () => {
    const sorted = (name: string) =>
      told(name)
        .split(', ')
        .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
        .join(', ');
    const lists = family(
      /\.qstat(-u|-u-xml|-xml-r|-xml|-r|-r-xml|-ext|-u-star|-f|-f-xml|-explain|-g-d|-g-d-xml)?$|^select\.(hold|pending)$/,
    );
    for (const r of lists.filter(r => r.exit === 0)) {
      const { jobs, error } = understood(r);
      const rows = r.cmd.includes('-xml')
        ? r.stdout.split('<job_list').length - 1
        : r.stdout.match(/^ +\d+ [\d.]+ /gm)?.length;
      expect([r.case, error, new Set(jobs.map(j => j.id.split('_')[0])).size <= (rows ?? 0)]).toEqual([
        r.case,
        undefined,
        true,
      ]);
      if (!r.case.includes('array')) expect([r.case, jobs.length]).toEqual([r.case, rows ?? 0]);
      for (const j of jobs)
        expect(r.stdout).toMatch(new RegExp(r.cmd.includes('-xml') ? `>${j.word}<` : ` ${j.word} `));
    }
    for (const form of ['qstat-u', 'qstat-u-xml', 'qstat-xml-r']) {
      expect(sorted(`status.running.${form}`)).toBe(QUIET);
      expect(sorted(`status.suspended.${form}`)).toBe(`${QUIET}, 50 held`);
      expect(sorted(`status.error-bad-cwd.${form}`)).toContain('52 held, 53 held');
      expect(sorted(`status.array-running.parent.${form}`)).toContain('72_1 running, 72_2 running, 72_3 running');
      expect(sorted(`status.array-running.parent.${form}`)).toContain(
        '75_1 queued, 75_3 queued, 75_5 queued, 75_7 queued',
      );
    }
    expect(sorted('cancel.array-task-after.qstat')).toBe(sorted('cancel.array-task-after.qstat-xml'));
    expect(sorted('cancel.array-task-after.qstat')).toContain('74_1 queued, 74_3 queued, 75_1 queued, 75_5 queued');
    const everything = ['', '-xml', '-r', '-r-xml', '-ext', '-f-xml', '-u-star'].map(form =>
      sorted(`status.all.qstat${form}`),
    );
    expect([...new Set(everything)]).toEqual([`${QUIET}, 50 running, 51 queued, 52 held, 53 held`]);
    expect(sorted('status.array-running.qstat-g-d')).toBe(sorted('status.array-running.qstat-g-d-xml'));
    expect(told('status.deleting-dr.qstat')).toBe('77 running, 81 completing');
    expect(told('status.deleting-dr.qstat-xml')).toBe('77 running, 81 completing');
    expect(told('hold.qhold-running-after.qstat')).toContain('47 running');
    expect(told('timing.known-immediately.qstat-xml')).toBe('38 running, 39 running');
    expect(told('select.suspended')).toBe('');
    for (const r of family(/qstat-s-z$/)) {
      expect([r.case, understood(r).jobs.length > 10]).toEqual([r.case, true]);
      expect(understood(r).jobs.every(j => j.state === 'finished')).toBe(true);
    }
    expect(the('status.finished-ok.qstat-s-z').jobs.map(j => j.id)).toContain('20_5');
  });

  it('queues, nodes, versions, and what is none of ours', () => {
    const kinds: [RegExp, string][] = [
      [/^queues\./, 'queues'],
      [/^nodes\..*qhost/, 'nodes'],
      [/^(version|unsupported)\./, 'version'],
      [/^job-env\.|^timing\.loop/, 'other'],
    ];
    for (const [pattern, kind] of kinds)
      for (const r of family(pattern))
        expect([r.case, understood(r).kind, understood(r).error !== undefined]).toEqual([r.case, kind, r.exit !== 0]);
  });

  it('nothing, where nobody answers', () => {
    for (const r of family(/^down\.(?!running)/)) {
      expect([r.case, understood(r).jobs]).toEqual([r.case, []]);
      expect(understood(r).error).toMatch(/commlib error|unable to send message/);
    }
    expect(told('err.status.unknown-id.qacct-j')).toBe('error: job id 99999 not found');
    expect(told('err.status.unknown-name.qacct-j')).toBe('error: job name nosuchname not found');
  });

  it('none is forgotten above', () => {
    expect(all.map(r => r.case).filter(name => !covered.has(name))).toEqual([]);
  });
});

it('forms that were not recorded', () => {
  const says = (command: string, stdout: string) => read(command, { stdout, stderr: '', exitCode: 0 });
  const usage = '0:00:00:00 0.00000 0.00004     0     0     0     0     0 0.00      1        ';
  const ext = `     47 0.25003 0.50000 run1       alice        proj42           defaultdep r     ${usage}\n`;
  expect(says('qstat -f -ext', `queuename  qtype\n${ext}`).jobs).toEqual([{ id: '47', state: 'running', word: 'r' }]);
  const master = '     47 0.25003 run1       alice        r     11/22/2026 03:32:32 all.q@c1     MASTER         3\n';
  expect(says('qstat -g t', master + master.replace('MASTER', 'SLAVE ')).jobs.map(j => j.id)).toEqual(['47_3']);
  expect(says('/opt/sge/bin/qhost -j', master.replace('@c1', '')).jobs.map(j => j.id)).toEqual(['47_3']);
  expect(says('SGE_ROOT=/x qsub -terse < job.sh', 'Hello\n81\n').jobs).toEqual([{ id: '81' }]);
  expect(says('qmod -cj 75.1', 'alice - cleared error state of job-array task 75.1\n').jobs).toEqual([{ id: '75_1' }]);
  expect(says('qacct -o alice', `OWNER  WALLCLOCK\n${'='.repeat(80)}\nalice  12\n`)).toEqual({
    kind: 'list',
    jobs: [],
  });
  expect(says('echo "a; qstat" | cat', '')).toEqual({ kind: 'other', jobs: [] });
  expect(
    says('qstat -j 47', `${'='.repeat(62)}\njob_number:  47\njob_state             1:    hr\n`).jobs[0]?.word,
  ).toBe('hr');
});

answersAnything(read, all);
