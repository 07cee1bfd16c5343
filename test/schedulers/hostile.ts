import fc, { type Arbitrary } from 'fast-check';
import { expect, it } from 'vitest';
import { launchers } from '../../src/schedulers/job.js';
import type { Reader } from '../../src/schedulers/understanding.js';
import type { Recording } from '../recordings/recordings.js';

/** Texts of these pieces and harmless ones. */
export const textOf = (pieces: Arbitrary<string>, maxLength = 5): Arbitrary<string> =>
  fc.array(fc.oneof(pieces, fc.stringMatching(/^[a-z0-9]{1,4}$/)), { maxLength }).map(parts => parts.join(''));

export const orPlain = (text: Arbitrary<string>): Arbitrary<string> =>
  fc.oneof(text, fc.stringMatching(/^[A-Za-z0-9_.-]{1,12}$/));

/** What of a job comes from a profile or a command line, in such texts. */
export const jobFields = (text: Arbitrary<string>) =>
  fc.record({
    tag: text,
    queue: fc.option(text, { nil: undefined }),
    account: fc.option(text, { nil: undefined }),
    logDir: text.map(t => `/logs/${t}`),
    directives: fc.array(text, { maxLength: 2 }),
    queueOption: fc.constantFrom('partition' as const, 'qos' as const),
    launcher: fc.constantFrom(...launchers),
    arrays: fc.boolean(),
  });

/** Where something is cut out of an answer, how much, and what stands there instead. */
type Hit = [at: number, gone: number, put: string];

export const damage = (put: Arbitrary<string>, most: { at: number; gone: number; hits: number }): Arbitrary<Hit[]> =>
  fc.array(fc.tuple(fc.nat(most.at), fc.nat(most.gone), put), { minLength: 1, maxLength: most.hits });

export const spoil = (text: string, hits: readonly Hit[]): string =>
  hits.reduce((t, [at, gone, put]) => {
    const n = at % Math.max(1, t.length);
    return t.slice(0, n) + put + t.slice(n + gone);
  }, text);

/** Whatever comes is answered, and jobs are never called anything but by an id. */
export function answersAnything(read: Reader, all: readonly Recording[]): void {
  it('whatever comes is answered', () => {
    const anything = fc.string({ unit: 'binary' });
    const status = fc.integer({ min: 0, max: 2 });
    fc.assert(
      fc.property(fc.constantFrom(...all), anything, fc.nat(3000), fc.nat(20), status, (r, put, at, gone, exitCode) => {
        const stdout = r.stdout.slice(0, at) + put + r.stdout.slice(at + gone);
        for (const job of read(r.cmd, { stdout, stderr: r.stderr, exitCode }).jobs)
          expect(job.id).toMatch(/^\d+(_\d+)?$/);
        read(put, { stdout, stderr: put, exitCode: null });
      }),
      { numRuns: 500 },
    );
  });
}
