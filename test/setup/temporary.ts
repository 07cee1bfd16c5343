import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestProject } from 'vitest/node';

/** How long what a test has ended may take to clear its files away. Milliseconds. */
const patience = 5_000;
/** A cache of programs, which `tsx` makes and nobody removes. */
const cache = /^tsx-\d+$/;

/**
 * All tests of a run have one directory in the place of /tmp. What is still there when they are over is a leak: the run
 * fails, and names it. Then the directory is removed.
 */
export default function setup(project: TestProject): () => Promise<void> {
  const before = process.env.TMPDIR;
  // a short name: paths of sockets may have 107 characters
  const dir = mkdtempSync(join(tmpdir(), 'sf-'));
  // other users' processes use it, too
  chmodSync(dir, 0o1777);
  process.env.TMPDIR = dir;
  // Vitest's own directory stays now and then
  const own = [dir, project.tmpDir];
  process.once('exit', () => {
    for (const path of own) rmSync(path, { recursive: true, force: true });
  });
  return async () => {
    for (const end = Date.now() + patience; left(dir).length > 0 && Date.now() < end; ) await sleep(100);
    const found = left(dir);
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    if (found.length === 0) return;
    // Vitest itself takes no notice of what goes wrong so late
    process.exitCode = 1;
    process.stdout.write(`» the tests left these in the temporary directory: ${found.join(', ')}\n`);
  };
}

const left = (dir: string): string[] => readdirSync(dir).filter(name => !cache.test(name));
