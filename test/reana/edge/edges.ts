import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PoolStatus } from '../../../src/htcondor/query.js';
import { Edge, type EdgeOptions } from '../../../src/reana/edge/server.js';
import { serial } from '../../../src/reana/engines/serial.js';
import type { Step, StepRequest } from '../../../src/reana/jobs/step.js';
import { password } from '../../secrets.js';
import { FakeSteps } from '../steps.js';

/** Steps run here and now, as in the pool: a shell, in the workspace. Those that say `wait` end when a test ends them. */
export const here = (request: StepRequest): Partial<Step> | undefined => {
  if (request.command.includes('wait')) return undefined;
  const env = { ...process.env, ...request.environment };
  const { status } = spawnSync('bash', ['-c', request.command], { cwd: request.workspace, env });
  return { exitCode: status ?? 1 };
};

export const token = password;

/** A pool of one node, one of its two cores at work. */
export const askPool = async (): Promise<PoolStatus> => {
  const node = {
    job: '7',
    name: 'slot1@7.a1b2c3d4@c1',
    bearer: 'a1b2c3d4',
    site: 'lab',
    node: 'c1',
    cores: 2,
    busy: 1,
    jobs: 1,
    memory: 1024,
    ends: 2e9,
    silent: 3,
  };
  return { pool: 'alive', glideins: [node], tokens: [], jobs: { idle: 4, running: 1, held: 0, total: 5 } };
};

/** An edge of a test's own, in a directory that goes with it. */
export class TestEdge {
  readonly said: string[] = [];
  edge: Edge | undefined;

  private constructor(
    readonly dir: string,
    public steps: FakeSteps,
    private readonly options: Partial<EdgeOptions>,
  ) {}

  static async open(options: Partial<EdgeOptions> & { readonly steps?: FakeSteps } = {}): Promise<TestEdge> {
    const dir = await mkdtemp(join(tmpdir(), 'scailfin-edge-'));
    const test = new TestEdge(dir, options.steps ?? new FakeSteps(here), options);
    try {
      await test.start();
    } catch (error) {
      await test.close();
      throw error;
    }
    return test;
  }

  async start(): Promise<void> {
    const fixed = { dir: this.dir, cluster: 'test', version: '1.2.3', token, port: 0, engines: { serial }, askPool };
    const log = (line: string): void => void this.said.push(line);
    this.edge = await Edge.open({ ...fixed, log, ...this.options, steps: this.steps });
  }

  get url(): string {
    return `http://127.0.0.1:${this.edge?.port}`;
  }

  /** As a client without the client: the path with its query, the token with it. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const url = `${this.url}${path}${path.includes('?') ? '&' : '?'}access_token=${token}`;
    return fetch(url, init);
  }

  /** A JSON answer. @throws Error with the server's message where it is none of 2xx */
  // biome-ignore lint/suspicious/noExplicitAny: what an answer holds is what tests are about
  async json(method: string, path: string, body?: unknown): Promise<any> {
    const init =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
    const response = await this.fetch(path, { method, ...init });
    const answer = (await response.json()) as { message?: string };
    if (!response.ok) throw new Error(`${response.status}: ${answer.message}`);
    return answer;
  }

  async create(commands: readonly string[], name = 'analysis', more: object = {}): Promise<string> {
    const specification = { steps: [{ name: 'only', environment: 'python:3.12', commands }] };
    const workflow = { type: 'serial', specification };
    const { workflow_name } = await this.json('POST', `/api/workflows?workflow_name=${name}`, { workflow, ...more });
    return workflow_name;
  }

  upload(run: string, name: string, body: RequestInit['body']): Promise<Response> {
    return this.fetch(`/api/workflows/${run}/workspace?file_name=${encodeURIComponent(name)}`, {
      ...{ method: 'POST', body: body ?? null, headers: { 'Content-Type': 'application/octet-stream' } },
      ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
    } as RequestInit);
  }

  async status(run: string): Promise<string> {
    return (await this.json('GET', `/api/workflows/${run}/status`)).status;
  }

  async close(): Promise<void> {
    await this.edge?.close();
    await rm(this.dir, { recursive: true, force: true });
  }
}
