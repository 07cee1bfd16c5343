import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { ScailfinError } from '../../src/errors.js';
import { runAll } from '../../src/hosts/batch.js';
import type { Host, RunOptions } from '../../src/hosts/host.js';
import { type BatchJobStatus, isOver, type Output } from '../../src/schedulers/job.js';
import { mostJobs } from '../../src/schedulers/most.js';
import { readerOf, type SchedulerName, schedulerFor, schedulerNames } from '../../src/schedulers/registry.js';
import { listJobs } from '../../src/schedulers/runner.js';
import { expected } from '../conformance/table.js';
import { outputOf, recordings } from '../recordings/recordings.js';
import { damage, spoil } from '../schedulers/hostile.js';
import { query } from '../schedulers/jobs.js';
import { attack } from './attack.js';
import { tries } from './thorough.js';

const put = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom(
    '\n',
    '\r\n',
    '\0',
    '<',
    '>',
    '|',
    '"',
    '\n\n',
    '{',
    ']',
    '17',
    '-1',
    '9'.repeat(400),
    '__proto__',
    'constructor',
  ),
);
const hits = damage(put, { at: 5_000, gone: 60, hits: 4 });

/** What came of it; only an error of ours is a good end. */
function tried<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    expect(error).toBeInstanceOf(ScailfinError);
    return undefined;
  }
}

