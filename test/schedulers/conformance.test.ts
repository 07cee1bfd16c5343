import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readerOf } from '../../src/schedulers/registry.js';
import type { Reader } from '../../src/schedulers/understanding.js';
import { type Line, understandAll } from '../conformance/cases.js';
import { complaints, familyOf } from '../conformance/families.js';
import { allCases, describeCases, expected as expectations } from '../conformance/table.js';
import { type Recording, recorded, recordings } from '../recordings/recordings.js';

const cases = allCases();
process.stdout.write(`\nRecorded commands, by adapter and kind, as they are understood:\n${describeCases(cases)}\n\n`);

describe.each(Object.keys(expectations))('every recorded command of %s is understood', adapter => {
  it.each(cases.filter(one => one.adapter === adapter))('$name', ({ complaints }) => expect(complaints).toEqual([]));

  it('and nothing is expected that was not recorded', () => {
    const { system, families } = expectations[adapter] as (typeof expectations)[string];
    const used = recordings(system).map(r => familyOf({ families, whole: () => false }, r.case));
    expect(families.filter(family => !used.includes(family)).map(f => String(f.cases))).toEqual([]);
  });
});

describe('what is wrong', () => {
  const all = recordings('slurm');
  const slurm = expectations.slurm as (typeof expectations)[string];
  const wrong = (name: string, changes: Partial<Recording>): string[] =>
    complaints(readerOf('slurm') as Reader, { ...recorded(all, name), ...changes }, slurm);

  it.each<[string, string, Partial<Recording>, RegExp]>([
    [
      'another state',
      'status.running.squeue-o',
      { stdout: '29|PENDING\n', cmd: "squeue -h -o '%i|%T'" },
      /not all are run/,
    ],
    [
      'another job',
      'status.running.squeue-o',
      { stdout: '30|RUNNING\n', cmd: "squeue -h -o '%i|%T'" },
      /jobs are not 29/,
    ],
    ['no job', 'status.running.squeue-o', { stdout: '' }, /no job is told/],
    ['another exit status', 'status.finished-exit3.sacct-PnX', { stdout: '35|FAILED|4:0\n' }, /exit is not 3/],
    ['no exit status', 'status.finished-exit3.sacct-PnX', { stdout: '35|FAILED|\n' }, /exit is not 3/],
    ['another command', 'submit.array', { cmd: 'scancel 53' }, /taken for cancel/],
    ['a lost answer', 'submit.array', { stdout: '' }, /it is an error: /],
    ['a success', 'err.status.unknown-id.squeue', { exit: 0, stderr: '' }, /it is no error/],
    ['nobody knows', 'status.running.squeue-o', { case: 'novel' }, /nothing is expected/],
  ])('%s', (_, name, changes, words) => {
    expect(wrong(name, {})).toEqual([]);
    expect(wrong(name, changes).join('; ')).toMatch(words);
  });

  it('is counted in the table', () => {
    const [first, ...others] = cases.filter(one => one.adapter === 'slurm' && one.kind === 'submit');
    const text = describeCases([...(first ? [{ ...first, complaints: ['odd'] }] : []), ...others]);
    expect(text).toMatch(new RegExp(`^ +slurm +${others.length}/${others.length + 1} `, 'm'));
  });
});

const root = new URL('../..', import.meta.url).pathname;
let dir: string;

