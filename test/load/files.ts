import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../bench/report.js';
import { Clients } from './clients.js';
import { LoadedEdge } from './edge.js';
import type { Cost, Sized } from './report.js';

export interface FilesPlan {
  readonly program: string;
  readonly files: number;
  /** Of one more file, which has no content on the disk. */
  readonly bytes: number;
}

const pageSize = 1000;
const steps = 10;

/** A workspace of many files and a large one: lists, sums, a download, and steps that get it. */
export async function measureFiles({ program, files, bytes }: FilesPlan): Promise<Sized> {
  const edge = await LoadedEdge.start(program, 10);
  const clients = new Clients(edge.address);
  try {
    const commands = Array.from({ length: steps }, () => 'make part >state.txt');
    const workflow = { type: 'serial', specification: { steps: [{ name: 'all', environment: '', commands }] } };
    const made = await clients.ask('POST', '/api/workflows?workflow_name=files', JSON.stringify({ workflow }));
    const { workflow_id: run } = JSON.parse(made);
    fill(edge.workspace(run), files, bytes);
    const at = `/api/workflows/${run}`;
    const costs: Cost[] = [];
    const timed = async (what: string, work: () => Promise<unknown>): Promise<void> => {
      const before = edge.used.cpuMs;
      const began = performance.now();
      await work();
      costs.push({ what, value: performance.now() - began, unit: 'ms', grows: 'work', isTime: true });
      costs.push({ what: `${what}, CPU`, value: edge.used.cpuMs - before, unit: 'ms', grows: 'work' });
    };
    let pings: number[] = [];
    const watch = new AbortController();
    const watching = ping(clients, watch.signal).then(times => {
      pings = times;
    });
    await timed('all names at once', () => clients.count(`${at}/workspace`));
    await timed('all names, by pages', async () => {
      for (let page = 1; page <= Math.ceil(files / pageSize); page++)
        await clients.count(`${at}/workspace?page=${page}&size=${pageSize}`);
    });
    await timed('their sum', () => clients.ask('GET', `${at}/disk_usage?summarize=true`));
    await timed('a download of the large file', () => clients.count(`${at}/workspace/large.root`));
    await timed(`${steps} steps, one after the other`, async () => {
      await clients.ask('POST', `${at}/start`, '{}');
      for (;;) {
        const { status } = JSON.parse(await clients.ask('GET', `${at}/status`));
        if (status === 'finished') return;
        if (status === 'failed') throw new Error(await clients.ask('GET', `${at}/logs`));
        await sleep(200);
      }
    });
    watch.abort();
    await watching;
    costs.push({
      what: 'another request meanwhile, median',
      value: median(pings),
      unit: 'ms',
      grows: 'not',
      isTime: true,
    });
    costs.push({
      what: 'another request meanwhile, worst',
      value: Math.max(...pings),
      unit: 'ms',
      grows: 'work',
      isTime: true,
    });
    costs.push({ what: 'memory of the edge at most', value: edge.used.peakMib, unit: 'MiB', grows: 'work' });
    return { work: files, costs, note: `${files} files, and one of ${(bytes / 1e9).toFixed(1)} GB` };
  } finally {
    await clients.end();
    await edge.end();
  }
}

function fill(workspace: string, files: number, bytes: number): void {
  for (let n = 0; n < files; n++) {
    if (n % 1000 === 0) mkdirSync(join(workspace, `part/${n / 1000}`), { recursive: true });
    writeFileSync(join(workspace, `part/${Math.floor(n / 1000)}/${n}.txt`), `${n}\n`);
  }
  writeFileSync(join(workspace, 'large.root'), '');
  truncateSync(join(workspace, 'large.root'), bytes);
}

/** Asks for something small again and again. @returns milliseconds of each answer */
async function ping(clients: Clients, signal: AbortSignal): Promise<number[]> {
  const times: number[] = [];
  while (!signal.aborted) {
    const began = performance.now();
    await clients.ask('GET', '/api/workflows?size=1&page=1');
    times.push(performance.now() - began);
    await sleep(100);
  }
  return times;
}
