import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { until } from '../lab/programs.js';
import { ChildEdge } from './edge/child.js';

let dir: string;
let edge: ChildEdge;
const ask: ChildEdge['ask'] = (...request) => edge.ask(...request);

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scailfin-edge-kill-'));
  edge = new ChildEdge(dir);
});
afterEach(async () => {
  await edge.kill();
  await rm(dir, { recursive: true, force: true });
});

const steps = (): string => join(dir, 'steps');
const submitted = (): string[] => {
  const file = join(steps(), 'submitted');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
};
const end = (id: string, status: number): void => writeFileSync(join(steps(), `${id}.exit`), String(status));
const nth = (n: number): Promise<string> => until(`step ${n}`, 60_000, () => submitted()[n]);

const workflow = (commands: readonly string[]): unknown => ({
  workflow: { type: 'serial', specification: { steps: [{ name: 'all', commands }] } },
});

it('an edge that is killed again and again continues where it was, and runs nothing twice', {
  timeout: 240_000,
}, async () => {
  await edge.start();
  await ask('POST', '/api/workflows?workflow_name=long', workflow(['echo 1', 'echo 2', 'echo 3']));
  await ask('POST', '/api/workflows?workflow_name=stopped', workflow(['echo 1']));
  await ask('POST', '/api/workflows?workflow_name=idle', workflow(['echo 1']));
  await ask('POST', '/api/workflows/long/start', { input_parameters: { x: 1 } });
  const first = await nth(0);
  await edge.kill();

  end(first, 0); // the pool does not wait for the edge
  await edge.start();
  await nth(1);
  await edge.kill();

  // a line of a journal that the kill cut short
  for (const run of readdirSync(join(dir, 'runs')))
    appendFileSync(join(dir, 'runs', run, 'journal.jsonl'), '\n{"status":"fini');
  await edge.start();
  const finished = async (): Promise<number> =>
    (await ask('GET', '/api/workflows/long/status')).progress.finished.total;
  await until('the first step to be found finished', 60_000, async () => (await finished()) === 1);
  expect((await ask('GET', '/api/workflows/idle/status')).status).toBe('created');
  expect((await ask('GET', '/api/workflows/long/parameters')).parameters).toEqual({ x: 1 });
  await ask('POST', '/api/workflows/stopped/start', {});
  const doomed = await nth(2);
  end(submitted()[1] as string, 0);
  end(await nth(3), 0);
  await until(
    'the run to end',
    60_000,
    async () => (await ask('GET', '/api/workflows/long/status')).status === 'finished',
  );
  await ask('PUT', '/api/workflows/stopped/status?status=stop', {});
  await edge.kill();

  await edge.start();
  const told = await ask('GET', '/api/workflows/long/status');
  expect(told).toMatchObject({ status: 'finished', progress: { total: { total: 3 }, finished: { total: 3 } } });
  expect((await ask('GET', '/api/workflows/stopped/status')).status).toBe('stopped');
  await until('what was stopped to leave the pool', 60_000, () => existsSync(join(steps(), `${doomed}.exit`)));
  expect(new Set(submitted()).size).toBe(submitted().length);
  expect(submitted()).toHaveLength(4);
  // the same name gets the next number, whatever happened between
  const next = await ask('POST', '/api/workflows?workflow_name=long', workflow(['echo 1']));
  expect(next.workflow_name).toBe('long.2');
});
