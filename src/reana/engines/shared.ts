import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ScailfinError } from '../../errors.js';

/*
 * Files in the directory of a run's workflow engine, which runs parts of the workflow on the headnode, behind the fence.
 * This directory is open to both sides. In place of a file, a workflow's author can put a link to a file of the user,
 * which does not exist behind the fence but does here, or a pipe without an end. So links are not followed, nothing is
 * waited for, and what is read is limited.
 */

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

/**
 * Opens a plain file; the caller closes it.
 * @param flags of open(2) @throws ScailfinError if something else is in its place; an error of the system
 */
export async function openShared(path: string, flags: number): Promise<FileHandle> {
  const replaced = new ScailfinError(
    `the workflow has replaced ${basename(path)} of its workflow engine by something else`,
  );
  let file: FileHandle;
  try {
    file = await open(path, flags | O_NOFOLLOW | O_NONBLOCK, 0o600);
  } catch (error) {
    // a link; a pipe that nobody reads, or a socket; a directory
    const { code = '' } = error as NodeJS.ErrnoException;
    throw ['ELOOP', 'ENXIO', 'EISDIR'].includes(code) ? replaced : error;
  }
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw replaced;
}

/** The beginning of a file. @param most bytes @returns undefined if there is no plain file */
export async function readShared(path: string, most: number): Promise<string | undefined> {
  const file = await openShared(path, O_RDONLY).catch(() => undefined);
  if (!file) return undefined;
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(size, most)), 0, Math.min(size, most), 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** A small file of JSON. @returns undefined if it is none, or larger than `most` bytes */
export async function readSharedJson(path: string, most = 2 ** 20): Promise<unknown> {
  const text = await readShared(path, most + 1);
  if (text === undefined || text.length > most) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Writes a file anew, in place of whatever is there. */
export async function writeShared(dir: string, name: string, text: string): Promise<void> {
  const path = join(dir, `${name}.new`);
  await rm(path, { recursive: true, force: true });
  const file = await openShared(path, O_WRONLY | O_CREAT | O_EXCL);
  try {
    await file.writeFile(text);
  } finally {
    await file.close();
  }
  await rename(path, join(dir, name));
}
