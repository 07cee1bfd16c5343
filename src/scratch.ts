import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, ScailfinError } from './errors.js';
import { cacheDir } from './paths.js';

/** What is older belongs to a command that was killed; milliseconds. */
const OLD = 24 * 3600_000;

/**
 * A new directory on this machine, for files on their way; only this user has access. The caller removes it. What a killed
 * command left is in one place, the cache, and goes when a later command needs such a directory.
 * @throws ScailfinError if there is no place for it
 */
export function scratchDir(): string {
  const all = join(cacheDir(), 'scratch');
  try {
    return newIn(all);
  } catch (error) {
    throw new ScailfinError(`no file can be put into ${all} for the moment: ${messageOf(error)}`, {
      hint: 'make that directory writable, or name another place: export XDG_CACHE_HOME=DIR',
    });
  }
}

function newIn(all: string): string {
  mkdirSync(all, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(all)) {
    const dir = join(all, name);
    const made = statSync(dir, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - made > OLD) rmSync(dir, { recursive: true, force: true });
  }
  return mkdtempSync(`${all}/`);
}