function put(system: string, name: string, parts: Record<string, string>): void {
  mkdirSync(join(dir, system), { recursive: true });
  for (const [part, text] of Object.entries(parts)) writeFileSync(join(dir, system, `${name}.${part}`), text);
}

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'scailfin-conformance-'));
  const fine = { stderr: '', exit: '0\n' };
  put('slurm', 'submit.one', { cmd: 'sbatch --parsable pilot.sh\n', stdout: '17\n', ...fine });
  put('slurm', 'status.two.squeue', { cmd: "squeue -h -o '%i|%T|%r'", stdout: '17|PENDING|JobHeldUser\n', ...fine });
  put('slurm', 'a.down', { cmd: 'squeue', stdout: '', stderr: 'slurm_load_jobs error: no controller\n', exit: '1' });
  put('slurm', 'no-exit', { cmd: 'squeue', stdout: '', stderr: '' });
  put('slurm', 'odd-exit', { cmd: 'squeue', stdout: '', stderr: '', exit: 'soon' });
  put('slurm', 'bytes', { cmd: 'squeue -h', stdout: '\u0000\ufffd{[', ...fine });
  put('slurm', 'notes', { user: 'alice' });
  mkdirSync(join(dir, 'slurm', 'folder.stdout'), { recursive: true });
  put('slurm', 'folder', { cmd: 'squeue', ...fine });
  put('cobalt', 'b', { cmd: 'qstat', stdout: '', ...fine });
  put('cobalt', 'a', { cmd: 'qstat', stdout: '', ...fine });
  symlinkSync(join(dir, 'nowhere'), join(dir, 'torque'));
  writeFileSync(join(dir, 'INDEX.tsv'), '');
});
afterAll(() => rmSync(dir, { recursive: true }));

const expected: Partial<Line>[] = [
  { system: 'cobalt', case: 'a', kind: 'other', jobs: [], error: 'no batch system is called cobalt here' },
  { system: 'cobalt', case: 'b', kind: 'other', jobs: [], error: 'no batch system is called cobalt here' },
  { system: 'slurm', case: 'a.down', kind: 'list', jobs: [], error: 'no controller' },
  { system: 'slurm', case: 'bytes', kind: 'list', jobs: [] },
  { system: 'slurm', case: 'folder', jobs: [], error: expect.stringContaining('EISDIR') as string },
  { system: 'slurm', case: 'no-exit', jobs: [], error: expect.stringContaining('ENOENT') as string },
  { system: 'slurm', case: 'odd-exit', jobs: [], error: expect.stringContaining('"soon"') as string },
  {
    ...{ system: 'slurm', case: 'status.two.squeue', kind: 'list' },
    jobs: [{ id: '17', state: 'held', reason: 'JobHeldUser' }],
  },
  { system: 'slurm', case: 'submit.one', kind: 'submit', jobs: [{ id: '17' }] },
  { system: 'torque', case: '', jobs: [], error: expect.stringContaining('ENOENT') as string },
];

describe('conformance', () => {
  it('every case is a line, in order; what cannot be read is one with an error', () => {
    const lines = [...understandAll(dir)];
    expect(lines).toHaveLength(expected.length);
    expect(lines).toMatchObject(expected);
    expect(lines.filter(l => l.case === 'submit.one' || l.case === 'bytes').some(l => 'error' in l)).toBe(false);
  });

  it('the program prints them as JSON, and a folder that is not there ends it with 2', async () => {
    const run = (folder: string) =>
      execa(join(root, 'node_modules/.bin/tsx'), ['test/conformance/run.ts', folder], { cwd: root, reject: false });
    const { stdout, exitCode } = await run(dir);
    expect(exitCode).toBe(0);
    expect(stdout.split('\n').map(line => JSON.parse(line))).toMatchObject(expected);
    expect(await run(join(dir, 'nowhere'))).toMatchObject({ exitCode: 2, stdout: '' });
    expect(await run('--all')).toMatchObject({ exitCode: 2, stdout: '' });
  });

  it('without a folder it prints the table of our own recordings', async () => {
    const tsx = join(root, 'node_modules/.bin/tsx');
    const { stdout, stderr, exitCode } = await execa(tsx, ['test/conformance/run.ts'], { cwd: root, reject: false });
    expect({ stdout, stderr, exitCode }).toEqual({ stdout: describeCases(cases), stderr: '', exitCode: 0 });
  });

  it('systems go by their own name and by their family', () => {
    for (const name of [
      'slurm',
      'torque',
      'openpbs',
      'pbs',
      'openlava',
      'lsf',
      'gridengine',
      'sge',
      'htcondor',
      'SLURM',
    ])
      expect(readerOf(name)).toBeTypeOf('function');
    expect(readerOf('constructor')).toBeUndefined();
  });
});
