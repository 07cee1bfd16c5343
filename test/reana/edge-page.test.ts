import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { programFor } from '../../src/bundle.js';
import type { PoolStatus } from '../../src/htcondor/query.js';
import type { EdgeEvents, Overview } from '../../src/reana/edge/overview.js';
import { addedTo } from '../../src/reana/edge/page/log.js';
import { PoolWatch } from '../../src/reana/edge/page/pool.js';
import type { WorkflowEngine } from '../../src/reana/engines/engine.js';
import type { Step } from '../../src/reana/jobs/step.js';
import { until } from '../lab/programs.js';
import { askPool, here, TestEdge } from './edge/edges.js';
import { FakeSteps } from './steps.js';

let edge: TestEdge;
afterEach(() => edge?.close());

/** Server-sent events as they come. */
async function listen(
  path: string,
): Promise<{ events: { event: string; data: never }[]; isOver: () => boolean; close(): Promise<void> }> {
  const response = await edge.fetch(path);
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
  const events: { event: string; data: never }[] = [];
  let rest = '';
  let over = false;
  const reading = (async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const blocks = (rest + part.value).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? [];
        if (event && data) events.push({ event, data: JSON.parse(data) as never });
      }
    }
    over = true;
  })().catch(() => {});
  return {
    events,
    isOver: () => over,
    async close() {
      await reader.cancel();
      await reading;
    },
  };
}

const idOf = async (run: string): Promise<string> => (await edge.json('GET', `/api/workflows/${run}/status`)).id;

describe('the page', () => {
  it('is told of all there is, then of changes as they come', async () => {
    edge = await TestEdge.open();
    await edge.create(['wait'], 'watched', { outputs: { files: ['out.root'] } });
    const run = await idOf('watched');
    const { events, close } = await listen(`/api/edge/events?run=${run}`);
    const told = <K extends keyof EdgeEvents>(event: K, test: (data: EdgeEvents[K]) => boolean): Promise<unknown> =>
      until(`${event} to be told`, 60_000, () => events.some(e => e.event === event && test(e.data)));
    await told('overview', ({ runs, steps }) => runs[0]?.status === 'created' && steps?.length === 0);
    await told(
      'pool',
      ({ pool, sample }) => pool.glideins[0]?.node === 'c1' && sample?.used === 1 && sample?.waiting === 4,
    );
    await edge.json('POST', '/api/workflows/watched/start', {});
    await told('run', ({ status, progress }) => status === 'running' && progress.running === 1);
    for (const step of edge.steps.of(run)) edge.steps.end(step.id, { exitCode: 3 });
    await told('run', ({ status, reason }) => status === 'failed' && reason === 'step only ended with status 3');
    await told('step', ({ state, exitCode }) => state === 'failed' && exitCode === 3);
    const overview = (await edge.json('GET', `/api/edge/overview?run=${run}`)) as Overview;
    expect(overview).toMatchObject({
      ...{ cluster: 'test', version: '1.2.3', history: [{ used: 1, free: 1, waiting: 4 }] },
      pool: { glideins: [{ id: '7', site: 'lab', node: 'c1', slots: 2, used: 1, ends: 2e12 }], jobs: { waiting: 4 } },
      runs: [
        {
          name: 'watched.1',
          status: 'failed',
          progress: { total: 1, failed: 1 },
          outputs: { files: ['out.root'], directories: [] },
        },
      ],
      steps: [{ name: 'only', command: 'wait', state: 'failed', image: 'python:3.12', attempts: 1 }],
    });
    await edge.json('PUT', '/api/workflows/watched/status?status=deleted', {});
    await told('deleted', ({ id }) => id === run);
    expect((await edge.json('GET', '/api/edge/overview')).runs).toEqual([]);
    await close();
  });

  it('is told a log as it grows, to its end', async () => {
    let printed = 'one\n';
    class Printing extends FakeSteps {
      override log = async (): Promise<string> => printed;
    }
    edge = await TestEdge.open({ steps: new Printing(here) });
    await edge.create(['wait'], 'talks');
    await edge.json('POST', '/api/workflows/talks/start', {});
    const run = await idOf('talks');
    const step = await until('a step', 60_000, () => edge.steps.of(run)[0] as Step | undefined);
    const { events, isOver } = await listen(`/api/edge/steps/${step.id}/log`);
    await until('its first words', 60_000, () => events.length === 1);
    printed += 'two\n';
    await until('more of them', 60_000, () => events.length === 2);
    printed += 'three\n';
    edge.steps.end(step.id, { exitCode: 0 });
    await until('the end', 60_000, isOver);
    expect(events).toEqual([
      { event: 'text', data: { text: 'one\n' } },
      { event: 'more', data: { text: 'two\n' } },
      { event: 'more', data: { text: 'three\n' } },
      { event: 'end', data: {} },
    ]);
    expect((await edge.fetch('/api/edge/steps/unknown/log')).status).toBe(404);
  });

  it('is told the order of the steps of a serial workflow before it runs', async () => {
    edge = await TestEdge.open();
    const steps = [
      { name: 'first', commands: ['true'] },
      { commands: ['true', 'true'] },
      { name: 'last', commands: [] },
    ];
    await edge.create(['true'], 'ordered', { workflow: { type: 'serial', specification: { steps } } });
    expect(await edge.json('GET', '/api/edge/graph?run=ordered')).toEqual({
      graph: {
        nodes: ['first', 'step 2', 'last'],
        edges: [
          ['first', 'step 2'],
          ['step 2', 'last'],
        ],
      },
    });
    expect((await edge.fetch('/api/edge/graph?run=unknown')).status).toBe(404);
    expect((await edge.fetch('/api/edge/graph')).status).toBe(400);
  });

  it('is told what a workflow engine has written of the order, while it runs', async () => {
    const drawn = { nodes: ['a', 'b'], edges: [['a', 'b']] };
    const draws: WorkflowEngine = {
      run: async ({ dir }) => writeFile(join(dir, 'graph.json'), JSON.stringify(drawn)),
    };
    edge = await TestEdge.open({ engines: { serial: draws, snakemake: draws } });
    await edge.create(['true'], 'drawn', { workflow: { type: 'snakemake', file: 'Snakefile' } });
    expect(await edge.json('GET', '/api/edge/graph?run=drawn')).toEqual({});
    await edge.json('POST', '/api/workflows/drawn/start', {});
    await until('the run to end', 60_000, async () => (await edge.status('drawn')) === 'finished');
    expect(await edge.json('GET', '/api/edge/graph?run=drawn')).toEqual({ graph: drawn });
  });

  it('has its libraries beside it, and finds a changed file only', async () => {
    edge = await TestEdge.open();
    for (const name of ['main.js', 'dagre.js', 'papaparse.js']) {
      const response = await fetch(`${edge.url}/page/${name}`);
      expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
      expect((await response.text()).length).toBeGreaterThan(1000);
      const headers = { 'If-None-Match': String(response.headers.get('etag')) };
      expect((await fetch(`${edge.url}/page/${name}`, { headers })).status).toBe(304);
    }
    expect((await fetch(`${edge.url}/page/dagre.d.ts`)).status).toBe(404);
    // and on a headnode
    const there = programFor('edge').files.map(({ path }) => path);
    expect(there).toEqual(
      expect.arrayContaining(['dist/page/dagre.js', 'dist/page/papaparse.js', 'templates/page/main.js']),
    );
  });

  it('gets tickets, each for one path', async () => {
    edge = await TestEdge.open();
    const run = await edge.create(['true']);
    await edge.upload(run, 'a b.txt', 'mine');
    const path = `/api/workflows/${run}/workspace/a%20b.txt`;
    const { ticket } = await edge.json('GET', `/api/edge/ticket?path=${encodeURIComponent(path)}`);
    const status = async (where: string, method = 'GET'): Promise<number> =>
      (await fetch(`${edge.url}${where}?ticket=${ticket}`, { method })).status;
    expect(await (await fetch(`${edge.url}${path}?ticket=${ticket}`)).text()).toBe('mine');
    expect(await status(path, 'DELETE')).toBe(401);
    expect(await status('/api/you')).toBe(401);
    expect(await status(`/api/workflows/${run}/workspace/other`)).toBe(401);
    expect(edge.said.join('\n')).not.toContain(ticket);
  });
});

