import { removeEach } from './change.js';
import { findNames } from './find.js';
import { statsOf } from './inside.js';

/** How many names are held at a time; a workspace may have any number. */
const most = 10_000;

/**
 * Removes everything but some files and directories; then directories that are empty, unless they are kept.
 * @param kept paths as a specification names them
 */
export async function prune(root: string, kept: readonly string[]): Promise<void> {
  const plain = kept.map(path =>
    path
      .split('/')
      .filter(name => name !== '' && name !== '.')
      .join('/'),
  );
  // a specification can name the whole workspace
  if (kept.length > 0 && plain.includes('')) return;
  const all = new Set(plain);
  // for each part of the path, not for each path that is kept
  const isKept = (path: string): boolean => {
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1))
      if (all.has(path.slice(0, end))) return true;
    return false;
  };
  for (const wantsDirectories of [false, true]) {
    const left = new Set<string>();
    for (;;) {
      const names: string[] = [];
      for await (const { path, isDirectory } of findNames(root, '')) {
        if (isDirectory === wantsDirectories && !isKept(path) && !left.has(path)) names.push(path);
        if (names.length === most) break;
      }
      if (names.length === 0) break;
      const { deleted } = await removeEach(root, await statsOf(root, names));
      // such as a directory with something in it that is kept
      for (const name of names) if (!Object.hasOwn(deleted, name)) left.add(name);
    }
  }
}
