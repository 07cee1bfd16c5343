import { randomUUID } from 'node:crypto';
import { constants, existsSync, rmSync } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readlink, realpath, rename, rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf, ScailfinError } from './errors.js';

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** Something in a folder can't be read or written without leaving the folder, or is not of the expected kind. */
export class FolderError extends ScailfinError {}

/** A chain of links is followed only this far (Linux' own limit, path_resolution(7)). */
const mostHops = 40;

/**
 * A directory that somebody else may have filled, such as a repository with a reana.yaml. Reading and writing stays in
 * it: a link that leads out is refused, one that stays inside is followed. Nothing is trusted between check and use: an
 * opened file is compared with the one that was checked, and directories are kept open while they are written to.
 */
export class Folder {
  /** @param path without links */
  private constructor(readonly path: string) {}

  /** @throws FolderError if there is no such directory */
  static async at(dir: string): Promise<Folder> {
    try {
      return new Folder(await realpath(dir));
    } catch (error) {
      throw new FolderError(`${dir} can't be used: ${messageOf(error)}`);
    }
  }

  /** Whether a path without links is inside it. */
  has(real: string): boolean {
    const way = relative(this.path, real);
    return way === '' || (way !== '..' && !way.startsWith('../') && !way.startsWith('/'));
  }

  /**
   * The target of a path below it, with all links resolved; undefined if there is nothing.
   * @throws FolderError naming the link that leads out
   */
  async real(path: string): Promise<string | undefined> {
    try {
      const real = await realpath(join(this.path, path));
      if (this.has(real)) return real;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'ELOOP') throw new FolderError(messageOf(error));
      // a link to nothing may also lead out
      if (!(await this.#linkOut(path))) return undefined;
    }
    throw await this.#leadsOut(path);
  }

  /** The first link on the way that leads out (as a relative path), and its target. */
  async #linkOut(path: string): Promise<{ link: string; target: string } | undefined> {
    const names = path.split('/');
    for (let n = 1; n <= names.length; n++) {
      const link = names.slice(0, n).join('/');
      const target = await readlink(join(this.path, link)).catch(() => undefined);
      if (target === undefined) continue;
      const real = await realpath(join(this.path, link)).catch(() => join(dirname(join(this.path, link)), target));
      if (!this.has(real)) return { link, target };
    }
    return undefined;
  }

  async #leadsOut(path: string): Promise<FolderError> {
    const found = await this.#linkOut(path);
    const what = found ? `${found.link} is a link to ${found.target}` : `${path} changed while it was looked at`;
    return new FolderError(`${what}, which is outside of ${this.path}`, {
      hint: 'if you trust the person who made the link, replace it by a copy of its target; or remove it from reana.yaml',
    });
  }

  /**
   * Opens a regular file in it for reading; the caller closes it.
   * @throws FolderError for a link that leads out, and for anything but a regular file
   */
  async open(path: string): Promise<FileHandle> {
    const real = await this.real(path);
    if (real === undefined) throw new FolderError(`${path} no longer exists`);
    const names = namesIn(this.path, real);
    const last = names.pop();
    if (last === undefined) throw new FolderError(`${path} is not a file`);
    try {
      const directory = await this.#directory(names);
      try {
        // without O_NONBLOCK, opening a named pipe would wait for its writer
        return await regular(await open(directory.at(last), O_RDONLY | O_NOFOLLOW | O_NONBLOCK), path);
      } finally {
        await directory.handle.close();
      }
    } catch (error) {
      if (error instanceof FolderError) throw error;
      throw new FolderError(`${path} can't be read: ${(error as NodeJS.ErrnoException).code ?? messageOf(error)}`);
    }
  }

  /**
   * Writes a file below it, completely or not at all, and makes directories on the way. If something with the last name
   * exists, also a link, it is replaced.
   * @param names from this folder to the file, one name each
   * @param content a stream or a text; with a mode
   * @throws FolderError for a link that leads out; errors of writing and of the stream
   */
  async write(names: readonly string[], content: Readable | string | Buffer, mode = 0o666): Promise<void> {
    const last = names.at(-1) as string;
    const directory = await this.#made(names.slice(0, -1));
    // a new file with a name that nobody can guess, never over an existing one
    const temporary = directory.at(`.scailfin-part-${randomUUID()}`);
    const tidy = (): void => rmSync(temporary, { force: true });
    process.once('exit', tidy);
    try {
      const file = await open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
      if (typeof content === 'string' || Buffer.isBuffer(content)) {
        await file.writeFile(content).finally(() => file.close());
      } else {
        await pipeline(content, file.createWriteStream());
      }
      await rename(temporary, directory.at(last));
    } finally {
      process.off('exit', tidy);
      await rm(temporary, { force: true });
      await directory.handle.close();
    }
  }

  /** Makes a directory below it. @throws FolderError for a link that leads out */
  async makeDirectory(names: readonly string[]): Promise<void> {
    await (await this.#made(names.filter(name => name !== '' && name !== '.'))).handle.close();
  }

  /** Opens a directory below it, through links that stay inside; makes missing directories. */
  async #made(names: readonly string[], hops = 0): Promise<OpenDirectory> {
    try {
      return await this.#directory(names, true);
    } catch (error) {
      if (!(error instanceof LinkOnTheWay) || hops >= mostHops) throw error;
      const { link } = error;
      const real = await this.real(link.join('/'));
      if (real === undefined) throw new FolderError(`${link.join('/')} is a link to nothing`);
      return this.#made([...namesIn(this.path, real), ...names.slice(link.length)], hops + 1);
    }
  }

  /**
   * Opens a directory below it name by name, each inside the one before, and never through a link. @throws LinkOnTheWay
   */
  async #directory(names: readonly string[], make = false): Promise<OpenDirectory> {
    let here = await openDirectory(this.path, this.path);
    for (const [n, name] of names.entries()) {
      const path = here.at(name);
      try {
        if (make) await mkdir(path).catch(unlessThere);
        const next = await openDirectory(path, join(this.path, ...names.slice(0, n + 1)));
        await here.handle.close();
        here = next;
      } catch (error) {
        const isLink = (await lstat(path).catch(() => undefined))?.isSymbolicLink();
        await here.handle.close();
        throw isLink ? new LinkOnTheWay(names.slice(0, n + 1)) : error;
      }
    }
    return here;
  }
}

class LinkOnTheWay extends FolderError {
  constructor(readonly link: readonly string[]) {
    super(`${link.join('/')} is a link`);
  }
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

const namesIn = (top: string, real: string): string[] =>
  relative(top, real)
    .split('/')
    .filter(name => name !== '');

async function regular(handle: FileHandle, path: string): Promise<FileHandle> {
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new FolderError(`${path} is not a file`);
}

/** A directory that stays the same one, whatever somebody puts in its place. */
interface OpenDirectory {
  readonly handle: FileHandle;
  /** The path of something in it. */
  at(name: string): string;
}

/**
 * On Linux an open directory has a path to its content; elsewhere its ordinary path is used, each part of which was
 * checked.
 */
const isHeld = existsSync('/proc/self/fd');

/** @param shown its ordinary path, for systems without paths through open directories */
async function openDirectory(path: string, shown: string): Promise<OpenDirectory> {
  const handle = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  const base = isHeld ? `/proc/self/fd/${handle.fd}` : shown;
  return { handle, at: name => `${base}/${name}` };
}
