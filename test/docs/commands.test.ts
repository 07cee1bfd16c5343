import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { assemble } from '../../src/cli/program.js';
import { Ui } from '../../src/cli/ui.js';
import { packageRoot } from '../../src/paths.js';
import { codeIn, texts } from './texts.js';

const program = await assemble(new Ui(), '0.0.0');
const { scripts } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

const flagsOf = (command: Command): string[] => [
  ...command.options.flatMap(o => [o.long, o.short].filter(flag => flag !== undefined && flag !== null)),
  '--help',
  '-h',
];
const every = (at: Command): Command[] => [at, ...at.commands.flatMap(every)];
const allFlags = new Set(every(program).flatMap(flagsOf));

/** Flags of other programs that our texts name. */
const ofOthers = new Set(['--partition', '--qos']);

/** Whether the words after `scailfin` can be typed: its command, and each flag of it. @returns what is wrong */
function wrongIn(words: readonly string[]): string | undefined {
  let at = program;
  for (const word of words) {
    if (word === '--') return undefined;
    if (word.startsWith('-')) {
      const flag = word.replace(/=.*/, '');
      if (!flagsOf(at).includes(flag)) return `${at.name()} has no ${flag}`;
      continue;
    }
    const below = at.commands.find(c => c.name() === word);
    if (below) at = below;
    else if (at === program && !/^[A-Z]+$|^…$/.test(word)) return `there is no command ${word}`;
    else if (at.commands.length > 0 && at !== program && !/^[A-Z]+$|^…$/.test(word))
      return `${at.name()} has no ${word}`;
  }
  return undefined;
}

/** Each `scailfin …` in a line of shell, up to what ends a command; comments are no part of it. */
function commandsIn(line: string): string[][] {
  const shell = line.replace(/(^|\s)# .*$/, '').replaceAll(/'[^']*'|"(?!\$)[^"]*"/g, 'QUOTED');
  return [...shell.matchAll(/(?:^|[\s("])scailfin((?:[ =][^;|)"&<>]*)?)/g)].map(([, words = '']) =>
    words.trim().split(/\s+/).filter(Boolean),
  );
}

const named = [...texts].flatMap(([file, text]) => {
  const { blocks, spans } = codeIn(text);
  const commands = [...blocks, ...spans.filter(s => s.startsWith('scailfin '))].flatMap(commandsIn);
  const flags = spans.filter(s => /^-{1,2}[a-z]/.test(s)).map(s => (s.split(/[ =]/)[0] ?? '').trim());
  const npm = [...blocks, ...spans].flatMap(s => [...s.matchAll(/\bnpm (?:run )?([\w:-]+)/g)].map(m => m[0]));
  return [{ file, commands, flags, npm }];
});

describe.each(named)('$file', ({ commands, flags, npm }) => {
  it('names commands that exist, with flags that they have', () => {
    const wrong = commands.flatMap(words => {
      const why = wrongIn(words);
      return why === undefined ? [] : [`scailfin ${words.join(' ')}: ${why}`];
    });
    expect(wrong).toEqual([]);
  });

  it('names flags that some command has', () => {
    expect(flags.filter(flag => !allFlags.has(flag) && !ofOthers.has(flag))).toEqual([]);
  });

  it("names npm's own commands, or scripts of package.json", () => {
    const own = ['ci', 'pack', 'install', 'test'];
    expect(
      npm.filter(words => {
        const [, run, name = ''] = /^npm (run )?(.*)$/.exec(words) ?? [];
        return run ? scripts[name] === undefined : !own.includes(name);
      }),
    ).toEqual([]);
  });
});

it('finds commands at all', () => {
  expect(named.find(n => n.file === 'README.md')?.commands.length).toBeGreaterThan(10);
  expect(wrongIn(['up', '--sites'])).toBe('up has no --sites');
  expect(wrongIn(['proxy', 'ini'])).toBe('proxy has no ini');
  expect(wrongIn(['upp'])).toBe('there is no command upp');
});
