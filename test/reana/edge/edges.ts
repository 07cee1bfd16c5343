import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PoolStatus } from '../../../src/htcondor/query.js';
import { Edge, type EdgeOptions } from '../../../src/reana/edge/server.js';
import { serial } from '../../../src/reana/engines/serial.js';
import type { Step, StepRequest } from '../../../src/reana/jobs/step.js';
import { password } from '../../secrets.js';
import { FakeSteps } from '../steps.js';
import { Asker } from './asker.js';

/** Steps run here and now, as in the pool: a shell, in the workspace. Those that say `wait` end when a test ends them. */
export const here = (request: StepRequest): Partial<Step> | undefined => {
  if (request.command.includes('wait') || request.isSession) return undefined;
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

  /** As a client without the client: the path with its query, the owner's token with it. */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return this.as(token).fetch(path, init);
  }

  /** Whoever has a token. */
  as(who: string): Asker {
    return new Asker(this, who);
  }

  /** Shares the cluster with a person. */
  async add(name: string, more: object = {}): Promise<Asker> {
    const made = randomBytes(32).toString('base64url');
    const hash = createHash('sha256').update(made).digest('hex');
    await this.json('PUT', `/api/edge/people/${encodeURIComponent(name)}`, { hash, ...more });
    return this.as(made);
  }

  /** A JSON answer. @throws Error with the server's message where it is none of 2xx */
  // biome-ignore lint/suspicious/noExplicitAny: what an answer holds is what tests are about
  json(method: string, path: string, body?: unknown): Promise<any> {
    return this.as(token).json(method, path, body);
  }

  create(commands: readonly string[], name = 'analysis', more: object = {}): Promise<string> {
    return this.as(token).create(commands, name, more);
  }

  upload(run: string, name: string, body: RequestInit['body']): Promise<Response> {
    return this.as(token).upload(run, name, body);
  }

  status(run: string): Promise<string> {
    return this.as(token).status(run);
  }

  async close(): Promise<void> {
    await this.edge?.close();
    await rm(this.dir, { recursive: true, force: true });
  }
}
