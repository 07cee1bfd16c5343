import { find } from './find.js';
import { type Entry, entryAt, walk } from './inside.js';
import { type Size, sizeOf } from './sizes.js';

/** What a client's `--filter` sends: a value matches when one contains it, whatever the case; all must match. */
export type Search = Readonly<Record<string, readonly string[]>>;

export interface Listed {
  readonly name: string;
  readonly size: Size;
  readonly 'last-modified': string;
}

/** Without a path or glob, or where only files are wanted: no directories. */
export async function list(
  root: string,
  pathOrGlob: string,
  search: Search | undefined,
  filesOnly: boolean,
): Promise<Listed[]> {
  const entries = await find(root, pathOrGlob);
  const isWanted = ({ stats }: Entry): boolean => !stats.isDirectory() || !(filesOnly || pathOrGlob === '');
  return entries
    .filter(isWanted)
    .map(listed)
    .filter(entry => matches(entry, search));
}

const listed = ({ path, stats }: Entry): Listed => ({
  name: path,
  size: sizeOf(stats.size),
  'last-modified': stats.mtime.toISOString().slice(0, 19),
});

function matches(entry: Listed, search: Search = {}): boolean {
  const texts: Record<string, string> = { ...entry, size: String(entry.size.raw) };
  return Object.entries(search).every(([key, values]) =>
    values.every(value => texts[key]?.toLowerCase().includes(String(value).toLowerCase())),
  );
}

export interface Usage {
  /** With a slash in front; empty for the whole workspace. */
  readonly name: string;
  readonly size: Size;
}

/** What files occupy on the disk, as `du` says it; a file with several names counts once. */
export async function diskUsage(root: string, summarize: boolean, search: Search | undefined): Promise<Usage[]> {
  const sums = new Map<string, number>();
  const seen = new Set<string>();
  const top = await entryAt(root, []);
  for await (const { path, stats } of walk(root)) {
    const inode = `${stats.dev}:${stats.ino}`;
    if (stats.nlink > 1 && !stats.isDirectory() && seen.has(inode)) continue;
    seen.add(inode);
    for (const name of [path, ...parents(path)]) sums.set(name, (sums.get(name) ?? 0) + stats.blocks * 512);
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
