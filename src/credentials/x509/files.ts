/* Files with secrets: only files that nobody else can read are read, and files are written so that nobody can read them in between. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { AuthError, messageOf } from '../../errors.js';
import { quote } from '../../shell.js';

/**
 * Reads a file that only this user may read. Undefined if there is none.
 * @param what for errors: `the key`
 * @throws AuthError if others can read it, or if it can't be read
 */
export function readSecret(file: string, what: string): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new AuthError(`${what} ${file} can't be read: ${messageOf(error)}`, { hint: `ls -l ${quote(file)}` });
  }
  try {
    const there = fstatSync(fd);
    if (!there.isFile()) throw new AuthError(`${what} ${file} is not a file`);
    const { mode } = there;
    if ((mode & 0o077) !== 0) {
      throw new AuthError(`${what} ${file} is not used: others may read it (mode ${(mode & 0o777).toString(8)})`, {
        hint: `chmod 600 ${quote(file)}`,
      });
    }
    return readFileSync(fd);
  } catch (error) {
    if (error instanceof AuthError) throw error;
    throw new AuthError(`${what} ${file} can't be read: ${messageOf(error)}`);
  } finally {
    closeSync(fd);
  }
}

/**
 * Writes a file that only this user can read. It replaces the old one completely or not at all.
 * @throws AuthError if another user has something at this path, which is possible in /tmp
 */
export function writeSecret(file: string, content: string): void {
  const target = ownTarget(file);
  const temporary = `${target}.${randomBytes(8).toString('hex')}`;
  try {
    const fd = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      writeFileSync(fd, content);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new AuthError(`${file} can't be written: ${messageOf(error)}`, { hint: 'choose another place: --out FILE' });
  }
}

/** Overwrites a file, so that its disk blocks contain no secret, and removes it. @returns whether there was one */
export function destroySecret(file: string): boolean {
  const there = statOf(file);
  if (there === undefined) return false;
  assertOurs(file, there);
  if (there.isSymbolicLink()) {
    const target = realTarget(file);
    rmSync(file);
    return target !== undefined && destroySecret(target);
  }
  if (!there.isFile()) throw new AuthError(`${file} is not a file, and was left alone`);
  try {
    const fd = openSync(file, constants.O_WRONLY | constants.O_NOFOLLOW);
    try {
      writeSync(fd, Buffer.alloc(fstatSync(fd).size));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    rmSync(file);
  } catch (error) {
    throw new AuthError(`${file} can't be removed: ${messageOf(error)}`, { hint: `ls -l ${quote(file)}` });
  }
  return true;
}

/** The path to write to: the target of a link that this user made, never of somebody else's link. */
function ownTarget(file: string): string {
  const there = statOf(file);
  if (there === undefined) return file;
  assertOurs(file, there);
  if (there.isDirectory()) throw new AuthError(`${file} is a directory`, { hint: 'name a file: --out FILE' });
  if (!there.isSymbolicLink()) return file;
  const target = realTarget(file);
  if (target === undefined) throw new AuthError(`${file} is a link to nowhere`, { hint: `rm ${quote(file)}` });
  const behind = statOf(target);
  if (behind) assertOurs(target, behind);
  return target;
}

function assertOurs(file: string, { uid }: Stats): void {
  if (uid === process.getuid?.()) return;
  throw new AuthError(`${file} is there already and belongs to another user (uid ${uid})`, {
    hint: 'somebody may be trying to steal your proxy; choose another place: --out FILE, or X509_USER_PROXY',
  });
}

const statOf = (file: string): Stats | undefined => lstatSync(file, { throwIfNoEntry: false });

function realTarget(link: string): string | undefined {
  try {
    return realpathSync(link);
  } catch {
    return undefined;
  }
}
