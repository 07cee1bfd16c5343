import { mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { HttpError } from '../http/errors.js';

/** The longest target of a link (PATH_MAX of Linux). */
const longest = 4096;

/** A symbolic link of a repository or archive. */
export interface Link {
  /** Relative to the top. */
  readonly path: string;
  readonly target: string;
}

/**
 * Makes links, after all files: so no file is ever written through one.
 * @throws HttpError 400 for one that leads out of the directory
 */
export async function makeLinks(dir: string, links: readonly Link[]): Promise<void> {
  for (const { path, target } of links) {
    if (!staysInside(path, target)) {
      throw new HttpError(400, `${path} is a link to ${target}, which is outside of what was fetched.`);
    }
  }
  for (const { path, target } of links) {
    await mkdir(dirname(join(dir, path)), { recursive: true, mode: 0o700 }).catch(() => {});
    await symlink(target, join(dir, path)).catch(() => {
      throw new HttpError(400, `There is something else in the place of the link ${path}.`);
    });
  }
}

/** The same for links that git wrote as files with their targets in them. */
export async function linksWritten(dir: string, paths: readonly string[]): Promise<Link[]> {
  const links: Link[] = [];
  for (const path of paths) {
    const target = await readFile(join(dir, path), 'utf8');
    await rm(join(dir, path));
    links.push({ path, target });
  }
  return links;
}

/**
 * A target that goes up only at its beginning, and no further than the top: each directory above a link is a real one, so it ends
 * inside. Going up later could go up from where another link has led.
 */
export function staysInside(path: string, target: string): boolean {
  if (target === '' || target.length > longest || target.includes('\0') || posix.isAbsolute(target)) return false;
  const names = target.split('/').filter(name => name !== '' && name !== '.');
  const ups = names.findIndex(name => name !== '..');
  const up = ups === -1 ? names.length : ups;
  if (names.slice(up).includes('..')) return false;
  return up <= path.split('/').length - 1;
}
