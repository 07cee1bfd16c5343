import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { NotThereError, WorkspaceError } from './errors.js';
import { inside, isNotThere, namesOf } from './inside.js';

/** The caller closes the file. @throws WorkspaceError if it is not a regular file */
export async function openFile(root: string, path: string): Promise<FileHandle> {
  const names = namesOf(path);
  const name = names.pop();
  if (name === undefined) throw new WorkspaceError(`'${path}' is not a regular file`);
  try {
    return await inside(root, names, async directory => regular(await open(`${directory}/${name}`, flags), path));
  } catch (error) {
    if (isNotThere(error)) throw new NotThereError(`${path} does not exist.`);
    if ((error as { code?: string }).code === 'ELOOP') {
      throw new WorkspaceError(`Opening symlink '${name}' is not allowed`);
    }
    throw error;
  }
}

/** Without O_NONBLOCK, opening a named pipe would wait for its writer. */
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

async function regular(handle: FileHandle, path: string): Promise<FileHandle> {
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new WorkspaceError(`'${path}' is not a regular file`);
}
