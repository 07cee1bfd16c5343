import type { FileHandle } from 'node:fs/promises';
import http from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import type { z } from 'zod';
import { ConnectionError, messageOf, ScailfinError } from '../errors.js';
import {
  counted,
  created,
  listing,
  type RunLogs,
  type RunReport,
  report,
  runLogs,
  specified,
  told,
} from './answers.js';
import type { Specification } from './run.js';

export type { RunLogs, RunReport, StepReport } from './answers.js';

type Query = Readonly<Record<string, string>>;

/** Limits for answers: bytes of JSON, and names in a listing; real answers have less. */
const mostBytes = 128 * 2 ** 20;
const mostNames = 1_000_000;

/** REANA refused, in its own words. */
export class ReanaRefusal extends ScailfinError {
  constructor(
    message: string,
    /** HTTP's. */
    readonly status: number | undefined,
  ) {
    super(message);
  }
}

/** A client of a cluster's REANA, for its own API (0.9), over any connection. */
export class ReanaClient {
  /** @param dial opens a connection to its port @param token secret */
  constructor(
    private readonly dial: () => Promise<Duplex>,
    private readonly token: string,
  ) {}

  async create(name: string, specification: Specification): Promise<{ id: string; name: string }> {
    const run = await this.ask(created, 'POST', '/api/workflows', { workflow_name: name }, specification);
    return { id: run.workflow_id, name: run.workflow_name };
  }

  /** @param file an open regular file @param path below the workspace @returns its size */
  async upload(run: string, file: FileHandle, path: string): Promise<number> {
    const { size } = await file.stat();
    const response = await this.send('POST', `${pathOf(run)}/workspace`, { file_name: path }, request => {
      request.setHeader('Content-Type', 'application/octet-stream');
      request.setHeader('Content-Length', size);
      if (size === 0) return request.end();
      // the answer ends the request; it may arrive, and the connection may close, before the last write is confirmed
      const source = file.createReadStream({ start: 0, end: size - 1, autoClose: false });
      source.once('error', error => request.destroy(error));
      source.pipe(request);
    });
    await textOf(response);
    return size;
  }

  async start(run: string, parameters: Readonly<Record<string, unknown>>, options: Query): Promise<void> {
    const body = { input_parameters: parameters, operational_options: options };
    await this.ask(told, 'POST', `${pathOf(run)}/start`, {}, body);
  }

  /** Number of runs whose files have not been deleted, of everybody. */
  async runs(): Promise<number> {
    return (await this.ask(counted, 'GET', '/api/workflows', { type: 'batch', size: '1', shared: 'true' })).total;
  }

  async status(run: string): Promise<RunReport> {
    return this.ask(report, 'GET', `${pathOf(run)}/status`);
  }

  async logs(run: string): Promise<RunLogs> {
    return this.ask(runLogs, 'GET', `${pathOf(run)}/logs`);
  }

  /** The part of a run's specification that is needed here. */
  async specification(run: string): Promise<Pick<Specification, 'outputs'>> {
    return (await this.ask(specified, 'GET', `${pathOf(run)}/specification`)).specification;
  }

  async stop(run: string): Promise<void> {
    await this.ask(told, 'PUT', `${pathOf(run)}/status`, { status: 'stop' }, {});
  }

  /** Names of files below a file or directory of the workspace; the names are not checked yet. */
  async list(run: string, path: string): Promise<string[]> {
    const names: string[] = [];
    for (let page = 1; ; page++) {
      const query = { file_name: path, files_only: 'true', page: String(page), size: '1000' };
      const { items, total } = await this.ask(listing, 'GET', `${pathOf(run)}/workspace`, query);
      for (const { name } of items) names.push(name);
      if (items.length === 0 || names.length >= total) return names;
      if (names.length > mostNames) throw new ScailfinError(`REANA lists more than ${mostNames} files in ${path}`);
    }
  }

  /**
   * Passes a file of the workspace to `write`.
   * @throws ConnectionError if the connection breaks, ScailfinError with REANA's message, errors of `write`
   */
  async download(run: string, path: string, write: (content: Readable) => Promise<void>): Promise<void> {
    const inAddress = path.split('/').map(encoded).join('/');
    const response = await this.send('GET', `${pathOf(run)}/workspace/${inAddress}`);
    try {
      await write(response);
    } catch (error) {
      response.destroy();
      if (!broken.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      throw new ConnectionError(`${path} broke off: ${messageOf(error)}`, { hint: 'scailfin status' });
    }
  }

  /** @throws ReanaRefusal; ScailfinError if the answer is none of REANA's; ConnectionError */
  async ask<S extends z.ZodType>(
    schema: S,
    method: string,
    path: string,
    query: Query = {},
    body?: unknown,
  ): Promise<z.output<S>> {
    const response = await this.send(method, path, query, request => {
      if (body !== undefined) request.setHeader('Content-Type', 'application/json');
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
    return understood(schema, await textOf(response), `${method} ${path}`);
  }

  /** @throws ReanaRefusal, ConnectionError */
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
      throw new ReanaRefusal(wordsOf(await textOf(response), response.statusCode), response.statusCode);
    } catch (error) {
      socket.destroy();
      if (error instanceof ScailfinError) throw error;
      // the request's path contains the token, so the error has only the reason
      throw new ConnectionError(`REANA did not answer: ${messageOf(error)}`, { hint: 'scailfin status' });
    }
  }
}

/** Error codes of a connection that ends too early. */
const broken = ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'];

/** Names and ids come from the command line and from the server; encoding keeps them from changing the path. */
const pathOf = (run: string): string => `/api/workflows/${encoded(run)}`;

/** Half of a surrogate pair, which can't be encoded, is replaced. */
const encoded = (text: string): string => encodeURIComponent(Buffer.from(text).toString());

/** @throws ScailfinError if it is not an answer of REANA */
function understood<S extends z.ZodType>(schema: S, text: string, to: string): z.output<S> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw strange(to, 'not JSON');
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw strange(to, `not what was expected (${issue?.path.join('.')}: ${issue?.message})`);
}

const strange = (to: string, what: string): ScailfinError =>
  new ScailfinError(`REANA's answer to ${to} is ${what}`, {
    hint: 'another server may use its port; check with: scailfin status',
  });

/** @throws ScailfinError if the answer is too long */
async function textOf(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    chunks.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (bytes > mostBytes) throw new ScailfinError(`REANA's answer is longer than ${mostBytes / 2 ** 20} MiB`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function wordsOf(text: string, status: number | undefined): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === 'string' && message !== '') return message;
  } catch {
    // not JSON
  }
  return `REANA answered with status ${status}`;
}
