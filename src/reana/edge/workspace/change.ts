import { lstat, rename, rmdir, unlink } from 'node:fs/promises';
import { plainly } from '../../../errors.js';
import { WorkspaceError } from './errors.js';
import { find } from './find.js';
import { type Entry, entryAt, inside, namesOf } from './inside.js';

export interface Removed {
  readonly deleted: Record<string, { readonly size: number }>;
  readonly failed: Record<string, { readonly error: string }>;
}

/** Removes what a path or a glob matches; a link is removed, not its target. A directory is emptied, but stays. */
export async function remove(root: string, pathOrGlob: string): Promise<Removed> {
  return removeEach(root, await find(root, pathOrGlob));
}

/** Removes entries, of which directories come before what is in them; a directory that is not empty stays. */
export async function removeEach(root: string, entries: readonly Entry[]): Promise<Removed> {
  // no prototype, because a file may be called __proto__
  const removed: Removed = { deleted: Object.create(null), failed: Object.create(null) };
  for (const entry of entries.toReversed()) {
    try {
      await removeEntry(root, entry);
      removed.deleted[entry.path] = { size: entry.stats.size };
    } catch (error) {
      removed.failed[entry.path] = { error: plainly(error) };
    }
  }
  return removed;
}

async function removeEntry(root: string, { path, stats }: Entry): Promise<void> {
  const names = path.split('/');
  const name = names.pop();
  await inside(root, names, directory =>
    stats.isDirectory() ? rmdir(`${directory}/${name}`) : unlink(`${directory}/${name}`),
  );
}

/** Moves a file or directory; if the target is a directory, into it. */
export async function move(root: string, source: string, target: string): Promise<void> {
  const from = namesOf(source);
  const to = namesOf(target);
  const name = from.pop();
  if (name === undefined) throw new WorkspaceError('The workspace itself can not be moved');
  const there = await entryAt(root, to);
  const last = there?.stats.isDirectory() ? name : (to.pop() as string);
  try {
    await inside(root, from, async a => {
      await lstat(`${a}/${name}`);
      await inside(root, to, b => rename(`${a}/${name}`, `${b}/${last}`));
    });
  } catch (error) {
    throw new WorkspaceError(`Something went wrong:\n ${plainly(error)}`);
  }
}
