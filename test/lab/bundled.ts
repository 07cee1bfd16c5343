import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { common } from '../../esbuild.options.js';

const repository = fileURLToPath(new URL('../..', import.meta.url));
/** Below the repository, so that its programs find its templates; outside of what belongs to it. */
const dir = join(repository, 'node_modules/.cache/scailfin-test');
const made = new Map<string, Promise<string>>();

/**
 * Makes one JavaScript file out of a test's TypeScript program and what it imports of `src`, for a process of its own. To compile
 * and read a hundred files at each start takes ten times as long.
 * @param program the path of a file; or the text of a module, which imports `src` from /opt/scailfin/src
 * @returns the file's path; the same program has the same
 */
export function bundled(program: string): Promise<string> {
  const file = made.get(program) ?? make(program);
  made.set(program, file);
  return file;
}

async function make(program: string): Promise<string> {
  const contents = program.replaceAll('/opt/scailfin/', repository);
  const what = program.startsWith('/')
    ? { entryPoints: [program] }
    : { stdin: { contents, resolveDir: repository, loader: 'ts' as const } };
  const { outputFiles } = await build({ ...common, ...what, write: false });
  const text = outputFiles[0]?.text as string;
  const path = join(dir, `${createHash('sha256').update(text).digest('hex').slice(0, 20)}.mjs`);
  if (existsSync(path)) return path;
  await mkdir(dir, { recursive: true });
  await writeFile(`${path}.${process.pid}`, text);
  await rename(`${path}.${process.pid}`, path);
  return path;
}

/** Starts such a program on a host of a lab; its arguments follow. */
export const inLab = async (program: string): Promise<string[]> => [
  'node',
  (await bundled(program)).replace(repository, '/opt/scailfin/'),
];
