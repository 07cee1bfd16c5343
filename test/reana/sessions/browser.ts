import http, { type IncomingHttpHeaders } from 'node:http';
import { token } from '../edge/edges.js';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Asks a server at a port of this machine by any name: Node's fetch would not let us choose it. */
export function ask(port: number, path: string, { method = 'GET', headers = {}, body }: Asking = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, path, method, headers, agent: false }, async response => {
      let text = '';
      for await (const part of response.setEncoding('latin1')) text += part;
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** What a browser sends when somebody opens an address. */
export const opens = { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate' };

/** Somebody who opened the address that reana-client printed, and went where it led. */
export class Browser {
  private constructor(
    readonly port: number,
    readonly host: string,
    readonly path: string,
    readonly cookie: string,
  ) {}

  static async open(url: string, path: string, shown = token): Promise<Browser> {
    const port = Number(new URL(url).port);
    const first = await ask(port, `${path}?token=${shown}`, { headers: { ...opens, Host: `127.0.0.1:${port}` } });
    const to = new URL(first.headers.location ?? `http://nowhere/${first.status}`);
    const second = await ask(port, `${to.pathname}${to.search}`, { headers: { ...opens, Host: to.host } });
    const [cookie = ''] = (second.headers['set-cookie']?.[0] ?? '').split(';');
    return new Browser(port, to.host, path, cookie);
  }

  /** As a script on the session's page. @param path below that of the session */
  ask(path: string, { headers, ...more }: Asking = {}): Promise<Answer> {
    const own = { Host: this.host, Cookie: this.cookie, Origin: `http://${this.host}` };
    return ask(this.port, `${this.path}${path}`, { ...more, headers: { ...own, ...headers } });
  }
}
