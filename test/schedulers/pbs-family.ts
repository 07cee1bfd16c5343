import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import type { BatchJob, Output } from '../../src/schedulers/job.js';
import type { Scheduler } from '../../src/schedulers/scheduler.js';
import type { Reader } from '../../src/schedulers/understanding.js';
import { outputOf, type Recording, recorded } from '../recordings/recordings.js';
import { damage, jobFields, orPlain, spoil, textOf } from './hostile.js';
import { job, query } from './jobs.js';
import { tame, thrown } from './thrown.js';

/** What is tested alike for PBS and Torque. */

/** The options of a script, as qsub reads them: up to the first line that is a command. */
export function header(script: string): string[] {
  const lines = script.split(/[\n\r]/);
  const end = lines.findIndex(l => l.trim() !== '' && !l.startsWith('#'));
  return lines.slice(0, end).flatMap(l => (l.startsWith('#PBS ') ? [l.slice(5)] : []));
}

/** Runs something with stand-ins for programs; each writes its words to `seen`, and what `programs` gives it to say. */
export function withPrograms<T>(
  programs: Record<string, string>,
  work: (run: (argv: readonly string[], stdin?: string, env?: Record<string, string>) => Output, dir: string) => T,
): T {
  const dir = mkdtempSync(join(tmpdir(), 'scailfin-pbs-'));
  try {
    for (const sub of ['bin', 'work']) mkdirSync(join(dir, sub));
    for (const [name, body] of Object.entries(programs)) {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
      const note = 'for w in "${0##*/}" "$@"; do printf "%s\\0" "$w"; done >>"$SEEN"; printf "\\n" >>"$SEEN"';
      writeFileSync(join(dir, 'bin', name), `#!/bin/sh\n${note}\n${body}\n`, { mode: 0o755 });
    }
    const run = (argv: readonly string[], input = '', env: Record<string, string> = {}): Output => {
      const path = `${join(dir, 'bin')}:/usr/bin:/bin`;
      const out = spawnSync(argv[0] as string, argv.slice(1), {
        ...{ input, cwd: join(dir, 'work'), encoding: 'utf8', timeout: 10_000 },
        env: { PATH: path, SEEN: join(dir, 'seen'), ...env },
      });
      return { stdout: out.stdout, stderr: out.stderr, exitCode: out.status };
    };
    return work(run, dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** What the stand-ins were called with. */
export const seen = (dir: string): string[][] =>
  readFileSync(join(dir, 'seen'), 'utf8')
    .split('\0\n')
    .filter(Boolean)
    .map(line => line.split('\0'));

const piece = fc.constantFrom(
  ...['\n#PBS -W evil\n', '\n', '\r', '\0', '\u2028', '\t', ' ', '$(touch pwned)', '`touch pwned`', ';touch pwned;'],
  ...["'", '"', '\\', '\\\n', '$IFS', '#', '!', '*', '-', '=', '(', 'é', '>pwned', '|touch pwned', '[', '^', '%%.*'],
);
const nasty = textOf(piece);

/** Nothing from a profile breaks out of the script, and the glide-in gets its arguments as they are. */
function scriptIsTight(scheduler: Scheduler): void {
  const fields = fc.tuple(jobFields(orPlain(nasty)), fc.integer({ min: 1, max: 3 }));
  const args = fc.array(
    nasty.map(t => t.replaceAll('\0', '')),
    { maxLength: 4 },
  );
  let scripts = 0;
  withPrograms({ glidein: '', srun: '', aprun: '', mpiexec: '', ibrun: '' }, (run, dir) => {
    fc.assert(
      fc.property(fields, args, ([changes, count], words) => {
        const what = job({ ...changes, count, command: ['glidein', ...words, 'end'] });
        let script: string;
        try {
          script = scheduler.submit(what).script;
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
          return;
        }
        scripts += 1;
        const plain: BatchJob = { ...what, tag: 't', queue: what.queue && 'q', account: what.account && 'a' };
        const bare = header(scheduler.submit({ ...plain, logDir: '/l', directives: [] }).script).length;
        const replaced = what.directives.some(d => /(^|[\s,])(select|nodes)=/.test(d)) ? 1 : 0;
        expect(header(script).length + replaced).toBe(bare + what.directives.length);
        rmSync(join(dir, 'seen'), { force: true });
        const out = run(['bash', '--norc', '-s'], script, { PBS_JOBID: '17[2].pbs01' });
        expect(out).toEqual({ stdout: '', stderr: '', exitCode: 0 });
        const called = readFileSync(join(dir, 'seen'), 'utf8').split('\0').slice(0, -1);
        expect(called.slice(-words.length - 1)).toEqual([...words, 'end'].map(w => Buffer.from(w).toString()));
        expect(readdirSync(join(dir, 'work'))).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });
  expect(scripts).toBeGreaterThan(8);
}

/** Garbled and cut answers are read, or are a SchedulerError; the reader never throws. */
export function neverSurprises(scheduler: Scheduler, all: readonly Recording[], lists: Output[]): void {
  const read = scheduler.read as Reader;
  const bits = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 5 }),
    fc.constantFrom('\n', '[', ']', '.', '<', '>', '</Job>', '&#x110000;', '&lt', '{', '"', '|', '\t', '    x = ', '-'),
  );
  const hits = damage(bits, { at: 5000, gone: 40, hits: 4 });
  const small = all.filter(r => r.stdout.length < 8000);
  fc.assert(
    fc.property(fc.constantFrom(...small), fc.constantFrom(...lists), hits, (recording, list, hits) => {
      const said = {
        ...outputOf(recording),
        stdout: spoil(recording.stdout, hits),
        stderr: spoil(recording.stderr, hits),
      };
      const { kind, jobs } = read(recording.cmd, said);
      expect(kind).toBe(read(recording.cmd, outputOf(recording)).kind);
      for (const { id } of jobs) expect(id).toMatch(/^\d+(_\d+)?$/);
      read(spoil(recording.cmd, hits), said);
      tame(() => expect(scheduler.parseSubmit(said)).toMatch(/^\d+$/));
      tame(() => scheduler.parseCancel(said));
      tame(() => scheduler.parseList([said, said], query({ ids: ['17'] })));
      tame(() => scheduler.parseList([{ ...list, stdout: spoil(list.stdout, hits) }], query({ ids: ['17'] })));
    }),
    { numRuns: 600 },
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string(), fc.string(), (stdout, stderr, command) => {
      read(command, { stdout, stderr, exitCode: 0 });
      read(`qstat ${command}`, { stdout, stderr, exitCode: null });
      tame(() => scheduler.parseList([{ stdout, stderr, exitCode: 0 }], query()));
    }),
  );
  // a list that ends before its end says nothing
  for (const list of lists) {
    for (let n = 0; n < list.stdout.trimEnd().length - 1; n += 37)
      thrown(() => scheduler.parseList([{ ...list, stdout: list.stdout.slice(0, n) }], query()));
    thrown(() => scheduler.parseList([{ ...list, exitCode: null }], query()));
    thrown(() => scheduler.parseList([{ ...list, exitCode: 1 }], query()));
  }
  thrown(() => scheduler.parseList([], query()));
}

/** The tests of `parseSubmit`. */
export function answersToSubmissions(scheduler: Scheduler, all: readonly Recording[]): void {
  const named = (some: readonly Recording[]) => some.map(r => [r.case, r] as const);

  it.each(named(all.filter(r => /\bqsub\b/.test(r.cmd) && /^\d+\S*\n$/.test(r.stdout))))('%s is a job id', (_, r) => {
    const id = /^\d+/.exec(r.stdout)?.[0];
    expect(scheduler.parseSubmit(outputOf(r))).toBe(id);
    expect(scheduler.parseSubmit({ ...outputOf(r), stdout: `** 3 news **\n12.5\n${r.stdout}bye\n` })).toBe(id);
  });

  it.each(named(all.filter(r => /^(err\.submit|down\.qsub)/.test(r.case) && r.exit !== 0)))(
    '%s is refused in its own words',
    (_, r) => {
      const lines = r.stderr.split('\n');
      const line = lines.find(l => /^\[?qsub:/.test(l)) ?? lines[0];
      expect(thrown(() => scheduler.parseSubmit(outputOf(r))).message).toContain(line?.trim());
    },
  );
}

/** The tests of cancelling: recorded answers that are fine, and some that are not. */
export function cancelling(scheduler: Scheduler, all: readonly Recording[], fine: string[], failed: string[]): void {
  const parse = (name: string) => scheduler.parseCancel(outputOf(recorded(all, name)));

  it.each(fine)('%s is fine', name => parse(name));
  it.each(failed)('%s is not', name => {
    thrown(() => parse(name));
  });
}

/** The tests of what is submitted, alike for both; `cores`: what a node of the job tells it in `env`. */
export function submissions(scheduler: Scheduler, env: Record<string, string>, cores: string): void {
  it('the script goes by stdin', () => {
    const sent = scheduler.submit(job({ count: 7 }));
    expect(sent.argv).toEqual(['qsub']);
    expect(sent.stdin).toBe(sent.script);
    expect(sent.script).not.toContain('\r');
  });

  it.each([
    ['17.server01', '17'],
    ['17[2].server01', '17_2'],
  ])('%s knows itself as %s', (native, id) => {
    withPrograms({ glidein: 'echo "$SCAILFIN_JOB $SCAILFIN_CORES $SCAILFIN_MEMORY"' }, (run, dir) => {
      const { script } = scheduler.submit(job({ logDir: dir, command: ['glidein', 'a b'] }));
      expect(run(['bash', '-s'], script, { PBS_JOBID: native, ...env }).stdout).toBe('');
      expect(run(['cat', `${dir}/${id}.out`]).stdout).toBe(`${id} ${cores} 2048\n`);
      expect(seen(dir)).toEqual([['glidein', 'a b']]);
    });
  });

  it('what a directive can not say is a usage error', () => {
    expect(() => scheduler.submit(job({ queue: 'a\n#PBS -W evil' }))).toThrow(UsageError);
    expect(() => scheduler.submit(job({ directives: ['-W "`id`"'] }))).toThrow(UsageError);
  });

  it('nothing breaks out of the script', () => scriptIsTight(scheduler));
}

/** Lists that say nothing of the jobs, whatever the status. */
export function unknowns(scheduler: Scheduler, listed: (name: string) => Output, names: string[]): void {
  it.each(names)('%s is unknown, whatever the status', name => {
    thrown(() => scheduler.parseList([listed(name)], query()));
    thrown(() => scheduler.parseList([{ ...listed(name), exitCode: 0 }], query()));
  });
}
