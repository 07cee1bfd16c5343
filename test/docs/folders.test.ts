import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as errors from '../../src/errors.js';
import { packageRoot } from '../../src/paths.js';
import { rooms } from '../rooms/order.js';
import { codeIn, texts } from './texts.js';

const entries = (path: string) =>
  readdirSync(join(packageRoot, path), { withFileTypes: true }).filter(e => e.name !== '__pycache__');
const foldersIn = (path: string): string[] =>
  entries(path)
    .filter(e => e.isDirectory())
    .map(e => e.name)
    .sort();

/** The first column of the table whose head has these columns first. */
function column(file: string, head: string): string[] {
  const lines = (texts.get(file) ?? '').split('\n');
  const start = lines.findIndex(line => line.startsWith(`| ${head} |`));
  const rest = lines.slice(start + 2);
  return rest
    .slice(
      0,
      rest.findIndex(line => !line.startsWith('|')),
    )
    .map(line => line.split('|')[1]?.trim() ?? '');
}

describe('test/README.md', () => {
  it('names each folder of test, and no other', () => {
    expect(column('test/README.md', 'folder').map(cell => cell.replaceAll('`', ''))).toHaveLength(
      foldersIn('test').length,
    );
    expect(
      column('test/README.md', 'folder')
        .map(cell => cell.replaceAll('`', ''))
        .sort(),
    ).toEqual(foldersIn('test'));
  });

  /** `lab/standins/torque.js`, `pbs.js`: the second is beside the first. */
  const standIns = column('test/README.md', 'stand-in').flatMap(cell => {
    const [first = '', ...more] = [...cell.matchAll(/`([^`]+)`/g)].map(m => m[1] ?? '');
    return [first, ...more.map(name => (name.includes('/') ? name : join(first, '..', name)))];
  });

  it('names only stand-ins that there are', () => {
    expect(standIns.filter(path => !existsSync(join(packageRoot, 'test', path)))).toEqual([]);
  });

  it('names each file of the stand-ins for batch systems', () => {
    const missing = entries('test/lab/standins').filter(({ name }) => {
      const path = `lab/standins/${name}`;
      return !standIns.includes(path) && !standIns.includes(`${path}.js`);
    });
    expect(missing.map(e => e.name)).toEqual([]);
  });

  it('names what else says that it stands in for something', () => {
    for (const path of [
      'hosts/gsi',
      'headnode/doubles',
      'kubernetes/plane',
      'kubernetes/chart',
      'reana/local-steps.ts',
    ])
      expect(standIns).toContain(path);
  });
});

describe('templates/README.md', () => {
  it('names each folder of templates, and those below that are a subject of their own', () => {
    const all = foldersIn('templates').flatMap(name => [
      name,
      ...(name === 'headnode' ? foldersIn('templates/headnode').map(below => `headnode/${below}`) : []),
    ]);
    const named = column('templates/README.md', 'folder').map(cell => cell.replaceAll('`', ''));
    expect(named.sort()).toEqual(all.sort());
  });
});

/** `src/…` and the like between backticks; NAME stands for one that is to be made. */
const pathsIn = (text: string): string[] =>
  codeIn(text).spans.filter(s => /^(src|test|templates|sites|docs|bin)\/[\w./-]*$/.test(s) && !s.includes('NAME'));

it.each([...texts])('the files and folders that %s names are there', (_, text) => {
  expect(pathsIn(text).filter(path => !existsSync(join(packageRoot, path)))).toEqual([]);
});

describe('src/README.md', () => {
  it('names the rooms in their order', () => {
    expect(column('src/README.md', 'room').map(cell => cell.replaceAll('`', ''))).toEqual([...rooms]);
  });

  it('names the classes of errors', () => {
    const cells = column('src/README.md', 'class').flatMap(cell => [...cell.matchAll(/`(\w+)`/g)].map(m => m[1] ?? ''));
    const own = Object.keys(errors).filter(name => name.endsWith('Error') && name !== 'ScailfinError');
    expect(cells.sort()).toEqual(own.sort());
  });
});

it.each([...texts])('what %s says to be in a file is in it', (_, text) => {
  for (const [, name = '', path = ''] of text.matchAll(/`(\w+)` in `((?:src|test|templates)\/[\w./-]+\.\w+)`/g))
    expect(readFileSync(join(packageRoot, path), 'utf8')).toContain(name);
});

describe('CONTRIBUTING.md', () => {
  const text = texts.get('CONTRIBUTING.md') ?? '';
  const git = (...words: string[]) => spawnSync('git', words, { cwd: packageRoot, encoding: 'utf8' });
  const history = git('rev-parse', '--is-shallow-repository').stdout.trim() === 'false';

  it('says how to add each kind of thing, with files and a commit', () => {
    for (const kind of ['scheduler', 'framework', 'site', 'container runtime', 'way to log in']) {
      const [, rest = ''] = text.split(`\n## A new ${kind}\n`);
      const section = rest.split('\n## ')[0] ?? '';
      expect(section, kind).toMatch(/`(src|sites)\/[^`]+`/);
      expect(section, kind).toMatch(/`git show [0-9a-f]{7,40}`/);
    }
  });

  it.skipIf(!history)('names commits that there are', () => {
    const commits = [...text.matchAll(/`git show ([0-9a-f]{7,40})`/g)].map(([, commit = '']) => commit);
    expect(commits.length).toBeGreaterThan(4);
    expect(commits.filter(commit => git('cat-file', '-e', `${commit}^{commit}`).status !== 0)).toEqual([]);
  });
});

it('the tour of README.md fits two screens', () => {
  const [, tour = ''] = (texts.get('README.md') ?? '').split('\n## The tour\n');
  expect((tour.split('\n## ')[0] ?? '').split('\n').length).toBeLessThan(2 * 40);
});

it('LICENSE is the Apache License 2.0, byte for byte', () => {
  const digest = createHash('sha256')
    .update(readFileSync(join(packageRoot, 'LICENSE')))
    .digest('hex');
  // https://www.apache.org/licenses/LICENSE-2.0.txt
  expect(digest).toBe('cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30');
});

it('CHANGELOG.md has the form of Keep a Changelog', () => {
  const headings = [...(texts.get('CHANGELOG.md') ?? '').matchAll(/^(##?#?) (.*)$/gm)].map(m => [m[1], m[2]]);
  const kinds = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'];
  for (const [level, heading = ''] of headings.slice(1)) {
    if (level === '##') expect(heading).toMatch(/^\[Unreleased\]$|^\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}$/);
    else expect(kinds).toContain(heading);
  }
  expect(headings[1]?.[1]).toBe('[Unreleased]');
});
