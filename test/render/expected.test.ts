/*
 * What is made of a few telling choices, as it was reviewed: all that is not sent as it stands in templates/.
 * Once a difference is wanted: UPDATE_EXPECTED=1 npm test -- test/render/expected, and review `git diff test/render`.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/paths.js';
import { choices, ofChoice, type Rendered } from './helpers/rendered.js';

const expected = fileURLToPath(new URL('expected', import.meta.url));

const filesBelow = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => relative(dir, join(entry.parentPath, entry.name)))
    .sort();

const templates = join(packageRoot, 'templates');
const asTheyAre = new Set(filesBelow(templates).map(name => readFileSync(join(templates, name), 'utf8')));

/** The wrapper is nothing but templates, too, and the edge's settings name this version: both have tests of their own. */
const made = (all: Rendered): Record<string, string> =>
  Object.fromEntries(
    [...all]
      .filter(([name, text]) => !asTheyAre.has(text) && !/\/step\.sh$|settings\.json$/.test(name))
      // the digest of the image's files
      .map(([name, text]) => [name, text.replace(/(job-controller:)[0-9a-f]{12}$/m, '$1TAG')]),
  );

function update(dir: string, files: Record<string, string>): void {
  rmSync(dir, { recursive: true, force: true });
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
}

describe('what is rendered is what was reviewed', () => {
  it.each(Object.keys(choices))('for %s', async name => {
    const files = made(await ofChoice(name));
    const dir = join(expected, name);
    if (process.env.UPDATE_EXPECTED) update(dir, files);
    expect(files).toEqual(Object.fromEntries(filesBelow(dir).map(f => [f, readFileSync(join(dir, f), 'utf8')])));
  });

  it('of every choice, and of no other', () => {
    expect(readdirSync(expected).sort()).toEqual(Object.keys(choices).sort());
  });
});
