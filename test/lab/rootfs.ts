import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cache } from './cache.js';
import { program } from './programs.js';

const recipe = fileURLToPath(new URL('rootfs.sh', import.meta.url));
const mirror = process.env.SCAILFIN_LAB_MIRROR ?? 'http://deb.debian.org/debian';

/**
 * The directory of the hosts' shared root file system, built on first use (a minute or two and 600 MB).
 * Whoever else builds the same one is waited for.
 * @param say told once, before a build begins
 */
export async function prepareRootfs(say: (text: string) => void = () => {}): Promise<string> {
  const hash = createHash('sha256')
    .update(await readFile(recipe))
    .digest('hex')
    .slice(0, 16);
  const target = join(cache, hash);
  if (existsSync(target)) return target;
  await mkdir(cache, { recursive: true });
  say(`building the lab's root file system in ${target} (once; a minute or two)`);
  // the recipe names its target only when it is complete, so what exists is whole
  const build = 'test -d "$2" || exec "$1" "$2" "$3"';
  const argv = ['flock', `${target}.lock`, 'sh', '-c', build, 'sh', recipe, target, mirror] as const;
  await program([...argv], { timeoutMs: 20 * 60_000 });
  return target;
}
