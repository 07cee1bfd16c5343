import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';

export interface Asked {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly user: string;
  readonly secret: string;
  readonly body: string;
}
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** An sshproxy as it is documented: HTTPS, basic authentication, and keys that a real `ssh-keygen` made and signed. */
export class SshproxyServer {
  readonly asked: Asked[] = [];
  /** What to answer instead of a new key. */
  answer: ((asked: Asked) => Answer | Promise<Answer>) | undefined;
  keyType: 'rsa' | 'ed25519' = 'rsa';
  validity = '-5m:+24h';
  principals = 'root';

  private constructor(
    private readonly dir: string,
    private readonly server: https.Server,
  ) {}

  static async start(): Promise<SshproxyServer> {
    const dir = mkdtempSync(path.join(os.tmpdir(), 'scailfin-sshproxy-'));
    const tls = (...argv: string[]) => execFileSync('openssl', argv, { cwd: dir, stdio: 'ignore' });
    const fresh = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'];
    tls(
      ...fresh,
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost',
      '-keyout',
      'tls.key',
      '-out',
      'tls.pem',
    );
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(dir, 'ca')]);
    const server = https.createServer({
      key: readFileSync(path.join(dir, 'tls.key')),
      cert: readFileSync(path.join(dir, 'tls.pem')),
    });
    const proxy = new SshproxyServer(dir, server);
    server.on('request', (request, response) => {
      void proxy.#serve(request).then(({ status, text }) => response.writeHead(status).end(text));
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `https://localhost:${(this.server.address() as AddressInfo).port}`;
  }

  /** For NODE_EXTRA_CA_CERTS. */
  get tlsFile(): string {
    return path.join(this.dir, 'tls.pem');
  }

  /** For TrustedUserCAKeys. */
  get authorityFile(): string {
    return path.join(this.dir, 'ca.pub');
  }

  /** A private key, and its certificate below it. */
  issue(type = this.keyType): string {
    const file = path.join(this.dir, 'issued');
    for (const end of ['', '.pub', '-cert.pub']) rmSync(`${file}${end}`, { force: true });
    // the usual 3072 bits take three times as long to find
    const bits = type === 'rsa' ? ['-b', '2048'] : [];
    execFileSync('ssh-keygen', ['-q', '-t', type, ...bits, '-m', 'PEM', '-N', '', '-f', file]);
    const names = ['-I', 'kx-issued', '-n', this.principals, '-V', this.validity];
    execFileSync('ssh-keygen', ['-q', '-s', path.join(this.dir, 'ca'), ...names, `${file}.pub`]);
    return `${readFileSync(file, 'utf8')}${readFileSync(`${file}-cert.pub`, 'utf8')}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise(resolve => this.server.close(resolve));
    rmSync(this.dir, { recursive: true });
  }

  async #serve(request: import('node:http').IncomingMessage): Promise<Answer> {
    let body = '';
    for await (const part of request.setEncoding('utf8')) body += part;
    const [, base64 = ''] = (request.headers.authorization ?? '').split(' ');
    const [user = '', ...secret] = Buffer.from(base64, 'base64').toString('utf8').split(':');
    const asked = { method: request.method, url: request.url, user, secret: secret.join(':'), body };
    this.asked.push(asked);
    return (await this.answer?.(asked)) ?? { status: 200, text: this.issue() };
  }
}
