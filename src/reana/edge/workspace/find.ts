import { WorkspaceError } from './errors.js';
import { globMatcher } from './glob.js';
import { type Entry, entryAt, type Name, namesOf, statsOf, walkNames } from './inside.js';

/** How many names one request may hold in memory. A client that wants more asks for pages. */
export const MOST_FOUND = 100_000;

/**
 * What a path or a glob matches: for a directory, everything below it; otherwise every matching entry.
 * @throws WorkspaceError for an invalid pattern, or if too much matches
 */
export async function find(root: string, pathOrGlob: string): Promise<Entry[]> {
  const kept: Entry[] = [];
  let many: string[] = [];
  const look = async (): Promise<void> => {
    kept.push(...(await statsOf(root, many)));
    many = [];
  };
  for await (const { path } of findNames(root, pathOrGlob)) {
    many.push(path);
    if (kept.length + many.length > MOST_FOUND) {
      throw new WorkspaceError(`More than ${MOST_FOUND} files match. Ask for a part of them, such as a directory.`);
    }
    if (many.length === 64) await look();
  }
  await look();
  return kept;
}

/** The same, one by one, without reading each entry's attributes, so that any number of names is possible. */
export async function* findNames(root: string, pathOrGlob: string): AsyncGenerator<Name> {
  const names = namesOf(pathOrGlob);
  const entry = await entryAt(root, names);
  if (entry?.stats.isDirectory()) return yield* walkNames(root, names);
  // a name may contain characters of a glob, and mean itself
  if (entry) return yield { path: entry.path, isDirectory: false };
  const matches = matcher(names.join('/'));
  for await (const name of walkNames(root)) if (matches(name.path)) yield name;
}

function matcher(pattern: string): (path: string) => boolean {
  if (pattern.length > 4096) throw new WorkspaceError('The provided pattern is not valid');
  return globMatcher(pattern);
}
