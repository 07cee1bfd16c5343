import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun, top } from './programs.js';
import { say } from './say.js';

/** Makes dist from src when anything that goes into it is newer. */
export async function build() {
  const built = join(top, 'dist', '.built');
  const configs = ['esbuild.js', 'esbuild.options.js', 'package-lock.json'];
  const newest = Math.max(...[...filesUnder(join(top, 'src')), ...configs.map(name => join(top, name))].map(changed));
  if (existsSync(built) && changed(built) >= newest) return;
  say('npm run build: dist is missing or older than src');
  await mustRun('npm', ['run', '--silent', 'build']);
  await mustRun('touch', [built]);
}

/** @param {string} path */
const changed = path => statSync(path).mtimeMs;

/**
 * Files and directories, whose times tell of deleted files.
 * @param {string} dir
 * @returns {string[]}
 */
function filesUnder(dir) {
  const entries = readdirSync(dir, { recursive: true, encoding: 'utf8' });
  return [dir, ...entries.map(name => join(dir, name))];
}
