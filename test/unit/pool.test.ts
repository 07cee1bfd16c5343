import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ScailfinError } from '../../src/errors.js';
import { parsePool } from '../../src/htcondor/query.js';
import { recorded, recordings } from '../recordings/recordings.js';

const all = recordings('htcondor');

/** What pool-query prints, of recorded answers. */
function answer(slots: string, jobs: string, now = 1795330900): { stdout: string; stderr: string } {
  const [s, j] = [recorded(all, slots), recorded(all, jobs)];
  const failed = (exit: number): string => (exit === 0 ? '' : 'failed\n');
  const stdout = `pool=alive\nnow=${now}\n== slots\n${s.stdout}${failed(s.exit)}== jobs\n${j.stdout}${failed(j.exit)}`;
  return { stdout, stderr: s.stderr };
}
const parse = (slots: string, jobs: string) => {
  const { stdout, stderr } = answer(slots, jobs);
  return parsePool(stdout, stderr);
};

describe('the pool', () => {
  it.each(['none', 'dead'] as const)('%s', pool => {
    expect(parsePool(`pool=${pool}\n`)).toEqual({ pool, glideins: [], tokens: [], jobs: undefined });
  });

  it('alive, with nobody in it', () => {
    expect(parse('slots.none', 'jobs.none')).toEqual({
      pool: 'alive',
      glideins: [],
      tokens: [],
      jobs: { idle: 0, running: 0, held: 0, total: 0 },
    });
  });

  it('a glide-in that has nothing to do yet', () => {
    expect(parse('slots.idle', 'jobs.none').glideins).toMatchObject([
      {
        ...{ job: '17_2', site: 'nersc', node: 'localhost', cores: 8, busy: 0, jobs: 0, memory: 16000 },
        ends: 1795400000,
      },
    ]);
  });

  it('one with two jobs of three cores, and a queue with idle and held jobs', () => {
    const { glideins, jobs } = parse('slots.busy', 'jobs.some');
    expect(glideins).toHaveLength(1);
    expect(glideins[0]).toMatchObject({ job: '15_1', bearer: '5e7bcb63', cores: 8, busy: 6, jobs: 2 });
    expect(jobs).toEqual({ idle: 1, running: 2, held: 1, total: 4 });
  });

  it('a machine that says of itself what makes no sense is seen all the same', () => {
    const { stdout } = answer('slots.busy', 'jobs.none');
    const odd = stdout.replace(/^ *"ScailfinGlidein".*\n/m, '').replace(/"ChildCpus": \[[^\]]*\]/, '"ChildCpus": 7');
    expect(parsePool(odd).glideins).toMatchObject([{ job: '', name: 'slot1@15_1.5e7bcb63@c1', busy: 0, jobs: 2 }]);
  });

  it('tokens, with what each is for', () => {
    const { stdout } = answer('slots.none', 'jobs.none');
    const told = 'site=nersc label=b1 made=1795330000 until=1795940000 cores=8 memory=16000';
    const lines = `token=id=old made=1 until=2592001 revoked=yes\ntoken=id=a1b2c3d4 ${told} revoked=\n`;
    expect(parsePool(stdout.replace('== slots', `${lines}== slots`)).tokens).toEqual([
      { id: 'old', site: '', label: '', made: 1, until: 2592001, cores: 0, memory: 0, revoked: true },
      {
        ...{ id: 'a1b2c3d4', site: 'nersc', label: 'b1', made: 1795330000, until: 1795940000 },
        ...{ cores: 8, memory: 16000, revoked: false },
      },
    ]);
  });

  it('a login banner does not hurt', () => {
    const { stdout } = answer('slots.busy', 'jobs.some');
    expect(parsePool(`Welcome\n== news ==\n${stdout}`)).toEqual(parsePool(stdout));
  });

  it('that lives but whose collector does not answer is unknown, in its own words', () => {
    expect(() => parse('slots.down', 'jobs.down')).toThrow(/Failed to connect to <127.0.0.1:9618>/);
    expect(() => parse('slots.down', 'jobs.down')).toThrow(ScailfinError);
  });

  it('whose queue does not answer has no numbers rather than zeros', () => {
    const found = parse('slots.busy', 'jobs.down');
    expect(found.glideins).toHaveLength(1);
    expect(found.jobs).toBeUndefined();
  });

  it.each(['', 'pool=alive\n', 'pool=\n', 'pool=sleepy\n== slots\n[]\n== jobs\n', 'pool=alive\n== slots\n[]\n'])(
    '%j is no answer',
    text => expect(() => parsePool(text, '')).toThrow(ScailfinError),
  );

  it.each(['{}', '[null]', '[1]', '"x"', '[{', 'null', 'Error: x'])('slots that read %s are no answer', slots => {
    expect(() => parsePool(`pool=alive\n== slots\n${slots}\n== jobs\n`)).toThrow(ScailfinError);
  });

  it('cut anywhere, it is unknown or right', () => {
    const { stdout } = answer('slots.busy', 'jobs.some');
    const whole = parsePool(stdout);
    for (let n = 0; n < stdout.length; n++) {
      let part: ReturnType<typeof parsePool>;
      try {
        part = parsePool(stdout.slice(0, n));
      } catch (error) {
        expect(error).toBeInstanceOf(ScailfinError);
        continue;
      }
      expect([n, part.pool, part.glideins]).toEqual([n, 'alive', whole.glideins]);
      expect([n, [whole.jobs, undefined]]).toEqual([n, expect.arrayContaining([part.jobs])]);
    }
  });

  it('garbled, it throws nothing else', () => {
    const { stdout } = answer('slots.busy', 'jobs.some');
    fc.assert(
      fc.property(
        fc.nat(stdout.length - 1),
        fc.nat(20),
        fc.string({ unit: 'binary', maxLength: 5 }),
        (at, gone, put) => {
          try {
            parsePool(stdout.slice(0, at) + put + stdout.slice(at + gone));
          } catch (error) {
            expect(error).toBeInstanceOf(ScailfinError);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
