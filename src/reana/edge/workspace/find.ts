import picomatch from 'picomatch';
import { WorkspaceError } from './errors.js';
import { type Entry, entryAt, namesOf, walk } from './inside.js';

/** Globs as REANA's: `*`, `?`, `[…]`, `**`, hidden files too; braces and the like are letters. */
const options: picomatch.PicomatchOptions = { dot: true, nobrace: true, noextglob: true, nonegate: true };

/**
 * What a path or a glob means: all below it where it is a directory, else every entry that matches.
 * @throws WorkspaceError for a pattern which can't be one
 */
export async function find(root: string, pathOrGlob: string): Promise<Entry[]> {
  const names = namesOf(pathOrGlob);
  const entry = await entryAt(root, names);
  if (entry?.stats.isDirectory()) return collect(walk(root, names));
  // a name may have a glob's letters in it, and mean itself
  if (entry) return [entry];
  const matches = matcher(names.join('/'));
  return collect(walk(root), ({ path }) => matches(path));
}

function matcher(pattern: string): (path: string) => boolean {
  if (pattern.length > 4096) throw new WorkspaceError('The provided pattern is not valid');
  try {
    return picomatch(pattern, options);
  } catch {
    throw new WorkspaceError('The provided pattern is not valid');
  }
}

async function collect(entries: AsyncIterable<Entry>, keep = (_: Entry): boolean => true): Promise<Entry[]> {
  const kept: Entry[] = [];
  for await (const entry of entries) if (keep(entry)) kept.push(entry);
  return kept;
}
