import { ConnectionError, messageOf, ScailfinError } from '../errors.js';
import type { Folder } from '../folder.js';
import type { ReanaClient } from './client.js';
import type { Specification } from './run.js';

/** The fetched outputs of a run. Names are as the server sends them. */
export interface Fetched {
  /** Relative to the folder. */
  readonly written: readonly string[];
  readonly missing: readonly { readonly name: string; readonly reason: string }[];
}

/**
 * Fetches the outputs in a specification, each file completely or not at all. The server and the steps that made the
 * files choose their names, so a name that leads elsewhere, or was not asked for, is not written. If one output can't be
 * fetched, the others still are.
 * @param ask repeats a request that a lost connection ended
 * @throws ConnectionError
 */
export async function fetchOutputs(
  client: ReanaClient,
  run: string,
  { outputs }: Pick<Specification, 'outputs'>,
  folder: Folder,
  ask: <T>(once: () => Promise<T>) => Promise<T>,
): Promise<Fetched> {
  const written = new Set<string>();
  const missing: { name: string; reason: string }[] = [];
  for (const wanted of new Set([...(outputs?.files ?? []), ...(outputs?.directories ?? [])])) {
    const names = await attempt(missing, wanted, () => ask(() => client.list(run, wanted)));
    for (const name of new Set(names)) {
      if (written.has(name)) continue;
      const done = await attempt(missing, name, () =>
        ask(async () => {
          const parts = partsOf(name, wanted);
          await client.download(run, name, stream => folder.write(parts, stream));
          return true;
        }),
      );
      if (done) written.add(name);
    }
  }
  return { written: [...written], missing };
}

/** Records the error of one output. @throws ConnectionError, and errors in our own code */
async function attempt<T>(
  missing: { name: string; reason: string }[],
  name: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const isTold = error instanceof ScailfinError || (error as NodeJS.ErrnoException).syscall !== undefined;
    if (error instanceof ConnectionError || !isTold) throw error;
    missing.push({ name, reason: plain(error) });
    return undefined;
  }
}

/** Node's own messages end with both paths, which contain the numbers of our file descriptors. */
const plain = (error: unknown): string => messageOf(error).replace(/, \w+ '\/.*$/s, '');

/**
 * Version control runs or trusts these without asking, so they never come from a run; macOS treats .Git and .g\u200cit as
 * the same.
 */
const own = ['.git', '.hg', '.svn', '.jj', '.bzr'];

/**
 * Limit for a name with its directories: half of what Linux accepts as a path, so that other programs can still remove
 * it.
 */
const mostBytes = 2048;

/** Where a file of the workspace goes, name by name. @throws ScailfinError if it must not be written */
export function partsOf(name: string, wanted: string): string[] {
  const parts = name.split('/');
  const isOdd = /[\p{Cc}\p{Cs}]/u.test(name) || Buffer.byteLength(name) > mostBytes;
  if (isOdd || parts.some(part => ['', '.', '..'].includes(part)))
    throw new ScailfinError('its name has characters that a file name should not have, or is too long');
  if (parts.some(part => own.includes(part.replace(/\p{Default_Ignorable_Code_Point}/gu, '').toLowerCase())))
    throw new ScailfinError('version control uses that name for its own files');
  if (!isBelow(name, wanted)) throw new ScailfinError(`the server was asked for ${wanted}, not for this`);
  return parts;
}

/** A pattern such as `results/*.png` counts as its directory here: the server decides which files match it. */
function isBelow(name: string, wanted: string): boolean {
  const plain = wanted
    .split('/')
    .filter(part => part !== '' && part !== '.')
    .join('/');
  const pattern = /[*?[]/.exec(plain);
  const top = pattern ? plain.slice(0, plain.lastIndexOf('/', pattern.index) + 1).replace(/\/$/, '') : plain;
  return top === '' || name === plain || name === top || name.startsWith(`${top}/`);
}