describe('a log that grows', () => {
  it('is told by what was added, also where its front was cut', () => {
    const long = [...Array(400)].map((_, i) => `line ${i}\n`).join('');
    expect(addedTo('', 'a')).toBe('a');
    expect(addedTo('a', 'ab')).toBe('b');
    expect(addedTo(long, `${long}x`)).toBe('x');
    expect(addedTo(long, `${long.slice(100)}x`)).toBe('x');
    expect(addedTo(long, 'another')).toBeUndefined();
    expect(addedTo('abc', 'bcd')).toBeUndefined();
  });
});

describe('the pool', () => {
  it('is asked while somebody looks, remembers a day, and says when it is silent', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'scailfin-pool-'));
    const file = join(dir, 'pool.jsonl');
    const old = (time: number): string => `${JSON.stringify({ time, used: 9, free: 0, waiting: 0 })}\n`;
    await writeFile(file, `${old(Date.now() - 2e8)}${old(Date.now() - 1000)}{"time":`);
    let asked = 0;
    const ask = async (): Promise<PoolStatus> => {
      asked += 1;
      if (asked === 3) throw new Error('condor_status: no answer');
      return askPool();
    };
    const watch = await PoolWatch.open(ask, file, () => false, 20);
    try {
      await new Promise(resolve => setTimeout(resolve, 100));
      expect([asked, watch.history.length]).toEqual([0, 1]);
      const seen: (string | undefined)[] = [];
      const end = watch.onAnswer(view => seen.push(view.problem));
      await until('it to be asked', 60_000, () => seen.length >= 4);
      end();
      expect(seen.slice(0, 4)).toEqual([undefined, undefined, 'condor_status: no answer', undefined]);
      expect(watch.view.glideins[0]?.node).toBe('c1');
      const again = await PoolWatch.open(ask, file, () => false, 1e6);
      expect(again.history.length).toBeGreaterThanOrEqual(4);
      again.close();
    } finally {
      watch.close();
      await rm(dir, { recursive: true, force: true });
    }
  });
});