describe('what a batch system says, spoilt', () => {
  for (const name of schedulerNames) {
    const scheduler = schedulerFor(name);
    const all = recordings(expected[name]?.system ?? 'slurm').map(outputOf);
    const asked = query({ ids: ['17', '59'] });
    const places = scheduler.list(asked).length;

    attack(
      { by: 'a batch system', on: 'here', what: `crashes the adapter of ${name} by garbage` },
      count => {
        fc.assert(
          fc.property(
            fc.array(fc.constantFrom(...all), { minLength: places, maxLength: places }),
            hits,
            (outs, where) => {
              const spoilt = outs.map(out => ({
                ...out,
                stdout: spoil(out.stdout, where),
                stderr: spoil(out.stderr, where.slice(1)),
              }));
              for (const status of tried(() => scheduler.parseList(spoilt, asked)) ?? []) {
                expect(status.id).toMatch(/^\d+(_(\d+|\[.*\]))?$/);
                expect(typeof status.state).toBe('string');
              }
              tried(() => scheduler.parseCancel(spoilt[0] as Output));
              const id = tried(() => scheduler.parseSubmit(spoilt[0] as Output));
              if (id !== undefined) expect(id).toMatch(/^[\w.]+(;\w+)?$/);
              count();
            },
          ),
          { numRuns: tries(500) },
        );
      },
      120_000,
    );

    attack(
      { by: 'a batch system', on: 'here', what: `has a running job of ${name} taken for one that is over, by garbage` },
      async count => {
        // nothing but noise: no word of the system's own about any job
        const noise = fc.oneof(
          fc.string({ unit: 'binary', maxLength: 200 }),
          fc.array(put, { maxLength: 8 }).map(parts => parts.join('')),
        );
        await fc.assert(
          fc.asyncProperty(noise, noise, fc.constantFrom(0, 1, 255, null), async (stdout, stderr, exitCode) => {
            const texts = Array.from({ length: places }, () => ({ stdout: `x${stdout}`, stderr, exitCode }));
            const jobs = tried(() => scheduler.parseList(texts, asked));
            for (const status of jobs ?? []) expect([status, isOver(status.state)]).toEqual([status, false]);
            count();
          }),
          { numRuns: tries(500) },
        );
      },
      120_000,
    );
  }

  attack(
    { by: 'a batch system', on: 'here', what: "has a job taken for one that has gone, by a row that can't be read" },
    count => {
      const row = '17_1|17|RUNNING|1:00|n1|None|sf-test';
      const read = (line: string): BatchJobStatus[] | undefined =>
        tried(() =>
          schedulerFor('slurm').parseList([{ stdout: `${line}\n`, stderr: '', exitCode: 0 }], query({ ids: ['17'] })),
        );
      expect(read(row)?.map(job => job.id)).toEqual(['17_1']);
      fc.assert(
        fc.property(fc.nat(3), fc.constantFrom('x', '\0', '-', '\u00e9', ' '), (at, bad) => {
          const spoilt = row.slice(0, at) + bad + row.slice(at + 1);
          // told as it is, or not understood: never no job at all
          expect([spoilt, read(spoilt)?.length]).not.toEqual([spoilt, 0]);
          count();
        }),
        { numRuns: tries(200) },
      );
    },
  );

  attack(
    { by: 'a batch system', on: 'here', what: 'has a few bytes stand for more jobs than memory holds' },
    count => {
      const parse = (name: SchedulerName, ...stdouts: string[]): BatchJobStatus[] | undefined =>
        tried(() =>
          schedulerFor(name).parseList(
            stdouts.map(stdout => ({ stdout, stderr: '', exitCode: 0 })),
            query({ ids: ['1'] }),
          ),
        );
      const many = (row: (n: number) => string): string => Array.from({ length: 400 }, (_, n) => row(n)).join('');
      const lists = [
        '0-4000000',
        Array(2_000).fill('0-199998').join(','),
        '0-99999999999',
        '100000000000000000000',
        `0-${'9'.repeat(400)}`,
      ];
      for (const list of lists) {
        const jobs = parse(
          'slurm',
          many(n => `${n}_[${list}]|${n}|PENDING|1:00||None|sf-test\n`),
          '',
        );
        expect(jobs?.length ?? 0).toBeLessThanOrEqual(mostJobs);
        const element = (n: number): string =>
          `<job_list><JB_job_number>${n}</JB_job_number><JB_name>sf-test</JB_name><full_job_name>sf-test</full_job_name>` +
          `<JB_owner>alice</JB_owner><state>qw</state><tasks>${list.replaceAll('0-', '1-')}</tasks></job_list>`;
        const rows = parse('sge', `<job_info>${many(element)}</job_info>`, '', '', '');
        expect(rows?.length ?? 0).toBeLessThanOrEqual(mostJobs);
        count(2);
      }
      // an array of a size that a site may allow is told task by task
      expect(parse('slurm', '1_[0-99999]|1|PENDING|1:00||None|sf-test\n', '')?.length).toBe(100_000);
      const batch =
        'OWNER BATCH_NAME  SUBMITTED   DONE   RUN    IDLE   HOLD  TOTAL JOB_IDS\na b 11/22 09:14 _ 99999999999 _ _ _ 4.0-99999999998\n';
      expect(readerOf('htcondor')?.('condor_q', { stdout: batch, stderr: '', exitCode: 0 }).jobs.length).toBeLessThan(
        10,
      );
      // more than there can be is no answer, and so nobody's job is over
      const host = {
        run: async (_: string[], { stdin }: RunOptions) => ({ stdout: answersOf(stdin), stderr: '', exitCode: 0 }),
      } as unknown as Host;
      const answersOf = (script: unknown): string => {
        const mark = /--[0-9a-f]{18}--/.exec(String(script))?.[0];
        const rows = many(n => `${n}_[0-150000]|${n}|PENDING|1:00||None|sf-test\n`);
        return `${mark}0\n${rows}\n${mark}\n\n${mark}0\n\n${mark}\n\n`;
      };
      return expect(listJobs(host, schedulerFor('slurm'), query({ ids: ['1'] }))).rejects.toThrow(
        /more than 200000 jobs/,
      );
    },
    120_000,
  );

  attack({ by: 'a login node', on: 'here', what: 'answers a batch of commands with garbage' }, async count => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async stdout => {
        const host = { run: async () => ({ stdout, stderr: '', exitCode: 0 }) } as unknown as Host;
        // no answer at all is what an adapter calls unknown
        expect(await runAll(host, [{ argv: ['a'] }, { argv: ['b'] }])).toEqual([]);
        count();
      }),
      { numRuns: tries(300) },
    );
  });
});
