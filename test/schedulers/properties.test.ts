import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { fork } from '../../src/schedulers/fork/index.js';
import { type BatchJob, type BatchJobStatus, isOver, type Output } from '../../src/schedulers/job.js';
import type { Scheduler } from '../../src/schedulers/scheduler.js';
import { slurm } from '../../src/schedulers/slurm/index.js';
import { inFormat, outputOf, recordings } from '../recordings/recordings.js';
import { damage, jobFields, orPlain, spoil, textOf } from './hostile.js';
import { job, query } from './jobs.js';
import { tame } from './thrown.js';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'scailfin-properties-'));
  mkdirSync(join(dir, 'bin'));
  mkdirSync(join(dir, 'work'));
  // the glide-in, and every launcher: they write down what they were called with
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
  const stub = '#!/bin/sh\nfor w in "${0##*/}" "$@"; do printf "%s\\0" "$w"; done >>"$SEEN"\n';
  for (const name of ['glidein', 'srun', 'aprun', 'mpiexec', 'ibrun']) {
    writeFileSync(join(dir, 'bin', name), stub, { mode: 0o755 });
  }
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Runs a job script; what it ran, and what else came to be. */
function execute(script: string): { ran: string[]; left: string[] } {
  const [work, seen] = [join(dir, 'work'), join(dir, 'seen')];
  rmSync(seen, { force: true });
  const env = { PATH: `${join(dir, 'bin')}:/usr/bin:/bin`, SEEN: seen, SLURM_JOB_ID: '17', SLURM_CPUS_ON_NODE: '8' };
  const out = spawnSync('bash', ['--norc', '-s'], { input: script, cwd: work, env, encoding: 'utf8', timeout: 10_000 });
  expect([out.status, out.stderr, out.stdout]).toEqual([0, '', '']);
  return { ran: readFileSync(seen, 'utf8').split('\0').slice(0, -1), left: readdirSync(work) };
}

/** Option lines as sbatch reads them: from the top to the first line that is neither blank nor a comment. */
function header(script: string): string[] {
  const lines = script.split(/[\n\r]/);
  const end = lines.findIndex(l => l.trim() !== '' && !l.startsWith('#'));
  return lines.slice(0, end).filter(l => l.startsWith('#SBATCH'));
}

