import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, opendir } from 'node:fs/promises';
import { WorkspaceError } from './errors.js';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
/** No real workspace is deeper; each level needs a file descriptor while it is read. */
const deepest = 200;

/**
 * Splits a client's path into names below the workspace's root; a leading slash means that root.
 * @throws WorkspaceError for a path that would lead out of it
 */
export function namesOf(path: string): string[] {
  const names = path.split('/').filter(name => name !== '' && name !== '.');
  const wrong = names.find(name => name === '..' || name.includes('\0'));
  if (wrong !== undefined) throw new WorkspaceError(`'${wrong}' is not a valid path component`);
  if (names.length > deepest) throw new WorkspaceError('The path has too many directories');
  return names;
}

/**
 * Opens a directory of a workspace name by name, never through a symbolic link, and passes on a path to what was opened:
 * on Linux `/proc/self/fd/N` stays that directory, whatever a step puts in its place meanwhile.
 * @param create makes missing directories on the way
 * @throws WorkspaceError for a symbolic link on the way
 */
export async function inside<T>(
  root: string,
  names: readonly string[],
  use: (directory: string) => Promise<T>,
  { create = false } = {},
): Promise<T> {
  const handle = await openInside(root, names, create);
  try {
    return await use(pathOf(handle));
  } finally {
    await handle.close();
  }
}

async function openInside(root: string, names: readonly string[], create = false): Promise<FileHandle> {
  let handle = await open(root, O_RDONLY | O_DIRECTORY);
  for (const name of names) {
    const before = handle;
    try {
      handle = await openDirectory(`${pathOf(before)}/${name}`, name, create);
    } finally {
      await before.close();
    }
  }
  return handle;
}

async function openDirectory(path: string, name: string, create: boolean): Promise<FileHandle> {
  if (create) {
    await mkdir(path).catch(error => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
  try {
    return await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    const link = (await lstat(path).catch(() => undefined))?.isSymbolicLink();
    if (link) throw new WorkspaceError(`Opening symlink '${name}' is not allowed`);
    throw error;
  }
}

const pathOf = (handle: FileHandle): string => `/proc/self/fd/${handle.fd}`;

/** A file, directory or link of a workspace. Links are never followed. */
export interface Entry {
  /** Relative to the workspace. */
  readonly path: string;
  readonly stats: Stats;
}

/** The entry at a path; undefined if there is none. The root itself counts as a directory. */
export async function entryAt(root: string, names: readonly string[]): Promise<Entry | undefined> {
  const name = names.at(-1);
  try {
    if (name === undefined) return { path: '', stats: await lstat(root) };
    const stats = await inside(root, names.slice(0, -1), directory => lstat(`${directory}/${name}`));
    return { path: names.join('/'), stats };
  } catch (error) {
    if (isNotThere(error)) return undefined;
    throw error;
  }
}

export const isNotThere = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes((error as { code?: string }).code ?? '');

/** A name in a workspace, without its attributes. */
export interface Name {
  /** Relative to the workspace. */
  readonly path: string;
  readonly isDirectory: boolean;
}

/**
 * A directory with more names than this is listed in the file system's own order, because sorting would hold all of them
 * in memory.
 */
const MOST_SORTED = 50_000;

/** Everything below a directory of a workspace, sorted by name; a directory comes before its content. */
export async function* walkNames(root: string, from: readonly string[] = []): AsyncGenerator<Name> {
  if (from.length >= deepest) return;
  for await (const name of namesIn(root, from)) {
    yield name;
    if (!name.isDirectory) continue;
    try {
      yield* walkNames(root, name.path.split('/'));
    } catch (error) {
      // a step removed it, or replaced it by a link
      if (!isNotThere(error) && !(error instanceof WorkspaceError)) throw error;
    }
  }
}

/** The same, with the attributes of each entry. */
export async function* walk(root: string, from: readonly string[] = []): AsyncGenerator<Entry> {
  let many: string[] = [];
  for await (const { path } of walkNames(root, from)) {
    many.push(path);
    if (many.length < 64) continue;
    yield* await statsOf(root, many);
    many = [];
  }
  yield* await statsOf(root, many);
}

/** The attributes of paths that were found in a workspace, in this order; paths that have vanished are left out. */
export async function statsOf(root: string, paths: readonly string[]): Promise<Entry[]> {
  const groups: { readonly from: string; readonly paths: string[] }[] = [];
  for (const path of paths) {
    const from = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    if (groups.at(-1)?.from !== from) groups.push({ from, paths: [] });
    groups.at(-1)?.paths.push(path);
  }
  const entries: Entry[] = [];
  for (const group of groups) entries.push(...(await statsIn(root, group.from, group.paths)));
  return entries;
}

async function statsIn(root: string, from: string, paths: readonly string[]): Promise<Entry[]> {
  const names = from === '' ? [] : from.split('/');
  const unlessGone = (error: unknown): undefined => {
    // a directory on the way may be a link by now
    if (!isNotThere(error) && !(error instanceof WorkspaceError)) throw error;
  };
  const look = (directory: string): Promise<(Entry | undefined)[]> =>
    Promise.all(
      paths.map(async path => {
        const stats = await lstat(`${directory}/${path.slice(path.lastIndexOf('/') + 1)}`).catch(unlessGone);
        return stats && { path, stats };
      }),
    );
  const entries = (await inside(root, names, look).catch(unlessGone)) ?? [];
  return entries.filter(entry => entry !== undefined);
}

async function* namesIn(root: string, from: readonly string[]): AsyncGenerator<Name> {
  const first: Name[] = [];
  let isMany = false;
  for await (const name of openNames(root, from)) {
    if (isMany) yield name;
    else if (first.push(name) === MOST_SORTED) {
      isMany = true;
      yield* first.splice(0);
    }
  }
  // sorting by path, because the beginning is the same
  if (!isMany) yield* first.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function* openNames(root: string, from: readonly string[]): AsyncGenerator<Name> {
  const handle = await openInside(root, from);
  try {
    for await (const entry of await opendir(pathOf(handle), { bufferSize: 512 })) {
      yield { path: [...from, entry.name].join('/'), isDirectory: entry.isDirectory() };
    }
  } finally {
    await handle.close();
  }
}
