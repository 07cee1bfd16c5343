import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { messageOf, UsageError } from './errors.js';
import { packageRoot } from './paths.js';

/** A workflow that comes with scailfin, as a directory with a reana.yaml. */
export interface Example {
  readonly name: string;
  /** What it is, in a few words: the first heading of its README.md, after the colon. */
  readonly title: string;
  readonly directory: string;
}

/** First the one that shows what scailfin is for; the others by name. */
const first = 'lfi';

/** All examples, in the order in which they are listed. */
export function listExamples(): Example[] {
  const top = join(packageRoot, 'examples');
  const names = readdirSync(top).filter(name => existsSync(join(top, name, 'reana.yaml')));
  names.sort((a, b) => Number(b === first) - Number(a === first) || (a < b ? -1 : 1));
  return names.map(name => {
    const directory = join(top, name);
    const [, title = ''] = /^# [^:\n]*: (.*)/.exec(readFileSync(join(directory, 'README.md'), 'utf8')) ?? [];
    return { name, title, directory };
  });
}

/**
 * Copies an example into a directory, which is made. What is in that directory is never replaced.
 * @returns the directory's absolute path, and the names of what was put into it
 * @throws UsageError if there is no such example, if the directory has files, or if it can't be written
 */
export function copyExample(name: string, directory: string): { directory: string; files: string[] } {
  const example = listExamples().find(each => each.name === name);
  if (example === undefined)
    throw new UsageError(`there is no example ${JSON.stringify(name)}`, { hint: 'scailfin example list' });
  try {
    make(directory);
    if (readdirSync(directory).length > 0)
      throw new UsageError(`${directory} is not empty, and nothing in it is replaced`, {
        hint: `scailfin example copy ${name} ANOTHER-DIRECTORY`,
      });
    cpSync(example.directory, directory, { recursive: true, errorOnExist: true, force: false, filter: isOurs });
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${name} can't be copied to ${directory}: ${messageOf(error)}`, {
      hint: `scailfin example copy ${name} ANOTHER-DIRECTORY`,
    });
  }
  return { directory: resolve(directory), files: readdirSync(directory).sort() };
}

/** Node's own way to make parents, too, never ends where the system refuses them with ENOENT, as below /proc. */
function make(directory: string): void {
  const missing: string[] = [];
  for (let each = resolve(directory); !existsSync(each); each = dirname(each)) missing.unshift(each);
  for (const each of missing) mkdirSync(each);
}

/** Python leaves these beside what it has run. */
const isOurs = (path: string): boolean => !path.endsWith('__pycache__');
