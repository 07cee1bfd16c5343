import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, UsageError } from '../errors.js';
import { type Folder, FolderError } from '../folder.js';

/** A file to upload. */
export interface Input {
  /** Its path, the same in the folder and in the workspace. */
  readonly path: string;
}

/** Each file is a request of its own. */
const mostFiles = 100_000;
/** A limit, because links to directories that contain links to directories could produce any number of them. */
const mostLinks = 1000;

/** @throws UsageError if it does not exist, FolderError for a link that leads out */
export async function oneFile(folder: Folder, path: string): Promise<Input> {
  const real = await folder.real(path);
  if (real && (await stat(real)).isFile()) return { path };
  throw new UsageError(`the input file ${path} is not there`, { hint: `looked for ${join(folder.path, path)}` });
}

/**
 * All files below a directory, including those to which links in it lead, each under the name by which it was found.
 * @throws UsageError if it does not exist, FolderError for a link that leads out or back
 */
export async function wholeDirectory(folder: Folder, dir: string, add: (input: Input) => void): Promise<void> {
  const real = await folder.real(dir);
  if (!real || !(await stat(real)).isDirectory())
    throw new UsageError(`the input directory ${dir} is not there`, { hint: `looked for ${join(folder.path, dir)}` });
  let [found, links] = [0, 0];
  const count = (input: Input | undefined): void => {
    if (input) add(input);
    if (input ? ++found <= mostFiles : ++links <= mostLinks) return;
    const what = input ? `${mostFiles} files` : `${mostLinks} links to directories`;
    throw new UsageError(`the input directory ${dir} has more than ${what}`, {
      hint: 'pack them into an archive, or let the first step fetch them',
    });
  };
  await below(folder, dir, [real], count);
}

/**
 * @param above the real directories on the way, this one last @param count called for each file, and for each link to a
 * directory
 */
async function below(
  folder: Folder,
  dir: string,
  above: readonly string[],
  count: (input: Input | undefined) => void,
): Promise<void> {
  const here = above.at(-1) as string;
  for (const entry of await entriesOf(here, dir)) {
    const path = join(dir, entry.name);
    const real = entry.isSymbolicLink() ? await folder.real(path) : join(here, entry.name);
    // a link to nothing, such as an editor's lock
    if (real === undefined) continue;
    const kind = entry.isSymbolicLink() ? await stat(real) : entry;
    if (kind.isFile()) count({ path });
    if (!kind.isDirectory()) continue;
    if (above.includes(real))
      throw new FolderError(`${path} is a link that leads back to a directory it is in`, { hint: 'remove the link' });
    if (kind !== entry) count(undefined);
    await below(folder, path, [...above, real], count);
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
