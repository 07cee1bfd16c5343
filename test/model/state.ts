import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { templateText } from '../../src/templates.js';
import { PROGRAMS } from './pool.js';
import type { Machine } from './world.js';

/** The laptops' state directories are real. What is written there is forced to the disk, so they are in memory if possible. */
const [shm = tmpdir()] = ['/dev/shm'].filter(existsSync);
const root = join(shm, `scailfin-model-${process.pid}-${threadId}`);
process.once('exit', () => rmSync(root, { recursive: true, force: true }));

/** Where a laptop has its records. */
export const stateOf = ({ name }: Machine): string => join(root, name);

/** From here on, journals are those of this laptop. */
export function useState(laptop: Machine): void {
  process.env.XDG_STATE_HOME = stateOf(laptop);
  process.env.XDG_CACHE_HOME = join(root, 'cache');
}

/** No laptop remembers anything; the payload of the headnode's programs is in the cache, as after any earlier cluster. */
export function prepareState(): void {
  for (const name of ['laptop', 'other']) rmSync(join(root, name), { recursive: true, force: true });
  const dir = join(root, 'cache/scailfin/payload');
  if (existsSync(dir)) return;
  mkdirSync(dir, { recursive: true });
  const recipe = createHash('sha256').update(templateText('headnode/payload-cut.sh')).digest('hex').slice(0, 12);
  const payload = { sha256: 'a'.repeat(64), glibc: '2.28', arch: 'x86_64', condor: '23.4.0', bytes: 1_000_000 };
  writeFileSync(join(dir, `${PROGRAMS}-${recipe}.json`), JSON.stringify(payload));
  writeFileSync(join(dir, `${payload.sha256}.tar.gz`), '');
}

/** Removes the state of all laptops. */
export const removeState = (): void => rmSync(root, { recursive: true, force: true });
