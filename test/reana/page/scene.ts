import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { csv, graph, pdf, png, put, svg, th1, th2 } from './outputs.js';
import { record, Stage } from './stage.js';

const minute = 60_000;

/** The steps of a Snakemake workflow that fans out; of `reco` there are three steps. */
export const fan = {
  nodes: ['gen', 'reco', 'background_with_quite_a_long_name', 'systematics', 'fit', 'plot'],
  edges: [
    ...['reco', 'background_with_quite_a_long_name', 'systematics'].map(name => ['gen', name]),
    ...['reco', 'background_with_quite_a_long_name', 'systematics'].map(name => [name, 'fit']),
    ...[['fit', 'plot']],
  ],
};

export interface Scene {
  readonly stage: Stage;
  /** Ids of runs: two of a serial workflow with outputs, and one that fans out. */
  readonly one: string;
  readonly other: string;
  readonly fanOut: string;
}

/** An edge with runs as a user has them; the second one took longer, and has other outputs. */
export async function openScene(): Promise<Scene> {
  const now = Date.now();
  const old = record('fan-out', {
    specification: { workflow: { type: 'snakemake' } },
    ...{ status: 'failed', reason: 'step reco_3 failed', created: now - 10 * minute, started: now - 9 * minute },
    finished: now - minute,
  });
  const stage = await Stage.open(() => [old]);
  await put(join(stage.edge.dir, 'runs', old.id, 'engine'), { 'graph.json': JSON.stringify(fan) });
  const over = { exitCode: 0, node: 'c1.example', state: 'finished' } as const;
  const times = { created: now - 9 * minute, started: now - 8 * minute, ended: now - 5 * minute };
  for (const name of ['gen', 'reco', 'reco_2']) stage.steps.set(old.id, name, { ...over, ...times });
  stage.steps.set(old.id, 'reco_3', { ...times, state: 'failed', exitCode: 1, node: 'c2', reason: 'it failed' });

  const steps = ['gendata', 'fitdata', 'plot'].map(name => ({ name, environment: 'x', commands: ['true'] }));
  const ids: string[] = [];
  for (const [n, events] of [1000, 2000].entries()) {
    const id = await startOne(stage, { type: 'serial', specification: { steps } }, { events, seed: 4 });
    const [created, started] = [now - 10 * minute, now - 9 * minute];
    stage.steps.set(id, 'gendata', { ...over, created, started, ended: now - (6 - n) * minute });
    stage.steps.set(id, 'fitdata', { state: 'running', node: 'c2', created, started: now - 5 * minute });
    await put(join(stage.edge.dir, 'workspaces', id), {
      'results/plot.png': png(300, 160, [20 + 90 * n, 90, 160]),
      'results/plot.svg': svg(),
      'results/plot.pdf': pdf(`Plot ${n + 1}`),
      'results/table.csv': csv(30 + n),
      'results/fit.json': JSON.stringify({
        mass: th1('h', 'Invariant mass', 60, 5 * n),
        map: th2('h2', 20),
        eff: graph('g'),
      }),
      'results/config.json': '{"a": 1}',
      'results/notes.txt': 'the same in both\n',
      ...(n === 0 ? { 'results/first.txt': 'only here' } : {}),
    });
    ids.push(id);
  }
  return { stage, one: ids[0] as string, other: ids[1] as string, fanOut: old.id };
}

async function startOne(stage: Stage, workflow: object, parameters: object): Promise<string> {
  const { workflow_id: id } = await stage.edge.json('POST', '/api/workflows?workflow_name=roofit', {
    ...{ workflow, inputs: { parameters }, outputs: { directories: ['results'] } },
  });
  await mkdir(join(stage.edge.dir, 'workspaces', id), { recursive: true });
  await stage.edge.json('POST', `/api/workflows/${id}/start`, {});
  return id;
}
