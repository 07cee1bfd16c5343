import { WorkspaceError } from './errors.js';
import { findNames, MOST_FOUND } from './find.js';
import { type Entry, entryAt, statsOf, walk } from './inside.js';
import { Listings, Names } from './pages.js';
import { type Size, sizeOf } from './sizes.js';

/**
 * A client's `--filter`: for each key, one of the values must be contained, in upper or lower case; all keys must match.
 */
export type Search = Readonly<Record<string, readonly string[]>>;

export interface Listed {
  readonly name: string;
  readonly size: Size;
  readonly 'last-modified': string;
}

/**
 * Without a path or glob, or with filesOnly, directories are left out. The entries come one by one, so any number is
 * possible.
 * @param from how many matching entries are skipped
 * @param size how many are returned; all are counted
 * @returns how many match
 */
export async function* list(
  root: string,
  pathOrGlob: string,
  search: Search | undefined,
  filesOnly: boolean,
  { from = 0, size = Number.POSITIVE_INFINITY }: { readonly from?: number; readonly size?: number | undefined } = {},
): AsyncGenerator<Listed, number> {
  const noDirectories = filesOnly || pathOrGlob === '';
  // only names are available without reading the attributes
  const bySight = Object.keys(search ?? {}).some(key => key !== 'name');
  const key = JSON.stringify([root, pathOrGlob, search, noDirectories]);
  const before = from > 0 && size !== undefined ? listings.find(key) : undefined;
  if (before) {
    yield* (await statsOf(root, before.slice(from, from + size))).map(listed);
    return before.length;
  }
  let total = 0;
  let many: string[] = [];
  const names = new Names();
  const told = async function* (): AsyncGenerator<Listed> {
    const entries = (await statsOf(root, many)).map(listed);
    many = [];
    for (const entry of entries) {
      if (!bySight) yield entry;
      else if (matches(entry, search) && total++ >= from && total <= from + size) yield entry;
    }
  };
  for await (const { path, isDirectory } of findNames(root, pathOrGlob)) {
    if (isDirectory && noDirectories) continue;
    if (bySight) many.push(path);
    else if (matches({ name: path }, search)) {
      if (Number.isFinite(size)) names.add(path);
      if (total++ >= from && total <= from + size) many.push(path);
    }
    if (many.length === 64) yield* told();
  }
  yield* told();
  if (total > from + size && !bySight) listings.keep(key, names);
  return total;
}

const listings = new Listings();

const listed = ({ path, stats }: Entry): Listed => ({
  name: path,
  size: sizeOf(stats.size),
  'last-modified': stats.mtime.toISOString().slice(0, 19),
});

function matches({ name, size, ...more }: Partial<Listed>, search: Search = {}): boolean {
  const texts: Record<string, string | undefined> = { name, size: size && String(size.raw), ...more };
  return Object.entries(search).every(([key, values]) =>
    values.every(value => texts[key]?.toLowerCase().includes(String(value).toLowerCase())),
  );
}

export interface Usage {
  /** With a leading slash; empty for the whole workspace. */
  readonly name: string;
  readonly size: Size;
}

/** The disk usage of files, as `du` reports it; a file with several names counts once. */
export async function diskUsage(root: string, summarize: boolean, search: Search | undefined): Promise<Usage[]> {
  const sums = new Map<string, number>();
  const seen = new Set<string>();
  const top = await entryAt(root, []);
  for await (const { path, stats } of walk(root)) {
    const inode = `${stats.dev}:${stats.ino}`;
    if (stats.nlink > 1 && !stats.isDirectory()) {
      if (seen.has(inode)) continue;
      seen.add(inode);
    }
    const names = summarize ? [''] : [path, ...parents(path)];
    for (const name of names) sums.set(name, (sums.get(name) ?? 0) + stats.blocks * 512);
    if (sums.size > MOST_FOUND)
      throw new WorkspaceError(`There are more than ${MOST_FOUND} files. Ask for their sum (--summarize).`);
  }
  const total: Usage = { name: '', size: sizeOf((sums.get('') ?? 0) + (top?.stats.blocks ?? 0) * 512) };
  sums.delete('');
  if (summarize) return [total];
  const all = [...[...sums].map(([name, bytes]) => ({ name: `/${name}`, size: sizeOf(bytes) })), total];
  return all.filter(({ name, size }) => filtered(name, size, search));
}

function* parents(path: string): Generator<string> {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) yield path.slice(0, end);
  yield '';
}

function filtered(name: string, size: Size, search: Search = {}): boolean {
  const named = search.name?.every(value => name.includes(value)) ?? true;
  return named && (search.size?.includes(String(size.raw)) ?? true);
}
