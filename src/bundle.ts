import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ScailfinError } from './errors.js';
import { packageRoot } from './paths.js';

/**
 * The files that are put on a headnode to run one of our programs: one program file, the templates that it renders, and
 * the libraries of the edge's page.
 */
export interface Program {
  /** Paths are relative to the directory into which they are put. */
  readonly files: readonly { readonly path: string; readonly content: Buffer }[];
  readonly digest: string;
}

/**
 * @param name `edge` or `relay`: its file is `dist/NAME.mjs`
 * @throws ScailfinError if this installation was not built completely
 */
export function programFor(name: string): Program {
  const bundle = join(packageRoot, 'dist', `${name}.mjs`);
  if (!existsSync(bundle)) {
    throw new ScailfinError(`${bundle} is not there: this scailfin was not built completely`, {
      hint: 'npm run build, in its directory',
    });
  }
  const parts = name === 'edge' ? ['templates', join('dist', 'page')] : ['templates'];
  const dirs = parts.map(dir => join(packageRoot, dir));
  const names = dirs
    .flatMap(dir => readdirSync(dir, { recursive: true, withFileTypes: true }))
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(packageRoot.length))
    .sort();
  const files = [`dist/${name}.mjs`, ...names].map(path => ({ path, content: readFileSync(join(packageRoot, path)) }));
  const hash = createHash('sha256');
  for (const { path, content } of files) hash.update(`${path} ${content.length}\n`).update(content);
  return { files, digest: hash.digest('hex') };
}
