import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { common } from '../../esbuild.options.js';

const folder = 'node_modules/.cache/scailfin-bench';
export const project = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Puts a script of this folder together with the parts of scailfin that it imports, in the same way as scailfin is built.
 * @param name of the script, such as `login`
 * @returns the path of the result, relative to the project
 */
export async function built(name: string): Promise<string> {
  await build({
    ...common,
    entryPoints: { [name]: fileURLToPath(new URL(`${name}.ts`, import.meta.url)) },
    absWorkingDir: project,
    outdir: `${folder}/${name}`,
    outExtension: { '.js': '.mjs' },
    splitting: true,
  });
  return `${folder}/${name}/${name}.mjs`;
}
