import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { ProfileError } from '../../src/errors.js';
import { packageRoot } from '../../src/paths.js';
import { parseProfile } from '../../src/sites/profile.js';

/** A profile, or a ProfileError whose positions lie in the text; never anything else. */
function survives(text: string): void {
  try {
    parseProfile(text, 'x.yaml');
  } catch (error) {
    expect(error).toBeInstanceOf(ProfileError);
    const { issues } = error as ProfileError;
    expect(issues.length).toBeGreaterThan(0);
    for (const issue of issues) {
      expect(issue.line).toBeGreaterThan(0);
      expect(issue.column).toBeGreaterThan(0);
      expect(issue.line).toBeLessThanOrEqual(text.split(/\r\n|[\r\n]/).length + 1);
      expect(issue.message).not.toMatch(/Invalid input|expected .* received|undefined/);
    }
  }
}

const shipped = ['local', 'nersc', 'bluewaters'].map(n =>
  readFileSync(join(packageRoot, 'sites', `${n}.yaml`), 'utf8'),
);
const bits = fc.constantFrom(
  ':',
  ' ',
  '\n',
  '\t',
  '-',
  '? ',
  '[',
  ']',
  '{',
  '}',
  '"',
  "'",
  '#',
  '&a ',
  '*a',
  '!x ',
  '|',
  '>',
  '%',
  '0',
  'é',
  '\0',
);

describe('parseProfile on anything', () => {
  it('arbitrary text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), survives), { numRuns: 500 });
    fc.assert(
      fc.property(fc.array(bits, { maxLength: 60 }), parts => survives(parts.join(''))),
      { numRuns: 1000 },
    );
  });

  it('arbitrary data under the right keys', () => {
    const anything = fc.anything({ maxDepth: 2, withBigInt: false });
    const key = fc.constantFrom(
      'name',
      'title',
      'login',
      'scheduler',
      'queues',
      'node',
      'containers',
      'htcondor',
      'notes',
      '__proto__',
    );
    const data = fc.dictionary(
      key,
      fc.oneof(anything, fc.dictionary(fc.constantFrom('type', 'hosts', 'directives', 'x'), anything)),
    );
    fc.assert(
      fc.property(data, value => survives(stringify(JSON.parse(JSON.stringify(value))))),
      { numRuns: 500 },
    );
  });

  it('shipped profiles with a piece torn out or put in', () => {
    const edit = fc.tuple(
      fc.constantFrom(...shipped),
      fc.nat(6000),
      fc.nat(30),
      fc.oneof(bits, fc.string({ maxLength: 8 })),
    );
    fc.assert(
      fc.property(edit, ([text, at, length, put]) => {
        const from = at % text.length;
        survives(text.slice(0, from) + put + text.slice(from + length));
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['brackets', '[\n'.repeat(20000)],
    ['dashes', '- '.repeat(20000)],
    ['indentation', Array.from({ length: 400 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
    [
      'aliases',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghi'].map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefgh'[i]}`)}]`).join('\n')}`,
    ],
    ['a ring', 'login: &x\n  hosts: *x\n'],
    ['an unknown alias', 'login: *x\n'],
    ['size', '# \n'.repeat(100_000)],
  ])('%s without end', (_, text) => survives(text));
});