const nasty = fc.constantFrom(
  ...['\n#SBATCH --wrap=evil\n', '\n', '\r', '\r\n', '\0', '\u2028', '\u0085', '\v', '\t', ' ', '  '],
  ...['$(touch pwned)', '`touch pwned`', ';touch pwned;', '&touch pwned&', '|touch pwned', '>pwned', '\ntouch pwned\n'],
  ...[
    "'",
    '"',
    '\\',
    '\\\n',
    '$IFS',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
    '${x}',
    '#',
    '!',
    '*',
    '~',
    '--',
    '-',
    '=',
    '%j',
    '%A',
    '<(touch pwned)',
    'é',
    '(',
    ')',
  ],
);
const text = fc.oneof(
  { weight: 3, arbitrary: textOf(nasty, 6) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
);
const fields = jobFields(orPlain(text));

/** How many option lines such a job has, whatever stands in them. */
function expected(what: BatchJob): number {
  const bare = slurm.submit({
    ...what,
    tag: 't',
    queue: what.queue && 'q',
    account: what.account && 'a',
    logDir: '/l',
    directives: [],
  });
  return header(bare.script).length + what.directives.length;
}

describe('nothing from a profile or a command line breaks out of a Slurm script', () => {
  it('the options are refused, or are the ones asked for, and nothing else runs', () => {
    let scripts = 0;
    fc.assert(
      fc.property(fields, changes => {
        const what = job({ ...changes, command: [join(dir, 'bin', 'glidein'), 'arg'] });
        let script: string;
        try {
          script = slurm.submit(what).script;
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
          return;
        }
        scripts += 1;
        const options = header(script);
        expect(options).toHaveLength(expected(what));
        expect(options).toContain(`#SBATCH --job-name=${what.tag}`);
        if (what.queue !== undefined) expect(options).toContain(`#SBATCH --${what.queueOption}=${what.queue}`);
        if (what.account !== undefined) expect(options).toContain(`#SBATCH --account=${what.account}`);
        // nothing that one option takes for its value holds a blank, so that it could be another option
        for (const value of [what.tag, what.queue, what.account, what.logDir]) expect(value ?? '').not.toMatch(/\s/);
        const { ran, left } = execute(script);
        expect(ran.slice(-1)).toEqual(['arg']);
        expect(left).toEqual([]);
      }),
      { numRuns: 300 },
    );
    // it would be easy to refuse everything
    expect(scripts).toBeGreaterThan(10);
  });

  it('the glide-in gets its arguments as they are, and they are no options either', () => {
    const words = fc.array(
      text.map(t => t.replaceAll('\0', '')),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(words, fields, (args, { launcher, arrays }) => {
        const what = job({ launcher, arrays, command: [join(dir, 'bin', 'glidein'), ...args] });
        const { script } = slurm.submit(what);
        expect(header(script)).toHaveLength(expected(what));
        const { ran, left } = execute(script);
        expect(ran.slice(-args.length)).toEqual(args.map(a => Buffer.from(a).toString('utf8')));
        expect(left).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it('so it is for a plain process', () => {
    const words = fc.array(
      text.map(t => t.replaceAll('\0', '')),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(words, args => {
        const { ran, left } = execute(fork.submit(job({ command: [join(dir, 'bin', 'glidein'), ...args] })).script);
        expect(ran).toEqual(['glidein', ...args.map(a => Buffer.from(a).toString('utf8'))]);
        expect(left).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});

const slurmCases = recordings('slurm');
const format = slurm.list(query())[0]?.argv.at(-1) as string;
const queues = slurmCases
  .filter(r => /squeue-[oa]$/.test(r.case) && r.exit === 0 && r.stdout !== '' && r.cmd.includes('%F'))
  .map(r => outputOf(inFormat(r, format)));
const accounts = slurmCases.filter(r => /sacct/.test(r.case) && r.exit === 0 && r.stdout !== '').map(outputOf);
const processes: Output = {
  stdout: [
    ...['live 17955001_1', 'live 17955001_2', 'live 17955009_1', 'job 17955001_1 1795500 3600 - no'],
    ...['job 17955001_2 1795500 3600 - no', 'job 17955001_3 1795500 3600 0 no', 'job 17955001_4 1795500 3600 3 no'],
    ...['job 17955002_1 1795500 3600 - yes', 'now 1795600 node1', ''],
  ].join('\n'),
  stderr: '',
  exitCode: 0,
};

/** The statuses, or undefined for a SchedulerError; anything else fails. */
const attempt = (scheduler: Scheduler, ...outputs: Output[]): BatchJobStatus[] | undefined =>
  tame(() => scheduler.parseList(outputs, query()));

const whole = (scheduler: Scheduler, ...outputs: Output[]): BatchJobStatus[] => {
  const jobs = attempt(scheduler, ...outputs);
  if (jobs === undefined) throw new Error('a whole answer was not read');
  return jobs;
};

describe('an answer that was cut', () => {
  it('of squeue is unknown, except between two lines, and what it shows is right', () => {
    for (const out of queues) {
      const truth = whole(slurm, out);
      for (let n = 1; n < out.stdout.length; n++) {
        const jobs = attempt(slurm, { ...out, stdout: out.stdout.slice(0, n) });
        expect([n, jobs !== undefined]).toEqual([n, out.stdout[n - 1] === '\n']);
        for (const s of jobs ?? []) expect(truth).toContainEqual(s);
      }
    }
  });

  it('of sacct never says more than the whole one', () => {
    const nothing: Output = { stdout: '', stderr: '', exitCode: 0 };
    for (const out of accounts) {
      const truth = whole(slurm, nothing, out);
      for (let n = 0; n < out.stdout.length; n++) {
        for (const s of whole(slurm, nothing, { ...out, stdout: out.stdout.slice(0, n) })) {
          const { exitCode: _, reason: __, node: ___, ...rest } = s;
          expect(truth).toContainEqual(expect.objectContaining(rest));
        }
      }
    }
  });

  it('of a machine with processes is unknown', () => {
    const truth = whole(fork, processes);
    expect(truth.map(s => s.state)).toEqual([...['running', 'running', 'finished', 'failed', 'cancelled', 'running']]);
    const now = processes.stdout.lastIndexOf('now');
    for (let n = 0; n < processes.stdout.length; n++) {
      const jobs = attempt(fork, { ...processes, stdout: processes.stdout.slice(0, n) });
      if (n <= now + 'now 1795600 '.length) expect([n, jobs]).toEqual([n, undefined]);
      else expect(jobs?.map(s => [s.id, s.state])).toEqual(truth.map(s => [s.id, s.state]));
    }
  });

  it('or that comes with a failure is unknown, whatever it shows', () => {
    const status = fc.oneof(fc.integer({ min: 1, max: 255 }), fc.constant(null));
    fc.assert(
      fc.property(
        fc.constantFrom(...queues),
        fc.constantFrom(...accounts),
        status,
        fc.nat(400),
        (q, a, exitCode, n) => {
          expect(attempt(slurm, { ...q, stdout: q.stdout.slice(0, n), exitCode }, a)).toBeUndefined();
          expect(attempt(fork, { ...processes, exitCode })).toBeUndefined();
        },
      ),
    );
  });
});

describe('an answer that was garbled', () => {
  const bits = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 6 }),
    fc.constantFrom('|', '\n', '_', '[', ']', '||', '0', '-', ','),
  );
  const hits = damage(bits, { at: 2000, gone: 12, hits: 3 });

  it('ends no job by chance: what is over is called so in a field of its own', () => {
    const nothing: Output = { stdout: '', stderr: '', exitCode: 0 };
    fc.assert(
      fc.property(fc.constantFrom(...queues), fc.constantFrom(...accounts), hits, (q, a, hits) => {
        const said = { ...q, stdout: spoil(q.stdout, hits) };
        for (const s of attempt(slurm, said) ?? []) {
          if (isOver(s.state)) expect(said.stdout.split(/[|\n]/)).toContain(s.word);
          expect(s.jobId).toMatch(/^\d+$/);
        }
        const accounted = { ...a, stdout: spoil(a.stdout, hits) };
        for (const s of whole(slurm, nothing, accounted)) {
          if (isOver(s.state)) expect(accounted.stdout.split(/[|\n ]/)).toContain(s.word);
        }
        attempt(fork, { ...processes, stdout: spoil(processes.stdout, hits) });
      }),
      { numRuns: 2000 },
    );
  });

  it('submits and cancels nothing but with an id or a SchedulerError', () => {
    const answers = slurmCases.filter(r => /^(sbatch|scancel)/.test(r.cmd)).map(outputOf);
    fc.assert(
      fc.property(fc.constantFrom(...answers), hits, (out, hits) => {
        const said = { ...out, stdout: spoil(out.stdout, hits), stderr: spoil(out.stderr, hits) };
        for (const work of [() => slurm.parseSubmit(said), () => fork.parseSubmit(said)]) {
          const id = tame(work);
          if (id !== undefined) expect([id, said.exitCode]).toEqual([expect.stringMatching(/^\d+(;\w[\w.-]*)?$/), 0]);
        }
        for (const work of [() => slurm.parseCancel(said), () => fork.parseCancel(said)]) tame(work);
      }),
      { numRuns: 500 },
    );
  });

  it('anything at all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), fc.string(), (stdout, more, stderr) => {
        attempt(slurm, { stdout, stderr, exitCode: 0 }, { stdout: more, stderr, exitCode: 0 });
        attempt(fork, { stdout, stderr, exitCode: 0 });
      }),
    );
  });
});
