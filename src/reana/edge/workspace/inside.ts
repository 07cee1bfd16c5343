import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir } from 'node:fs/promises';
import { WorkspaceError } from './errors.js';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
/** No honest workspace is deeper; each level costs a file descriptor while it is read. */
const deepest = 200;

/**
 * A client's path as names from the workspace's root; a leading slash means that root.
 * @throws WorkspaceError for a path which would lead out of it
 */
export function namesOf(path: string): string[] {
  const names = path.split('/').filter(name => name !== '' && name !== '.');
  const wrong = names.find(name => name === '..' || name.includes('\0'));
  if (wrong !== undefined) throw new WorkspaceError(`'${wrong}' is not a valid path component`);
  if (names.length > deepest) throw new WorkspaceError('The path has too many directories');
  return names;
}

/**
 * Opens a directory of a workspace name by name, none of them through a symbolic link, and hands out a path to what was
 * opened: Linux' `/proc/self/fd/N` stays that directory, whatever a step puts in its place meanwhile.
 * @param create makes what is missing on the way
 * @throws WorkspaceError for a symbolic link on the way
 */
export async function inside<T>(
  root: string,
  names: readonly string[],
  use: (directory: string) => Promise<T>,
  { create = false } = {},
): Promise<T> {
  let handle = await open(root, O_RDONLY | O_DIRECTORY);
  try {
    for (const name of names) {
      const next = await openDirectory(`${pathOf(handle)}/${name}`, name, create);
      await handle.close();
      handle = next;
    }
    return await use(pathOf(handle));
  } finally {
    await handle.close();
  }
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

/** A file, directory or link of a workspace, itself: links are never followed. */
export interface Entry {
  /** Relative to the workspace. */
  readonly path: string;
  readonly stats: Stats;
}

/** What is there under a path; undefined where there is nothing. The root itself counts as a directory. */
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

/** All below a directory of a workspace, by name; a directory comes before what it holds. */
export async function* walk(root: string, from: readonly string[] = []): AsyncGenerator<Entry> {
  if (from.length >= deepest) return;
  const entries = await inside(root, from, directory => list(directory, from));
  for (const entry of entries) {
    yield entry;
    if (!entry.stats.isDirectory()) continue;
    try {
      yield* walk(root, entry.path.split('/'));
    } catch (error) {
      // a step removed it, or put a link there
      if (!isNotThere(error) && !(error instanceof WorkspaceError)) throw error;
    }
  }
}

async function list(directory: string, from: readonly string[]): Promise<Entry[]> {
  const names = (await readdir(directory)).sort();
  const entries = names.map(async (name): Promise<Entry[]> => {
    try {
      return [{ path: [...from, name].join('/'), stats: await lstat(`${directory}/${name}`) }];
    } catch (error) {
      if (isNotThere(error)) return [];
      throw error;
    }
  });
  return (await Promise.all(entries)).flat();
}
