import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { proofOf, proofPath } from '../../../src/reana/proof.js';
import { token } from '../../reana/edge/edges.js';

/** A server in REANA's place that says whatever a test makes it say. */
export class HostileReana {
  names: string[] = [];
  /** What it lists when it is asked for a path. */
  listed = (_: string): string[] => this.names;
  /** What `GET …/workspace/FILE` gives for each name; absent: its own name. */
  readonly files = new Map<string, string>();
  readonly uploaded = new Map<string, string>();
  /** Path and method of what was asked. */
  readonly asked: string[] = [];
  /** Instead of the usual answer. */
  answer: (method: string, path: string) => { status?: number; body: string } | undefined = () => undefined;
  name = 'run.1';
  workflowLogs = '';
  steps: Record<string, object> = {};
  status = 'finished';
  outputs: unknown = { files: ['results'] };

  private constructor(private readonly server: http.Server) {}

  static async open(): Promise<HostileReana> {
    const server = http.createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', chunk => chunks.push(chunk));
      request.on('end', () => reana.#reply(request, response, Buffer.concat(chunks).toString()));
    });
    const reana = new HostileReana(server);
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    return reana;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  #reply({ method = '', url = '' }: http.IncomingMessage, response: http.ServerResponse, body: string): unknown {
    const { pathname, searchParams } = new URL(url, 'http://localhost');
    this.asked.push(`${method} ${pathname}`);
    // the edge itself may be its attacker's, and knows its token
    if (pathname === proofPath) {
      const text = JSON.stringify({ proof: proofOf(token, this.port, searchParams.get('nonce') ?? '') });
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': text.length });
      return response.end(text);
    }
    const own = this.answer(method, pathname);
    const send = (status: number, text: string): void => {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(text);
    };
    if (own) return send(own.status ?? 200, own.body);
    const json = (value: unknown): void => send(200, JSON.stringify(value));
    const [, , , , part, file] = /^(\/api)(\/workflows)(\/[^/]+)?(\/[a-z]+)?(?:\/(.*))?$/.exec(pathname) ?? [];
    if (part === undefined) return json({ workflow_id: 'id', workflow_name: this.name });
    if (part === '/start') return json({});
    if (part === '/status') {
      const progress = { total: { total: 1 }, finished: { total: 1 }, failed: { total: 0 }, running: { total: 0 } };
      return json({ id: 'id', name: this.name, status: this.status, progress });
    }
    if (part === '/logs')
      return json({ logs: JSON.stringify({ workflow_logs: this.workflowLogs, job_logs: this.steps }) });
    if (part === '/specification') return json({ specification: { outputs: this.outputs } });
    if (method === 'POST') {
      this.uploaded.set(searchParams.get('file_name') ?? '', body);
      return json({});
    }
    if (file === undefined) {
      const items = this.listed(searchParams.get('file_name') ?? '').map(name => ({
        name,
        size: { raw: 1 },
        'last-modified': '2026-01-01T00:00:00',
      }));
      return json({ items, total: items.length });
    }
    const name = decodeURIComponent(file);
    return send(200, this.files.get(name) ?? `content of ${name}`);
  }

  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise(resolve => this.server.close(() => resolve()));
  }
}
