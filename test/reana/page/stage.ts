import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PoolStatus } from '../../../src/htcondor/query.js';
import { ownerId } from '../../../src/reana/edge/people/person.js';
import type { RunRecord } from '../../../src/reana/edge/runs/record.js';
import type { EngineRun, WorkflowEngine } from '../../../src/reana/engines/engine.js';
import type { Step, StepRequest, StepService } from '../../../src/reana/jobs/step.js';
import type { Wire } from '../../../src/reana/jobs/wire.js';
import { freePort } from '../../hosts/sshd.js';
import { TestEdge } from '../edge/edges.js';

/** Steps that are as a test says, with logs that grow when it says so. */
export class StagedSteps implements StepService {
  readonly #steps = new Map<string, Step>();
  readonly #logs = new Map<string, string>();
  readonly #listeners = new Set<(step: Step) => void>();

  set(workflow: string, name: string, step: Partial<Step> & { command?: string; image?: string }): string {
    const {
      command = `run-${name} --events 1000`,
      image = 'docker.io/reanahub/reana-env-root6:6.18.04',
      ...more
    } = step;
    const id = more.id ?? randomUUID();
    const request: StepRequest = { workflow, workspace: '/', name, image, command, environment: {}, resources: {} };
    const old = this.#steps.get(id) ?? { id, request, state: 'queued', attempts: 1, created: Date.now() };
    const now: Step = { ...old, ...more };
    this.#steps.set(id, now);
    for (const listener of this.#listeners) listener(now);
    return id;
  }

  print(id: string, text: string): void {
    this.#logs.set(id, (this.#logs.get(id) ?? '') + text);
  }

  submit(): Promise<Step> {
    throw new Error('steps are put on the stage by the test');
  }

  get = (id: string): Step | undefined => this.#steps.get(id);
  of = (workflow: string): readonly Step[] =>
    [...this.#steps.values()].filter(step => step.request.workflow === workflow);

  async stop(id: string): Promise<void> {
    const step = this.#steps.get(id) as Step;
    this.set(step.request.workflow, step.request.name, { id, state: 'stopped', ended: Date.now() });
  }

  log = async (id: string): Promise<string> => this.#logs.get(id) ?? '';

  onChange(listener: (step: Step) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  ended = (): Promise<Step> => new Promise(() => {});
  save = async (): Promise<void> => {};
  wire = (): Wire => ({ send: () => new Promise(() => {}), close: () => {} });
  forget = async (): Promise<void> => {};
  close = async (): Promise<void> => {};
}

/** Ends a run when it is stopped, and tells how many of its steps there are of each kind. */
const engine: WorkflowEngine = {
  run: ({ workflow, steps, tally, progress, parameters }: EngineRun, signal) =>
    new Promise((_, reject) => {
      const tell = (): void => {
        const all = steps.of(workflow);
        tally.total = Number(parameters.total ?? all.length);
        for (const step of all) tally.see(step);
        progress();
      };
      steps.onChange(tell);
      tell();
      signal.addEventListener('abort', () => reject(new Error('stopped')));
    }),
};

/** An edge with a stage for steps, and a pool that is as the test says. */
export class Stage {
  readonly steps = new StagedSteps();
  pool: PoolStatus = { pool: 'alive', glideins: [], tokens: [], jobs: { idle: 0, running: 0, held: 0, total: 0 } };
  edge!: TestEdge;

  /** @param records runs that an edge before had left */
  static async open(records: (stage: Stage) => readonly RunRecord[] = () => []): Promise<Stage> {
    const stage = new Stage();
    // the same when it is started again
    const port = await freePort();
    const options = { port, askPool: async () => stage.pool, engines: { serial: engine } };
    stage.edge = await TestEdge.open({ ...options, steps: stage.steps as never });
    const runs = records(stage);
    if (runs.length > 0) {
      await stage.edge.edge?.close();
      for (const run of runs) {
        for (const dir of ['runs', 'workspaces']) await mkdir(join(stage.edge.dir, dir, run.id), { recursive: true });
        await writeFile(join(stage.edge.dir, 'runs', run.id, 'journal.jsonl'), JSON.stringify(run));
      }
      await stage.edge.start();
    }
    return stage;
  }

  get url(): string {
    return this.edge.url;
  }

  /** Creates and starts a run. @returns its id */
  async start(name: string, more: object = {}): Promise<string> {
    await this.edge.create(['true'], name, more);
    const { id } = await this.edge.json('GET', `/api/workflows/${name}/status`);
    await this.edge.json('POST', `/api/workflows/${id}/start`, {});
    return id;
  }

  close(): Promise<void> {
    return this.edge.close();
  }
}

export const record = (name: string, run: Partial<RunRecord>): RunRecord => {
  const id = run.id ?? randomUUID();
  return {
    ...{ id, owner: ownerId, workspace: id, name, number: 1, restart: 0, status: 'finished', created: Date.now() },
    ...{ specification: { workflow: { type: 'serial', specification: { steps: [] } } }, parameters: {}, options: {} },
    ...run,
  };
};

export const glidein = (site: string, node: string, cores: number, busy: number) => ({
  ...{
    job: `${1000 + cores}`,
    name: `slot1@${node}`,
    bearer: '0a1b2c3d',
    site,
    node,
    cores,
    busy,
    jobs: busy,
    memory: 4000,
  },
  ...{ ends: Math.floor(Date.now() / 1000) + 5 * 3600 + 1200, silent: 3 },
});
