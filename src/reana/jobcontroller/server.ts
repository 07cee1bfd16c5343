import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { plainly, UsageError } from '../../errors.js';
import type { StepService } from '../jobs/step.js';
import { BodyError, readJson } from '../json.js';
import type { Controlled } from './job.js';
import { handle, Missing } from './routes.js';

/** The job controller of one run; it exists as long as the run's workflow engine runs. */
export interface JobController {
  /** On the loopback interface. */
  readonly port: number;
  /** No request is answered without it, because other users of the headnode can reach the port, too. */
  readonly token: string;
  close(): Promise<void>;
}

const LARGEST_REQUEST = 16 * 2 ** 20;
/** A workflow engine keeps at most one connection open for each of its steps. */
const MOST_CONNECTIONS = 4000;

/**
 * REANA's job controller (0.9.4, REST), for the workflow engine of one run: the jobs it accepts become steps of that run.
 */
export async function openJobController(of: Controlled, steps: StepService): Promise<JobController> {
  const token = randomBytes(32).toString('base64url');
  const server = createServer((request, response) => {
    answer(request, response, token, (path, body, gone) =>
      handle({ of, steps, gone }, request.method ?? 'GET', path, body),
    ).catch(() => response.destroy());
  });
  server.maxConnections = MOST_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  // the edge ends when it is told to, not only after the last workflow engine
  server.unref();
  return { port: (server.address() as AddressInfo).port, token, close: () => closed(server) };
}

type Handler = (path: URL, body: unknown, gone: AbortSignal) => Promise<{ status: number; value: unknown }>;

async function answer(request: IncomingMessage, response: ServerResponse, token: string, handler: Handler) {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const send = (status: number, value: unknown): void => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const type = typeof value === 'string' ? 'text/plain; charset=utf-8' : 'application/json';
    response.writeHead(status, { 'Content-Type': type }).end(status === 204 ? undefined : text);
  };
  if (!same(request.headers.authorization ?? '', `Bearer ${token}`)) {
    send(401, { message: 'the token is missing or wrong' });
    return;
  }
  try {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const { status, value } = await handler(url, await readJson(request, LARGEST_REQUEST), gone.signal);
    send(status, value);
  } catch (error) {
    send(statusOf(error), { message: plainly(error) });
  }
}

function statusOf(error: unknown): number {
  if (error instanceof BodyError) return error.status;
  return error instanceof Missing ? 404 : error instanceof UsageError ? 400 : 500;
}

/** Compares in constant time. */
function same(given: string, wanted: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(wanted));
}

function closed(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
