import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Scailfin's version. */
export function packageVersion(): string {
  const text = readFileSync(join(packageRoot, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** The directory of the package's `templates/` and `sites/`, the same from `src` and from every file of `dist`. */
export const packageRoot = above(dirname(fileURLToPath(import.meta.url)));

/** The nearest directory above, with a slash at its end, that has the templates. */
function above(dir: string): string {
  if (existsSync(join(dir, 'templates'))) return join(dir, '/');
  if (dir === dirname(dir)) throw new Error('there is no directory with the templates of scailfin above its program');
  return above(dirname(dir));
}

/** A program of `src/doors` as it was built; it is started by Node.js, as a process of its own. */
export const door = (name: 'keeper' | 'askpass'): string => join(packageRoot, 'dist', 'doors', `${name}.js`);

function xdg(variable: string, fallback: string): string {
  const value = process.env[variable];
  // XDG Base Directory Specification: ignore a relative path
  return join(value?.startsWith('/') ? value : join(homedir(), fallback), 'scailfin');
}

/** config.yaml and the user's own `sites/`. */
export const configDir = (): string => xdg('XDG_CONFIG_HOME', '.config');
/** Contains `clusters/NAME/`: journal, record and lock. */
export const stateDir = (): string => xdg('XDG_STATE_HOME', '.local/state');
/** Downloads and payloads; may be deleted at any time. */
export const cacheDir = (): string => xdg('XDG_CACHE_HOME', '.cache');
