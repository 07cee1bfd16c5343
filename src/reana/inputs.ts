import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, UsageError } from '../errors.js';
import { type Folder, FolderError } from './folder.js';

/** A file to be uploaded. */
export interface Input {
  /** In the folder, and in the workspace. */
  readonly path: string;
}

/** Each is a request of its own; links that lead to directories again and again would make any number. */
const mostFiles = 100_000;

/** @throws UsageError where it is not there, FolderError for a link that leads out */
export async function oneFile(folder: Folder, path: string): Promise<Input> {
  const real = await folder.real(path);
  if (real && (await stat(real)).isFile()) return { path };
  throw new UsageError(`the input file ${path} is not there`, { hint: `looked for ${join(folder.path, path)}` });
}

/**
 * All files below a directory, those too that links in it lead to, each under the name it is found by.
 * @throws UsageError where it is not there, FolderError for a link that leads out or back
 */
export async function wholeDirectory(folder: Folder, dir: string, add: (input: Input) => void): Promise<void> {
  const real = await folder.real(dir);
  if (!real || !(await stat(real)).isDirectory())
    throw new UsageError(`the input directory ${dir} is not there`, { hint: `looked for ${join(folder.path, dir)}` });
  let found = 0;
  await below(folder, dir, [real], input => {
    if (++found > mostFiles)
      throw new UsageError(`the input directory ${dir} has more than ${mostFiles} files`, {
        hint: 'pack them into an archive, or have the first step fetch them',
      });
    add(input);
  });
}

/** @param above the real directories on the way, this one last */
async function below(
  folder: Folder,
  dir: string,
  above: readonly string[],
  add: (input: Input) => void,
): Promise<void> {
  for (const entry of await entriesOf(above.at(-1) as string, dir)) {
    const path = join(dir, entry.name);
    const kind = entry.isSymbolicLink() ? await behind(folder, path) : entry;
    if (kind === undefined) continue;
    if (kind.isFile()) add({ path });
    if (!kind.isDirectory()) continue;
    const real = kind === entry ? join(above.at(-1) as string, entry.name) : ((await folder.real(path)) as string);
    if (above.includes(real)) {
      throw new FolderError(`${path} is a link that leads back to a directory it is in`, { hint: 'remove the link' });
    }
    await below(folder, path, [...above, real], add);
  }
}

async function entriesOf(real: string, shown: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(real, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw new FolderError(`the input directory ${shown} can't be read: ${messageOf(error)}`);
  }
}

/** What a link leads to; undefined for nothing, such as an editor's lock. @throws FolderError where that is outside */
async function behind(folder: Folder, path: string) {
  const real = await folder.real(path).catch(error => {
    if (error instanceof FolderError) throw error;
    throw new FolderError(messageOf(error));
  });
  return real === undefined ? undefined : stat(real);
}
