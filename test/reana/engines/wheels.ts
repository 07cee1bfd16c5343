import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { PythonEngine } from '../../../src/reana/engines/python.js';
import type { HostName, Lab } from '../../lab/lab.js';
import { program } from '../../lab/programs.js';
import { requirements } from './workflows.js';

const cache = process.env.SCAILFIN_LAB_CACHE ?? '/var/cache/scailfin-lab';

/** For the lab's Python; what PyPI has as source only has no compiled part, and is made a wheel of here. */
const fetch = `set -u
mkdir -p "$2.new"
grep -v '^#' "$1" | while read -r one; do
  python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.13 --implementation cp \\
    --abi cp313 --abi abi3 --abi none --platform manylinux2014_x86_64 --platform manylinux_2_28_x86_64 --platform any \\
    -d "$2.new" "$one" 2>/dev/null || python3 -m pip wheel -q --disable-pip-version-check --no-deps -w "$2.new" "$one" || exit 1
done && mv "$2.new" "$2"`;

/** Lets pip on a lab's host, which has no network, find what a workflow language's engine needs. */
export async function offerWheels(lab: Lab, host: HostName, kind: PythonEngine): Promise<void> {
  const wanted = requirements(kind);
  const hash = createHash('sha256')
    .update(await readFile(wanted))
    .digest('hex')
    .slice(0, 16);
  const dir = join(cache, `wheels-${hash}`);
  if (!existsSync(dir)) {
    await mkdir(cache, { recursive: true });
    const argv = ['flock', `${dir}.lock`, 'sh', '-c', `[ -d "$2" ] || { ${fetch}; }`, 'sh', wanted, dir] as const;
    await program([...argv], { timeoutMs: 15 * 60_000 });
  }
  const { stdout } = await execa('tar', ['-c', '-C', dir, '.'], { encoding: 'buffer', maxBuffer: 2 ** 28 });
  await lab.write(host, '/opt/wheels.tar', Buffer.from(stdout), { user: 'root' });
  const unpack =
    'mkdir -p /opt/wheels && tar -xf /opt/wheels.tar -C /opt/wheels && rm /opt/wheels.tar && chmod -R a+rX /opt/wheels';
  await lab.exec(host, ['sh', '-c', unpack], { user: 'root' });
  await lab.write(host, '.config/pip/pip.conf', '[global]\nno-index = true\nfind-links = /opt/wheels\n');
}
