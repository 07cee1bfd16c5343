import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Output } from '../../../src/reana/engines/output.js';

it('what an engine prints is told once, in whole lines, whoever follows it', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'engine-output-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const file = join(dir, 'log');
  const told: string[] = [];
  const follower = (): Output => new Output(file, text => told.push(text));
  const first = follower();
  await first.follow();
  await writeFile(file, 'one\ntwo\nth');
  await first.follow();
  expect(told.splice(0)).toEqual(['one\ntwo\n']);
  await appendFile(file, 'réé\nfour');
  await follower().follow();
  expect(told.splice(0)).toEqual(['thréé\n']);
  await follower().follow(true);
  expect(told.splice(0)).toEqual(['four']);
  await appendFile(file, `${'x'.repeat(200_000)}\n${'line\n'.repeat(50_000)}`);
  await follower().follow();
  expect(told.join('')).toBe(`${'x'.repeat(200_000)}\n${'line\n'.repeat(50_000)}`);
  expect(await first.end(2)).toBe('line\nline');
});
