import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../bench/report.js';
import { Clients } from './clients.js';
import { LoadedEdge } from './edge.js';
import type { Cost, Sized } from './report.js';

/** Workflows of many steps: one after the other; the same, of which each leaves a file; all at once. */
export const shapes = ['serial', 'serial, each leaves a file', 'wide, each leaves a file'] as const;
export type Shape = (typeof shapes)[number];

export interface StepsPlan {
  readonly program: string;
  readonly steps: number;
  readonly slots: number;
  readonly clients: number;
}

/** Runs one workflow to its end with all clients looking at it. @throws Error if a step was lost, or ran twice */
export async function measureSteps(shape: Shape, plan: StepsPlan): Promise<Sized> {
  const edge = await LoadedEdge.start(plan.program, plan.slots);
  const clients = new Clients(edge.address);
  try {
    const ask = async (method: string, path: string, body?: unknown) =>
      JSON.parse(await clients.ask(method, path, body === undefined ? undefined : JSON.stringify(body)));
    const workflow = { workflow: workflowOf(shape, plan.steps), inputs: { parameters: { steps: plan.steps } } };
    const { workflow_id: run } = await ask('POST', '/api/workflows?workflow_name=load', workflow);
    const before = edge.used;
    const began = performance.now();
    clients.start(run, plan.clients);
    await ask('POST', `/api/workflows/${run}/start`, {});
    const status = await overAt(() => ask('GET', `/api/workflows/${run}/status`));
    const ms = performance.now() - began;
    await clients.end();
    const { cpuMs, bytes, peakMib } = edge.used;
    const files = shape === 'serial' ? 1 : plan.steps;
    check(plan.steps, status, await edge.ran(), madeIn(edge.workspace(run)), files);
    // each step may use every file of the run, and any may have changed: the edge looks at all, and tells the step of them
    const told = { what: 'steps, and files told to them', work: plan.steps + edge.told };
    const ofFiles = shape === 'serial' ? {} : { of: told };
    if (clients.problems.length > 0) throw new Error(`an answer of the edge: ${clients.problems[0]}`);
    // in REANA's API it names all steps that have ended, so a client that asks all the time is told far more than the steps are
    const ofStatus = clients.sizes.get('status') ?? [];
    const costs: Cost[] = [
      { what: 'time', value: ms / 1000, unit: 's', grows: 'work', isTime: true, ...ofFiles },
      { what: 'CPU of the edge', value: (cpuMs - before.cpuMs) / 1000, unit: 's', grows: 'work', ...ofFiles },
      {
        what: 'bytes it read and wrote, but for answers of status',
        value: (bytes - before.bytes - sum(ofStatus)) / 1e6,
        unit: 'MB',
        grows: 'work',
        ...ofFiles,
      },
      { what: 'an answer of status, largest', value: Math.max(0, ...ofStatus) / 1e3, unit: 'kB', grows: 'work' },
      { what: 'memory of the edge at most', value: peakMib, unit: 'MiB', grows: 'work' },
      ...[...clients.times].flatMap(([what, times]): Cost[] => [
        {
          what: `${what}, median`,
          value: median(times),
          unit: 'ms',
          // a page is as large for any number of steps; but it waits while the edge looks at files, which takes longer with more of them
          grows: what === 'status' || shape !== 'serial' ? 'work' : 'not',
          isTime: true,
        },
        { what: `${what}, worst`, value: Math.max(...times), unit: 'ms', grows: 'work', isTime: true },
      ]),
    ];
    const rate = `${((plan.steps * 60_000) / ms).toFixed(0)} steps per minute, ${clients.events} events to the pages`;
    return { work: plan.steps, costs, note: rate };
  } finally {
    await clients.end();
    await edge.end();
  }
}

function workflowOf(shape: Shape, steps: number): unknown {
  if (shape.startsWith('wide')) return { type: 'snakemake', file: 'Snakefile' };
  const file = (n: number): string => (shape === 'serial' ? 'state.txt' : `part/${n}.txt`);
  const commands = Array.from({ length: steps }, (_, n) => `make part >${file(n)}`);
  return { type: 'serial', specification: { steps: [{ name: 'all', environment: '', commands }] } };
}

interface Status {
  readonly status: string;
  readonly progress: { readonly finished: { readonly total: number; readonly job_ids: readonly string[] } };
}

async function overAt(look: () => Promise<Status>): Promise<Status> {
  for (;;) {
    const now = await look();
    if (!['queued', 'pending', 'running'].includes(now.status)) return now;
    await sleep(500);
  }
}

const madeIn = (workspace: string): number =>
  readdirSync(workspace, { recursive: true, withFileTypes: true }).filter(e => e.isFile() && e.name.endsWith('.txt'))
    .length;

function check(
  steps: number,
  { status, progress }: Status,
  ran: ReadonlyMap<string, number>,
  made: number,
  files: number,
): void {
  const ids = new Set(progress.finished.job_ids);
  const twice = [...ran.values()].filter(times => times > 1).length;
  const lost = [...ids].filter(id => !ran.has(id)).length;
  const said = `${status}, ${ids.size} of ${steps} steps finished, ${ran.size} ran, ${twice} of them twice, ${made} of ${files} files`;
  const isGood =
    status === 'finished' && ids.size === steps && ran.size === steps && twice + lost === 0 && made === files;
  if (!isGood) throw new Error(`steps were lost or doubled: ${said}`);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
