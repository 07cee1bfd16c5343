import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { program } from '../../lab/programs.js';

export type Page = (request: IncomingMessage, response: ServerResponse) => void;

/** Names that the servers' certificate is for; each test says where they are. */
export const names = ['git.example.org', 'other.example.org', 'inner.example.org'];

/** A certificate for all servers of a test, which is also the authority to trust. */
export class Certificate {
  private constructor(readonly dir: string) {}

  static async make(): Promise<Certificate> {
    const dir = await mkdtemp(join(tmpdir(), 'scailfin-launch-'));
    const subject = [
      '-subj',
      '/CN=launch',
      '-addext',
      `subjectAltName=${names.map(name => `DNS:${name}`).join()},IP:127.0.0.1`,
    ];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', join(dir, 'key.pem')];
    await program(['openssl', 'req', '-x509', ...key, '-out', join(dir, 'ca.pem'), '-days', '2', ...subject]);
    return new Certificate(dir);
  }

  get ca(): string {
    return join(this.dir, 'ca.pem');
  }

  get files(): { key: Buffer; cert: Buffer } {
    return { key: readFileSync(join(this.dir, 'key.pem')), cert: readFileSync(this.ca) };
  }

  remove(): Promise<void> {
    return rm(this.dir, { recursive: true, force: true });
  }
}

/** A real web server with TLS: pages by their path, and git's own server for repositories below `/git/`. */
export class WebServer {
  readonly pages = new Map<string, Page>();
  /** What it was asked for. */
  readonly asked: string[] = [];
  connections = 0;
  readonly #sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly repositories: string,
  ) {}

  /** @param repositories the directory that has them */
  static async start(
    certificate: Certificate,
    repositories = '/nonexistent',
    host = '127.0.0.1',
    port = 0,
  ): Promise<WebServer> {
    const server = createServer(certificate.files);
    const web = new WebServer(server, repositories);
    server.on('request', (request, response) => web.#answer(request, response));
    server.on('connection', (socket: Socket) => {
      web.connections++;
      web.#sockets.add(socket);
      socket.on('error', () => {});
    });
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
    return web;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    this.server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  serve(path: string, content: string | Buffer): void {
    this.pages.set(path, (_, response) => void response.end(content));
  }

  redirect(path: string, to: string): void {
    this.pages.set(path, (_, response) => void response.writeHead(302, { Location: to }).end());
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.asked.push(request.url ?? '');
    const [path = ''] = (request.url ?? '').split('?');
    const page = this.pages.get(path);
    if (page) page(request, response);
    else if (path.startsWith('/git/')) this.#git(request, response);
    else response.writeHead(404).end();
  }

  /** git-http-backend(1), by the Common Gateway Interface (RFC 3875). */
  #git(request: IncomingMessage, response: ServerResponse): void {
    const [path = '', query = ''] = (request.url ?? '').split('?');
    const { headers } = request;
    const child = spawn('git', ['http-backend'], {
      env: {
        ...{ PATH: process.env.PATH, GIT_PROJECT_ROOT: this.repositories, GIT_HTTP_EXPORT_ALL: '1' },
        ...{ PATH_INFO: path.slice('/git'.length), QUERY_STRING: query, REQUEST_METHOD: request.method },
        ...{ CONTENT_TYPE: headers['content-type'], GIT_PROTOCOL: String(headers['git-protocol'] ?? '') },
        ...{ HTTP_CONTENT_ENCODING: headers['content-encoding'], HOME: this.repositories },
      },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    child.stdin.on('error', () => {});
    request.pipe(child.stdin);
    let head = Buffer.alloc(0);
    const begin = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const at = head.indexOf('\r\n\r\n');
      if (at < 0) return;
      child.stdout.off('data', begin);
      for (const line of head.subarray(0, at).toString().split('\r\n')) {
        const [name = '', value = ''] = line.split(': ');
        if (name === 'Status') response.statusCode = Number(value.slice(0, 3));
        else response.setHeader(name, value);
      }
      response.write(head.subarray(at + 4));
      child.stdout.pipe(response);
    };
    child.stdout.on('data', begin);
    response.on('close', () => child.kill());
  }
}
