import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cache } from './cache.js';
import type { HostName, Lab } from './lab.js';
import { program } from './programs.js';

const packages = join(cache, 'packages');
const server = readFileSync(fileURLToPath(new URL('wheels.py', import.meta.url)));

/** For the lab's Python: wheels, and the sources of what PyPI has as source only. Arguments: directory, requirements… */
const fetch = `set -u
into=$1; shift
mkdir -p "$into.new"
for list; do
  sources=,$(sed -n 's/^--no-binary //p' "$list"),
  wheels=
  for one in $(sed -n 's/^\\([A-Za-z0-9._-]*==[^ ;]*\\).*/\\1/p' "$list"); do
    case $sources in
      *,"\${one%%==*}",*) python3 -m pip download -q --disable-pip-version-check --no-deps --no-binary=:all: -d "$into.new" "$one" || exit 1 ;;
      *) wheels="$wheels $one" ;;
    esac
  done
  [ -z "$wheels" ] || python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.13 --implementation cp \\
    --abi cp313 --abi abi3 --abi none --platform manylinux2014_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux_2_28_x86_64 --platform any \\
    -d "$into.new" $wheels || exit 1
done
mv "$into.new" "$into"`;

/**
 * A directory with the packages that requirements files name, for the Python of labs: in the lab's cache, from PyPI at the
 * first use. Whoever else fetches the same ones is waited for.
 * @param lists files of requirements, complete: dependencies are not looked for
 */
export async function fetchedWheels(lists: readonly string[]): Promise<string> {
  const texts = await Promise.all(lists.map(list => readFile(list)));
  const hash = createHash('sha256').update(fetch).update(Buffer.concat(texts)).digest('hex').slice(0, 16);
  const dir = join(packages, hash);
  if (!existsSync(dir)) {
    await mkdir(packages, { recursive: true });
    const script = `[ -d "$1" ] || { ${fetch}; }`;
    await program(['flock', `${dir}.lock`, 'sh', '-c', script, 'sh', dir, ...lists], { timeoutMs: 15 * 60_000 });
  }
  return dir;
}

/** Where a lab's host has the cache of wheels, read-only. */
export const wheelsBind = { source: packages, target: '/opt/packages', mode: 'ro' } as const;

/**
 * Lets pip on a lab's host, which has no network, find the packages that requirements files name. They come by HTTP, as PyPI sends
 * them: pip keeps what it got in that way, if nobody forbids it.
 */
export async function offer(lab: Lab, host: HostName, lists: readonly string[]): Promise<void> {
  const dir = await fetchedWheels(lists);
  const link = 'mkdir -p /opt/wheels && ln -sf "$1"/* /opt/wheels/ && exec python3 -I -B - /opt/wheels';
  const from = `${wheelsBind.target}/${basename(dir)}`;
  await lab.exec(host, ['sh', '-c', link, 'sh', from], { user: 'root', stdin: server });
  await lab.write(
    host,
    '.config/pip/pip.conf',
    '[global]\nno-index = true\nfind-links = http://[::1]:8081/\ntrusted-host = [::1]:8081\n',
  );
}
