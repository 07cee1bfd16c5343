import { join } from 'node:path';
import { run, top } from './programs.js';

/**
 * Puts the model and what it tests together into one program, because loaders of TypeScript make each import slow, and runs it.
 * @param {string[]} args
 */
export async function model(args) {
  const [{ build }, { common }] = await Promise.all([import('esbuild'), import('../../esbuild.options.js')]);
  // below the top, where the program finds the templates
  const outfile = join(top, 'node_modules/.cache/scailfin/model.js');
  await build({ ...common, entryPoints: [join(top, 'test/model/run.ts')], outfile });
  return run(process.execPath, [outfile, ...args]);
}
