import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { scriptCommand } from '../../src/hosts/script.js';
import { templateText } from '../../src/templates.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'scailfin-leaving-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** @returns milliseconds */
async function wait(seconds: number): Promise<number> {
  const began = performance.now();
  const [file = '', ...args] = scriptCommand(templateText('site/leaving.sh'), [dir, String(seconds)]);
  const status = await new Promise(resolve => spawn(file, args, { stdio: 'inherit' }).once('exit', resolve));
  expect(status).toBe(0);
  return performance.now() - began;
}

it('waits for a glide-in that leaves its node, and no longer', async () => {
  mkdirSync(join(dir, 'places'));
  const trace = join(dir, 'places', 'c1-1a2b3c4d');
  writeFileSync(trace, 'c1 /tmp/scailfin-x-1a2b3c4d\n');
  let gone = Number.POSITIVE_INFINITY;
  setTimeout(() => {
    rmSync(trace);
    gone = performance.now();
  }, 2000);
  await wait(60);
  expect(performance.now()).toBeGreaterThan(gone);
  expect(performance.now() - gone).toBeLessThan(10_000);
});

it('gives up after some seconds, and waits a moment only where there is none', async () => {
  expect(await wait(60)).toBeLessThan(20_000);
  mkdirSync(join(dir, 'places'));
  writeFileSync(join(dir, 'places', 'c1-1a2b3c4d'), 'c1 /tmp/scailfin-x-1a2b3c4d\n');
  expect(await wait(2)).toBeGreaterThan(1000);
});
