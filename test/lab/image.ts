import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cache } from './cache.js';
import { program } from './programs.js';
import { prepareRootfs } from './rootfs.js';
import { fetchedWheels } from './wheels.js';

const recipe = fileURLToPath(new URL('image.sh', import.meta.url));
const requirements = fileURLToPath(new URL('image-requirements.txt', import.meta.url));

/** The images that the examples name. A lab reaches no registry, and uses the image of `prepareImage` in their place. */
export const exampleImages = {
  lfi: 'docker.io/reanahub/reana-env-jupyter:3.0.0',
  shell: 'docker.io/library/debian:12',
} as const;

/**
 * An image in which the steps of the examples run, as a file for `scailfin images add`: a shell and its programs, Python,
 * numpy and matplotlib, or other packages. It is built on first use (a quarter of a minute, and 75 MB).
 * @param say told once, before a build begins
 * @param list of the packages
 */
export async function prepareImage(say: (text: string) => void = () => {}, list = requirements): Promise<string> {
  const [rootfs, wheels] = await Promise.all([prepareRootfs(), fetchedWheels([list])]);
  const hash = createHash('sha256')
    .update(await readFile(recipe))
    .update(`${rootfs} ${wheels}`)
    .digest('hex')
    .slice(0, 16);
  const target = join(cache, `image-${hash}.sif`);
  if (existsSync(target)) return target;
  say(`building an image with the packages of ${list} in ${target} (once; a quarter of a minute)`);
  // the recipe names its target only when it is complete, so what exists is whole
  const build = 'test -e "$4" || exec "$1" "$2" "$3" "$4"';
  const argv = ['flock', `${target}.lock`, 'sh', '-c', build, 'sh', recipe, rootfs, wheels, target] as const;
  await program([...argv], { timeoutMs: 10 * 60_000 });
  return target;
}
