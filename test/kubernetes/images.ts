import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { imageSources, imageTag } from '../../src/headnode/reana/image.js';
import { cache } from '../lab/cache.js';
import { program } from '../lab/programs.js';
import type { Cell } from './cell.js';

const recipe = fileURLToPath(new URL('image.sh', import.meta.url));
const wanted = fileURLToPath(new URL('../../templates/headnode/reana/requirements.txt', import.meta.url));
const standIn = fileURLToPath(new URL('../reana/backend/standin', import.meta.url));

/** REANA's image has a Python 3.8, and the client that is put into it is made for no other. */
const python = process.env.SCAILFIN_TEST_PYTHON38 ?? '';

/** Why images can't be built here; undefined when they can. */
export async function imagesUnavailable(): Promise<string | undefined> {
  if (python === '') return 'it has a Python 3.8, which SCAILFIN_TEST_PYTHON38 must name';
  const says = (...argv: [string, ...string[]]) => program(argv).catch(() => undefined);
  const version = await says(python, '-c', 'import sys; print("%d.%d" % sys.version_info[:2])');
  if (version !== '3.8') return `SCAILFIN_TEST_PYTHON38=${python} is not a Python 3.8`;
  return (await says('buildah', '--version')) === undefined ? 'no buildah' : undefined;
}

const make = `set -eu
rm -rf "$1.new" && mkdir "$1.new"
"$2" -m pip download -q --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: -r "$3" -d "$1.new/wheels"
"$4" "$1.new/root" "$2" "$1.new/wheels" "$5"
tar -C "$1.new/root" -cf "$1.new/root.tar" .
rm -rf "$1.new/root" "$1.new/wheels"
mv "$1.new" "$1"`;

/**
 * A folder with root.tar: what stands in for REANA's image of the job controller, which only a registry has: Python 3.8, the
 * stand-in for the job controller, and HTCondor's client as a wheel, so that pip needs no network. Made once.
 */
async function baseFolder(): Promise<string> {
  const hash = createHash('sha256').update(make);
  const modules = await program(['sh', '-c', 'cd "$1" && find . -name "*.py" | sort | xargs cat', 'sh', standIn]);
  for (const file of [recipe, wanted]) hash.update(await readFile(file));
  hash.update(modules).update(await program([python, '-VV']));
  const path = join(cache, `image-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(path)) return path;
  await mkdir(cache, { recursive: true });
  const script = `[ -d "$1" ] || { ${make}; }`;
  const argv = ['flock', `${path}.lock`, 'sh', '-c', script, 'sh', path, python, wanted, recipe, standIn] as const;
  await program([...argv], { timeoutMs: 10 * 60_000 });
  return path;
}

/** An image of our own: its name, and the archive that a container runtime can import. */
export interface Image {
  readonly name: string;
  readonly archive: string;
}

/**
 * Builds the job controller's image as a headnode's Kubernetes does, from the same files, where no network is. Only what it
 * is based on is a stand-in.
 * @param dir a new folder of the cell
 * @param change takes the place of one of the image's files
 */
export async function buildImage(
  cell: Cell,
  dir: string,
  change: Readonly<Record<string, string>> = {},
): Promise<Image> {
  const put = async (path: string, content: string | Buffer) => {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), content);
  };
  await put('policy.json', JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }));
  await put('registries', '');
  await put('Dockerfile.base', 'FROM scratch\nADD root.tar /\nENV PATH=/usr/local/bin:/usr/bin\n');
  for (const { path, content } of imageSources()) await put(`controller/${path}`, change[path] ?? content);
  const storage = ['--root', join(dir, 'storage'), '--runroot', join(dir, 'running')];
  const none = ['--registries-conf', join(dir, 'registries')];
  const policy = ['--signature-policy', join(dir, 'policy.json')];
  const buildah = (command: string, ...args: string[]) => {
    const argv = ['env', `TMPDIR=${dir}`, 'buildah', ...storage, ...none, command, ...policy, ...args];
    return cell.run(argv, { timeoutMs: 5 * 60_000 });
  };
  const build = (name: string, ...from: string[]) =>
    buildah('build', '--isolation', 'chroot', '--pull-never', '-t', name, ...from);
  const name = imageTag();
  const archive = join(dir, 'controller.tar');
  await build('docker.io/reanahub/reana-job-controller:0.9.4', '-f', join(dir, 'Dockerfile.base'), await baseFolder());
  await build(name, join(dir, 'controller'));
  await buildah('push', name, `docker-archive:${archive}:${name}`);
  return { name, archive };
}
