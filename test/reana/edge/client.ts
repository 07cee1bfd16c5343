import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { program } from '../../lab/programs.js';

const cache = process.env.SCAILFIN_LAB_CACHE ?? '/var/cache/scailfin-lab';

/**
 * The real reana-client from PyPI, in an environment that is made once for these requirements and this Python.
 * @param list the file with its version, beside this one
 * @returns its program, or why it can't be had here
 */
export async function reanaClient(
  list = 'requirements.txt',
): Promise<{ readonly path: string } | { readonly missing: string }> {
  const requirements = fileURLToPath(new URL(list, import.meta.url));
  const version = await execa('python3', ['--version'], { reject: false });
  if (version.exitCode !== 0) return { missing: 'there is no python3 on this machine' };
  const hash = createHash('sha256')
    .update(await readFile(requirements))
    .update(version.stdout)
    .digest('hex')
    .slice(0, 16);
  const target = join(cache, `reana-client-${hash}`);
  const path = join(target, 'bin/reana-client');
  if (existsSync(join(target, 'whole'))) return { path };
  await mkdir(cache, { recursive: true });
  // a list of all packages needs no search for them
  const only = list === 'requirements.txt' ? [] : ['--no-deps'];
  // a venv can't be moved once it is made, so a mark says when it is whole
  const build =
    'test -e "$1/whole" || { rm -rf "$1" && python3 -m venv "$1" && "$1/bin/pip" install -q --no-input $3 -r "$2" && touch "$1/whole"; }';
  try {
    await program(['flock', `${target}.lock`, 'bash', '-c', build, 'bash', target, requirements, ...only], {
      timeoutMs: 15 * 60_000,
    });
    return { path };
  } catch (error) {
    await rm(target, { recursive: true, force: true });
    const why = (error as Error).message.trim().split('\n').at(-1);
    return { missing: `reana-client can't be installed from PyPI: ${why}` };
  }
}
