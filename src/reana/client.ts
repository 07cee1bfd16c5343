import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import http from 'node:http';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ConnectionError, messageOf, ScailfinError } from '../errors.js';
import type { Progress, RunStatus, Specification } from './run.js';

/** What `GET …/status` tells of a run. */
export interface RunReport {
  readonly id: string;
  readonly name: string;
  readonly status: RunStatus;
  readonly logs?: string;
  readonly progress: { readonly [K in keyof Progress]: { readonly total: number } };
}

/** One step in `GET …/logs`. */
export interface StepReport {
  readonly job_name: string;
  readonly status: string;
  readonly logs?: string;
  readonly cmd?: string;
  readonly backend_job_id?: string;
  readonly started_at?: string | null;
  readonly finished_at?: string | null;
}

export interface RunLogs {
  readonly workflow_logs?: string;
  readonly job_logs: Readonly<Record<string, StepReport>>;
}

type Query = Readonly<Record<string, string>>;

/** Talks to a cluster's REANA in its own API (0.9), over whatever connection leads there. */
export class ReanaClient {
  /** @param dial opens a connection to its port @param token secret */
  constructor(
    private readonly dial: () => Promise<Duplex>,
    private readonly token: string,
  ) {}

  async create(name: string, specification: Specification): Promise<{ id: string; name: string }> {
    const told = await this.json<{ workflow_id: string; workflow_name: string }>(
      'POST',
      '/api/workflows',
      { workflow_name: name },
      specification,
    );
    return { id: told.workflow_id, name: told.workflow_name };
  }

  /** @param path below the workspace @param onBytes told how much has been sent */
  async upload(run: string, file: string, path: string): Promise<number> {
    const { size } = await stat(file);
    const response = await this.send('POST', `/api/workflows/${run}/workspace`, { file_name: path }, request => {
      request.setHeader('Content-Type', 'application/octet-stream');
      request.setHeader('Content-Length', size);
      // the answer ends it; it may come, and the connection close, before the last write is known to be done
      const source = createReadStream(file);
      source.once('error', error => request.destroy(error));
      source.pipe(request);
    });
    await textOf(response);
    return size;
  }

  async start(run: string, parameters: Readonly<Record<string, unknown>>, options: Query): Promise<void> {
    const body = { input_parameters: parameters, operational_options: options };
    await this.json('POST', `/api/workflows/${run}/start`, {}, body);
  }

  /** How many runs there are whose files have not been deleted. */
  async runs(): Promise<number> {
    return (await this.json<{ total: number }>('GET', '/api/workflows', { type: 'batch', size: '1' })).total;
  }

  async status(run: string): Promise<RunReport> {
    return this.json<RunReport>('GET', `/api/workflows/${run}/status`);
  }

  async logs(run: string): Promise<RunLogs> {
    const { logs } = await this.json<{ logs: string }>('GET', `/api/workflows/${run}/logs`);
    return JSON.parse(logs) as RunLogs;
  }

  async specification(run: string): Promise<Specification> {
    return (await this.json<{ specification: Specification }>('GET', `/api/workflows/${run}/specification`))
      .specification;
  }

  async stop(run: string): Promise<void> {
    await this.json('PUT', `/api/workflows/${run}/status`, { status: 'stop' }, {});
  }

  /** Names of files below a file or directory of the workspace. */
  async list(run: string, path: string): Promise<string[]> {
    const names: string[] = [];
    for (let page = 1; ; page++) {
      const query = { file_name: path, files_only: 'true', page: String(page), size: '1000' };
      const { items, total } = await this.json<{ items: { name: string }[]; total: number }>(
        'GET',
        `/api/workflows/${run}/workspace`,
        query,
      );
      names.push(...items.map(item => item.name));
      if (items.length === 0 || names.length >= total) return names;
    }
  }

  /** Writes a file of the workspace here, whole or not at all. @returns its size */
  async download(run: string, path: string, to: string): Promise<number> {
    const encoded = path.split('/').map(encodeURIComponent).join('/');
    const response = await this.send('GET', `/api/workflows/${run}/workspace/${encoded}`);
    await mkdir(dirname(to), { recursive: true });
    const temporary = `${to}.scailfin-part`;
    try {
      await pipeline(response, createWriteStream(temporary));
      await rename(temporary, to);
    } finally {
      await rm(temporary, { force: true });
    }
    return (await stat(to)).size;
  }

  private async json<T>(method: string, path: string, query: Query = {}, body?: unknown): Promise<T> {
    const response = await this.send(method, path, query, request => {
      if (body !== undefined) request.setHeader('Content-Type', 'application/json');
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
    return JSON.parse(await textOf(response)) as T;
  }

  /** @throws ScailfinError in REANA's own words, ConnectionError */
  private async send(
    method: string,
    path: string,
    query: Query = {},
    write: (request: http.ClientRequest) => void = request => request.end(),
  ): Promise<http.IncomingMessage> {
    const socket = await this.dial();
    const target = `${path}?${new URLSearchParams({ ...query, access_token: this.token })}`;
    const request = http.request({ method, path: target, host: 'localhost', createConnection: () => socket as never });
    const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
      request.once('response', resolve);
      request.once('error', reject);
    });
    try {
      write(request);
      const response = await answered;
      response.once('close', () => socket.destroy());
      if ((response.statusCode ?? 500) < 300) return response;
      throw new ScailfinError(wordsOf(await textOf(response), response.statusCode));
    } catch (error) {
      socket.destroy();
      if (error instanceof ScailfinError) throw error;
      // the request's path has the token in it: only the reason is told
      throw new ConnectionError(`REANA did not answer: ${messageOf(error)}`, { hint: 'scailfin status' });
    }
  }
}

async function textOf(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function wordsOf(text: string, status: number | undefined): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === 'string') return message;
  } catch {
    // no JSON
  }
  return `REANA answered with status ${status}`;
}
