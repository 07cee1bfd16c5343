import { constants } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { ScailfinError } from '../../errors.js';
import { ifMissing } from './manifest.js';
import { archivePath, jobDir } from './places.js';

/** Not through a link, not waiting for a pipe's other end, not becoming a terminal's. */
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
const directory = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Opens what a step has left in its job's directory. Whoever ran it may have put there anything: a link to a key of the
 * user's, a pipe that nobody writes to, another name of a file that is elsewhere.
 * @returns undefined where nothing is
 * @throws ScailfinError for all but a plain file with no other name
 */
export async function openLeft(dir: string, id: string, name: string): Promise<FileHandle | undefined> {
  return inJob(dir, id, name, job => openPlain(`${job}/${name}`, name));
}

/**
 * Moves the archive of what a step made to where no job writes, and opens it there; again after a crash it finds it there.
 * @throws ScailfinError as `openLeft`
 */
export async function takeArchive(dir: string, id: string): Promise<FileHandle | undefined> {
  const name = 'changed.tar';
  const mine = archivePath(dir, id);
  await inJob(dir, id, name, job => rename(`${job}/${name}`, mine).catch(ifMissing));
  return openPlain(mine, name);
}

/** @param use gets a path to the directory as it was opened, whatever is put in its place meanwhile */
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

const odd = (name: string): ScailfinError => new ScailfinError(`what its node left as ${name} is no plain file`);
