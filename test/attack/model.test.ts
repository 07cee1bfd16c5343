import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/paths.js';

const model = readFileSync(join(packageRoot, 'src', 'SECURITY.md'), 'utf8');
const dir = join(packageRoot, 'test', 'attack');
const files = readdirSync(dir).filter(name => name.endsWith('.test.ts') && name !== 'model.test.ts');

it('names every file of attacks, and none that is not there', () => {
  const named = [...model.matchAll(/`([\w-]+\.test\.ts)`/g)].map(([, name]) => name);
  expect([...new Set(named)].sort()).toEqual(files.sort());
});

it('has a line for all that an attack is accepted by', () => {
  const lines = new Set([...model.matchAll(/^\| (A\d+) \|/gm)].map(([, line]) => line));
  const accepted = files.flatMap(name =>
    [...readFileSync(join(dir, name), 'utf8').matchAll(/accepted: '(\w+)'/g)].map(([, line]) => line),
  );
  expect(accepted.length).toBeGreaterThan(0);
  expect(accepted.filter(line => !lines.has(line))).toEqual([]);
});
