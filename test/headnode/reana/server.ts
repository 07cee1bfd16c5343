import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { program } from '../../lab/programs.js';

/**
 * Stands in for REANA's own server behind Traefik, which no test can run: answers `GET /api/ping`, and takes secrets
 * (`POST /api/secrets/`, reana-server 0.9.4 reana_server/rest/secrets.py) from who knows the administrator's token.
 */
export class ReanaServer {
  readonly secrets = new Map<string, { type: string; value: string }>();
  private server: Server | undefined;

  /** @param token the administrator's at that moment */
  constructor(private readonly token: () => string) {}

  /** @param dir where its certificate goes @returns its port of 127.0.0.1 */
  async start(dir: string): Promise<number> {
    const names = ['-keyout', `${dir}/tls.key`, '-out', `${dir}/tls.crt`] as const;
    const kind = ['-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'] as const;
    await program(['openssl', 'req', '-x509', ...kind, ...names]);
    const tls = { key: readFileSync(`${dir}/tls.key`), cert: readFileSync(`${dir}/tls.crt`) };
    this.server = createServer(tls, (request, response) => {
      const url = new URL(request.url ?? '', 'https://localhost');
      const chunks: Buffer[] = [];
      request.on('data', chunk => chunks.push(chunk));
      request.on('end', () => {
        const [status, message] = this.answer(request.method ?? '', url, Buffer.concat(chunks).toString());
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ message }));
      });
    });
    await new Promise<void>(resolve => this.server?.listen(0, '127.0.0.1', resolve));
    return (this.server.address() as AddressInfo).port;
  }

  stop(): void {
    this.server?.closeAllConnections();
    this.server?.close();
  }

  private answer(method: string, url: URL, body: string): [number, string] {
    if (method === 'GET' && url.pathname === '/api/ping') return [200, 'OK'];
    if (method !== 'POST' || url.pathname !== '/api/secrets/') return [404, 'Not found'];
    if (url.searchParams.get('access_token') !== this.token()) return [403, 'Token is not valid'];
    if (url.searchParams.get('overwrite') !== 'true') return [409, 'The submitted secrets already exist.'];
    for (const [name, secret] of Object.entries(JSON.parse(body) as Record<string, { type: string; value: string }>)) {
      if (!['env', 'file'].includes(secret.type)) return [500, 'type'];
      this.secrets.set(name, secret);
    }
    return [201, 'Secret(s) successfully added.'];
  }
}
