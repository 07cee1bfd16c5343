import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { services } from '../../src/frameworks/registry.js';
import { packageRoot } from '../../src/paths.js';
import { type Graph, graphOf, readSources, ringsIn, roomOf, type Sources, upwardImports } from './graph.js';
import { importsOf } from './imports.js';
import { knownRings, rooms } from './order.js';

const sources = readSources(join(packageRoot, 'src'));
const unknownRings = (graph: Graph) => ringsIn(graph).filter(ring => !knownRings.some(k => k.join() === ring.join()));

describe('the rooms of src', () => {
  const graph = graphOf(sources);

  test('every folder has its place in the order, and every place its folder', () => {
    expect([...new Set(graph.files.map(roomOf))].sort()).toEqual([...rooms].sort());
  });

  test('every import can be followed', () => {
    expect(graph.unclear).toEqual([]);
    expect(graph.edges.length).toBeGreaterThan(1000);
  });

  test('no file imports anything of a room above its own', () => {
    expect(upwardImports(graph, rooms)).toEqual([]);
  });

  test('no files import each other in a ring', () => {
    expect(unknownRings(graph)).toEqual([]);
  });

  test('a cluster knows no framework by its name: what is about one is in its folder', () => {
    const words = services.flatMap(({ name, title }) => [name, title]);
    const named = new RegExp(words.join('|'), 'i');
    expect(named.test('import { reana } from')).toBe(true);
    const files = [...sources].filter(([file]) => /^cluster\/|^cli\/(up|status|down|scale)\.ts$/.test(file));
    expect(files.length).toBeGreaterThan(50);
    const found = files.flatMap(([file, text]) =>
      text.split('\n').flatMap((line, n) => (named.test(line) ? [`${file}:${n + 1} ${line.trim()}`] : [])),
    );
    expect(found).toEqual([]);
  });

  test('a known ring that is gone is no longer listed', () => {
    expect(ringsIn(graph)).toEqual(expect.arrayContaining(knownRings.map(ring => [...ring].sort())));
  });
});

describe('the check itself', () => {
  /** src with these lines more at the end of some files; a file that is not there is made. */
  const planted = (lines: { [file: string]: string }, into: Sources = sources): Graph =>
    graphOf(new Map([...into, ...Object.entries(lines).map(([f, l]) => [f, `${into.get(f) ?? ''}${l}\n`] as const)]));
  const clean = ringsIn(graphOf(sources));

  test.each([
    "import '../cluster/planted.js';",
    "import { x } from '../cluster/planted.js';",
    "import type { x } from '../cluster/planted.js';",
    "import { type x } from '../cluster/planted.js';",
    "export { x } from '../cluster/planted.js';",
    "export * from '../cluster/planted.js';",
    "export type * from '../cluster/planted.js';",
    "export const late = () => import('../cluster/planted.js');",
    "export type X = typeof import('../cluster/planted.js');",
    "export type X = import('../cluster/planted.js').X;",
    "import x = require('../cluster/planted.js');",
    "export const x = require('../cluster/planted.js');",
  ])('finds an upward import: %s', text => {
    const graph = planted({ 'hosts/planted.ts': `\n${text}`, 'cluster/planted.ts': '' });
    expect(upwardImports(graph, rooms)).toEqual(['hosts/planted.ts:2 (hosts) imports cluster/planted.ts (cluster)']);
  });

  test('finds an upward import out of the files of src itself', () => {
    const found = upwardImports(planted({ 'text.ts': "import type { Host } from './hosts/host.js';" }), rooms);
    expect(found).toEqual([expect.stringMatching(/^text\.ts:\d+ \(\.\) imports hosts\/host\.ts \(hosts\)$/)]);
  });

  test.each(["import('../' + name)", "import(name + '.js')", "import('../no-such.js')"])(
    'does not pass over an import that it cannot follow: %s',
    call => {
      const { unclear } = planted({ 'hosts/planted.ts': `export const late = (name: string) => ${call};` });
      expect(unclear).toEqual([expect.stringMatching(/^hosts\/planted\.ts:1 imports /)]);
    },
  );

  test('finds a folder that has no place in the order', () => {
    const { files } = planted({ 'attic/chest.ts': '' });
    expect(files.map(roomOf).filter(room => !rooms.includes(room))).toEqual(['attic']);
  });

  test('finds a ring of two files, one of three, and a file that imports itself', () => {
    const rings = (lines: { [file: string]: string }) =>
      ringsIn(planted(lines)).filter(r => !clean.some(c => c.join() === r.join()));
    const two = { 'hosts/a.ts': "import type { B } from '../b.js';", 'b.ts': "export { a } from './hosts/a.js';" };
    expect(rings(two)).toEqual([['b.ts', 'hosts/a.ts']]);
    const three = {
      'a.ts': "import './b.js';",
      'b.ts': "export const late = () => import('./c.js');",
      'c.ts': "export type * from './a.js';",
    };
    expect(rings(three)).toEqual([['a.ts', 'b.ts', 'c.ts']]);
    expect(rings({ ...three, 'b.ts': '' })).toEqual([]);
    expect(rings({ 'a.ts': "import './a.js';" })).toEqual([['a.ts']]);
  });

  test('comments and strings are no imports', () => {
    const text =
      "// import './a.js'\n/* import('./b.js') */\nexport const c = \"import './c.js'\";\nimport './d.js';\n";
    expect(importsOf('toy.ts', text)).toEqual([{ specifier: './d.js', line: 4 }]);
  });
});
