import { constants } from 'node:fs';
import { type FileHandle, open, opendir, rename, unlink } from 'node:fs/promises';
import { ScailfinError } from '../../errors.js';
import { ifMissing } from './manifest.js';
import { archivePath, jobDir } from './places.js';

/** Don't follow links, don't wait for the other end of a pipe, don't take a terminal as the controlling one. */
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
const directory = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Opens a file that a step has left in its job's directory. Whoever ran the step may have put anything there: a link to
 * one of the user's keys, a pipe to which nobody writes, a hard link to a file elsewhere.
 * @returns undefined if there is nothing
 * @throws ScailfinError for anything but a plain file with no other name
 */
export async function openLeft(dir: string, id: string, name: string): Promise<FileHandle | undefined> {
  return inJob(dir, id, name, job => openPlain(`${job}/${name}`, name));
}

/**
 * Moves the archive of a step's output to a directory where no job can write, and opens it there; after a crash it is
 * found there again.
 * @throws ScailfinError as `openLeft`
 */
export async function takeArchive(dir: string, id: string): Promise<FileHandle | undefined> {
  const name = 'changed.tar';
  const mine = archivePath(dir, id);
  await inJob(dir, id, name, job => rename(`${job}/${name}`, mine).catch(ifMissing));
  return openPlain(mine, name);
}

/** Names of files in a job's directory at most; a node may make any number. */
const MOST_NAMES = 2000;

/** What is in a job's directory, in any order; not more than can be of use. */
export async function namesLeft(dir: string, id: string): Promise<string[]> {
  const list = async (job: string): Promise<string[]> => {
    const names: string[] = [];
    for await (const { name } of await opendir(job)) if (names.push(name) >= MOST_NAMES) break;
    return names;
  };
  return (await inJob(dir, id, 'directory', list)) ?? [];
}

/** Removes a file from a job's directory; a link is removed itself. */
export async function discardLeft(dir: string, id: string, name: string): Promise<void> {
  await inJob(dir, id, name, job => unlink(`${job}/${name}`).catch(ifMissing));
}

/** @param use gets a path to the opened directory, which stays the same whatever is put in its place */
async function inJob<T>(
  dir: string,
  id: string,
  name: string,
  use: (job: string) => Promise<T>,
): Promise<T | undefined> {
  const job = await open(jobDir(dir, id), directory).catch(error => {
    if (error.code === 'ENOENT') return undefined;
    throw odd(name);
  });
  if (!job) return undefined;
  try {
    return await use(`/proc/self/fd/${job.fd}`);
  } finally {
    await job.close();
  }
}

async function openPlain(path: string, name: string): Promise<FileHandle | undefined> {
  const file = await open(path, flags).catch(error => {
    if (error.code === 'ENOENT') return undefined;
    throw odd(name);
  });
  if (!file) return undefined;
  const stats = await file.stat();
  if (stats.isFile() && stats.nlink === 1 && stats.uid === process.getuid?.()) return file;
  await file.close();
  throw odd(name);
}

const odd = (name: string): ScailfinError =>
  new ScailfinError(`the file ${name} that its node left is not a plain file`);
