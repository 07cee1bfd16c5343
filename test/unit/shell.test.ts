import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commandLine, quote } from '../../src/shell.js';

/** What a shell makes of a command line: the arguments, each ended by a NUL. */
function words(shell: string, line: string): string[] {
  const out = execFileSync(shell, ['-s'], { input: `printf '%s\\0' ${line}\n` });
  return out.toString('utf8').split('\0').slice(0, -1);
}

const nasty = fc.constantFrom(
  ...[
    "'",
    '"',
    '\\',
    '$',
    '`',
    '$(id)',
    '\n',
    '\r',
    '\t',
    ' ',
    '!',
    '*',
    '?',
    '[a]',
    '~',
    '#',
    ';',
    '&',
    '|',
    '<',
    '>',
  ],
  ...['(', ')', '{a,b}', '-n', '--', '=', '%s', 'é', '\u2028', '\u{1f600}', '\x01', '\x7f', '^', '\\n', "'\\''"],
);
const word = fc.oneof(
  fc.array(nasty, { maxLength: 8 }).map(parts => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 20 }).map(s => s.replaceAll('\0', '')),
);

describe.each(['sh', 'bash'])('quoting for %s', shell => {
  it('every word arrives as it was', () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 30 }), list => {
        expect(words(shell, commandLine(list))).toEqual(list.map(w => Buffer.from(w).toString('utf8')));
      }),
      { numRuns: 60 },
    );
  });
});

describe('quote', () => {
  it('leaves plain words readable', () => {
    expect(commandLine(['squeue', '--user=alice', '-o', '%i|%T', '/a/b_c.d'])).toBe(
      "squeue --user=alice -o '%i|%T' /a/b_c.d",
    );
  });
  it('an empty word is a word', () => expect(quote('')).toBe("''"));
  it('a home directory is not looked up', () => expect(quote('~root')).toBe("'~root'"));
  it('refuses what no shell word can hold', () => expect(() => quote('a\0b')).toThrow(TypeError));
});
