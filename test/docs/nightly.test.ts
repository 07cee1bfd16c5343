import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/paths.js';

const top = join(packageRoot, 'test');
const files = readdirSync(top, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.test.ts'));
const firstLine = (file: string): string => readFileSync(join(top, file), 'utf8').split('\n', 1)[0] ?? '';
const isNightly = (file: string): boolean => firstLine(file).startsWith('// @module-tag nightly');

/** The files and folders of tests that a sentence names: `cluster/relay`, `model`. */
const namedIn = (sentence: string): string[] =>
  sentence
    .split(/[\s,]+/)
    .filter(word => word.includes('/') || existsSync(join(top, word)))
    .map(word => (existsSync(join(top, `${word}.test.ts`)) ? `${word}.test.ts` : word));

it.each(files.filter(isNightly))('%s says what shows the same kind of thing each time', file => {
  const [, sentence = ''] = firstLine(file).split('; each time: ');
  const named = namedIn(sentence);
  expect(named).not.toEqual([]);
  for (const name of named) {
    expect(existsSync(join(top, name)), name).toBe(true);
    if (name.endsWith('.test.ts')) expect(isNightly(name), `${name} is nightly itself`).toBe(false);
  }
});
