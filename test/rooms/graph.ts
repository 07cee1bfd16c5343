import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { importsOf } from './imports.js';

/** One file of a source folder that imports another; both as paths in that folder. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly line: number;
}

export interface Graph {
  readonly files: readonly string[];
  readonly edges: readonly Edge[];
  /** Imports that can't be followed: computed ones, and files that are not there. */
  readonly unclear: readonly string[];
}

/** The text of each file, by its path in the source folder. */
export type Sources = ReadonlyMap<string, string>;

/** All TypeScript files of a folder. */
export function readSources(top: string): Sources {
  const files = readdirSync(top, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'));
  return new Map(files.sort().map(file => [file, readFileSync(join(top, file), 'utf8')]));
}

/** What the files import of each other. @throws SyntaxError */
export function graphOf(sources: Sources): Graph {
  const edges: Edge[] = [];
  const unclear: string[] = [];
  for (const [from, text] of sources) {
    for (const { specifier, line } of importsOf(from, text)) {
      if (specifier !== undefined && !specifier.startsWith('.')) continue;
      const to = specifier === undefined ? '' : posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts');
      if (sources.has(to)) edges.push({ from, to, line });
      else unclear.push(`${from}:${line} imports ${specifier ?? 'a module whose name is computed'}`);
    }
  }
  return { files: [...sources.keys()], edges, unclear };
}

/** The room of a file: the first folder of its path, or `.`. */
export const roomOf = (file: string): string => (file.includes('/') ? (file.split('/')[0] as string) : '.');

/** `FILE:LINE (ROOM) imports FILE (ROOM)` for each import of a room above the file's own. */
export function upwardImports({ edges }: Graph, rooms: readonly string[]): string[] {
  return edges
    .filter(({ from, to }) => rooms.indexOf(roomOf(to)) < rooms.indexOf(roomOf(from)))
    .map(({ from, to, line }) => `${from}:${line} (${roomOf(from)}) imports ${to} (${roomOf(to)})`);
}

/**
 * The rings of a graph: each set of files that all import each other, directly or through others of the set (the strongly
 * connected components, by Tarjan's algorithm), sorted.
 */
export function ringsIn({ files, edges }: Graph): string[][] {
  const next = new Map<string, string[]>(files.map(file => [file, []]));
  for (const { from, to } of edges) next.get(from)?.push(to);
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const rings: string[][] = [];
  const visit = (file: string): number => {
    order.set(file, order.size);
    low.set(file, order.get(file) as number);
    stack.push(file);
    for (const other of next.get(file) ?? []) {
      if (!order.has(other)) low.set(file, Math.min(low.get(file) as number, visit(other)));
      else if (stack.includes(other)) low.set(file, Math.min(low.get(file) as number, order.get(other) as number));
    }
    if (low.get(file) === order.get(file)) {
      const ring = stack.splice(stack.indexOf(file)).sort();
      if (ring.length > 1 || next.get(file)?.includes(file)) rings.push(ring);
    }
    return low.get(file) as number;
  };
  for (const file of files) if (!order.has(file)) visit(file);
  return rings.sort((a, b) => (a.join() < b.join() ? -1 : 1));
}
