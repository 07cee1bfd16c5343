import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cache } from './cache.js';
import { program } from './programs.js';

/**
 * A Python that has what a requirements file names: a virtual environment in the lab's cache, built on first use from
 * PyPI. Whoever else builds the same one is waited for.
 * @param packages file of requirements, complete: dependencies are not looked for
 * @returns path of the interpreter
 */
export async function pythonWith(packages: string): Promise<string> {
  const text = await readFile(packages);
  const python = await program(['python3', '-c', 'import sys; print(sys.executable, sys.version)']);
  const hash = createHash('sha256').update(text).update(python).digest('hex').slice(0, 16);
  const target = join(cache, `python-${hash}`);
  if (existsSync(join(target, 'complete'))) return join(target, 'bin', 'python3');
  await mkdir(cache, { recursive: true });
  const build =
    'test -e "$1/complete" || { rm -rf "$1" && python3 -m venv "$1" && "$1/bin/pip" install -q --no-deps -r "$2" && touch "$1/complete"; }';
  await program(['flock', `${target}.lock`, 'sh', '-c', build, 'sh', target, packages], { timeoutMs: 20 * 60_000 });
  return join(target, 'bin', 'python3');
}
