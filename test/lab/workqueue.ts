import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cache } from './cache.js';
import type { HostName, Lab } from './lab.js';
import { program } from './programs.js';

const source = fileURLToPath(new URL('workqueue/manager.c', import.meta.url));
const names = ['work_queue_worker', 'work_queue_status', 'wqmanager'] as const;

/** The tools as Debian has them, and a manager program against their library. */
const build = `set -eu
into=$1 source=$2
rm -rf "$into.new" && mkdir -p "$into.new" && cd "$into.new"
apt-get -o APT::Sandbox::User=root download -qq coop-computing-tools coop-computing-tools-dev ||
  { apt-get update -qq && apt-get -o APT::Sandbox::User=root download -qq coop-computing-tools coop-computing-tools-dev; }
for package in *.deb; do dpkg-deb -x "$package" tree; done
cp tree/usr/bin/work_queue_worker tree/usr/bin/work_queue_status .
gcc -O1 -w -I tree/usr/include "$source" -o wqmanager tree/usr/lib/libwork_queue.a tree/usr/lib/libdttools.a -lz -lm
rm -rf tree *.deb
mv "$into.new" "$into"`;

/** Work Queue in a directory of this machine: in the lab's cache, from Debian's packages at the first use. */
export async function workQueueTools(): Promise<string> {
  const hash = createHash('sha256').update(build).update(readFileSync(source)).digest('hex').slice(0, 16);
  const dir = join(cache, `workqueue-${hash}`);
  if (!existsSync(dir)) {
    await mkdir(cache, { recursive: true });
    const script = `[ -d "$1" ] || { ${build}; }`;
    await program(['flock', `${dir}.lock`, 'sh', '-c', script, 'sh', dir, source], { timeoutMs: 300_000 });
  }
  return dir;
}

/** Installs Work Queue and the manager program `wqmanager` on a host. */
export async function installWorkQueue(lab: Lab, host: HostName): Promise<void> {
  const dir = await workQueueTools();
  for (const name of names)
    await lab.write(host, `/usr/local/bin/${name}`, readFileSync(join(dir, name)), { user: 'root', mode: 0o755 });
}

/** What `wqmanager N` prints last. */
export const sumOfSquares = (n: number): string => `sum ${(n * (n + 1) * (2 * n + 1)) / 6} of ${n}`;
