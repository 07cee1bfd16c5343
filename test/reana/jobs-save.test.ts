import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Collector } from '../../src/reana/jobs/collect.js';
import { Hashes } from '../../src/reana/jobs/hashes.js';
import { manifestText, survey } from '../../src/reana/jobs/manifest.js';
import { Manifests } from '../../src/reana/jobs/manifests.js';
import { jobDir, manifestPath } from '../../src/reana/jobs/places.js';
import type { StepRecord } from '../../src/reana/jobs/record.js';
import { removeTree } from '../../src/reana/tree.js';

const id = '0a4a8a8e-1f0e-4b0a-8f43-2f4f0a4a8a8e';
let top: string;
let workspace: string;
let collector: Collector;
let step: StepRecord;

beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'scailfin-save-'));
  workspace = join(top, 'workspace');
  mkdirSync(workspace);
  mkdirSync(jobDir(top, id), { recursive: true });
  write({ 'notes.txt': 'first', 'old.txt': 'old' });
  const hashes = await Hashes.open(join(top, 'hashes'));
  writeFileSync(manifestPath(top, id), manifestText(await survey(workspace, hashes), undefined));
  collector = new Collector(top, hashes, new Manifests());
  const request = { workflow: 'w', workspace, name: 'session', image: '', command: '', environment: {}, resources: {} };
  step = { id, request: { ...request, isSession: true }, state: 'running', attempts: 1, created: 0 };
});
afterEach(() => removeTree(top));

function write(files: Readonly<Record<string, string>>, dir = workspace): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
}
const read = (): Record<string, string> =>
  Object.fromEntries(readdirSync(workspace).map(name => [name, readFileSync(join(workspace, name), 'utf8')]));
function packed(files: Readonly<Record<string, string>>, archive: string): string {
  const dir = join(top, 'node');
  mkdirSync(dir);
  write(files, dir);
  execFileSync('tar', ['-C', dir, '-cf', archive, ...Object.keys(files), '-T', '/dev/null']);
  rmSync(dir, { recursive: true });
  return archive;
}
const saves = (files: Readonly<Record<string, string>>, deleted: readonly string[] = [], goesOn = true) =>
  collector.save(step, packed(files, join(top, 'saved.tar')), deleted, () => goesOn);
function ends(files: Readonly<Record<string, string>>, deleted: readonly string[] = []) {
  packed(files, join(jobDir(top, id), 'changed.tar'));
  const gone = deleted.map(name => `deleted=${Buffer.from(name).toString('base64')}\n`).join('');
  writeFileSync(join(jobDir(top, id), 'report'), `version=1\nexit=0\nshared=no\n${gone}`);
  return collector.collect({ ...step, ending: { exitCode: 0, signal: undefined, at: 1 } });
}

it('brings what a session changes while it runs, and what it changes after that', async () => {
  await saves({ 'notes.txt': 'second', 'new.txt': 'new' }, ['old.txt']);
  expect(read()).toEqual({ 'notes.txt': 'second', 'new.txt': 'new' });
  await saves({ 'notes.txt': 'third' }, ['new.txt']);
  expect(read()).toEqual({ 'notes.txt': 'third' });
  // the wrapper compares with what was there at the beginning
  expect(await ends({ 'notes.txt': 'fourth', 'last.txt': 'last' }, ['old.txt'])).toMatchObject({ state: 'finished' });
  expect(read()).toEqual({ 'notes.txt': 'fourth', 'last.txt': 'last' });
});

it('keeps what others changed meanwhile', async () => {
  await saves({ 'notes.txt': 'second' });
  write({ 'notes.txt': 'by a step' });
  await saves({ 'notes.txt': 'third' });
  expect(read()).toEqual({ 'notes.txt': 'third', 'notes.txt.~session~': 'by a step', 'old.txt': 'old' });
});

it('brings nothing older once it has ended', async () => {
  await ends({ 'notes.txt': 'last' });
  await saves({ 'notes.txt': 'older' }, [], false);
  expect(read()).toEqual({ 'notes.txt': 'last', 'old.txt': 'old' });
});
