import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/paths.js';
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

/** `src/…` and the like between backticks. */
const pathsIn = (text: string): string[] =>
  codeIn(text).spans.filter(s => /^(src|test|templates|sites|docs|bin)\/[\w./-]*$/.test(s));

it.each([...texts])('the files and folders that %s names are there', (_, text) => {
  expect(pathsIn(text).filter(path => !existsSync(join(packageRoot, path)))).toEqual([]);
});
