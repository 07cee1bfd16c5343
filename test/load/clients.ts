import { setMaxListeners } from 'node:events';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** How to reach an edge. */
export interface Address {
  readonly port: number;
  /** Secret. */
  readonly token: string;
}

const pauseMs = 1000;

/** Clients of an edge: some keep its page open, the others ask again and again, a second after each answer. */
export class Clients {
  /** Milliseconds of each answer, by what was asked. */
  readonly times = new Map<string, number[]>();
  /** The size of each answer in bytes, by what was asked. */
  readonly sizes = new Map<string, number[]>();
  /** Events that the pages were sent. */
  events = 0;
  readonly problems: string[] = [];
  readonly #ended = new AbortController();
  readonly #all: Promise<void>[] = [];
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 100 });

  constructor(private readonly to: Address) {
    // each client waits for its end
    setMaxListeners(0, this.#ended.signal);
  }

  /** @param run the run that all look at @param count of clients; two in five of them are pages */
  start(run: string, count: number): void {
    const pages = Math.round(count * 0.4);
    const asked: readonly (readonly [what: string, path: string])[] = [
      ['status', `/api/workflows/${run}/status`],
      ['a page of the logs', `/api/workflows/${run}/logs?size=20&page=1`],
      ['a page of the list', '/api/workflows?size=20&page=1'],
    ];
    for (let n = 0; n < pages; n++) this.#all.push(this.#watch(run));
    for (let n = pages; n < count; n++) this.#all.push(this.#ask(asked[n % asked.length] as (typeof asked)[number]));
  }

  async end(): Promise<void> {
    this.#ended.abort();
    await Promise.all(this.#all);
    this.#agent.destroy();
  }

  /** @returns the answer's text @throws Error for any status but 200 and 201 */
  async ask(method: string, path: string, body?: string, signal?: AbortSignal): Promise<string> {
    const headers = { Authorization: `Bearer ${this.to.token}`, 'Content-Type': 'application/json' };
    const options = { method, path, headers, port: this.to.port, agent: this.#agent, ...(signal ? { signal } : {}) };
    const send = (): Promise<http.IncomingMessage> =>
      new Promise((resolve, reject) => {
        const request = http.request(options, resolve);
        // the edge may have closed an idle connection at this moment (Node.js, request.reusedSocket)
        const failed = (error: NodeJS.ErrnoException): void => {
          if (request.reusedSocket && error.code === 'ECONNRESET') send().then(resolve, reject);
          else reject(error);
        };
        request.once('error', failed).end(body);
      });
    const response = await send();
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    if ((response.statusCode ?? 500) > 201) throw new Error(`${method} ${path}: ${response.statusCode} ${text}`);
    return text;
  }

  /** For answers of any size. @returns the number of bytes */
  async count(path: string): Promise<number> {
    const headers = { Authorization: `Bearer ${this.to.token}` };
    const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
      http.request({ path, headers, port: this.to.port, agent: false }, resolve).once('error', reject).end();
    });
    if (response.statusCode !== 200) throw new Error(`GET ${path}: ${response.statusCode}`);
    let bytes = 0;
    for await (const chunk of response) bytes += (chunk as Buffer).length;
    return bytes;
  }

  async #ask([what, path]: readonly [string, string]): Promise<void> {
    const { signal } = this.#ended;
    const times = this.times.get(what) ?? [];
    this.times.set(what, times);
    const sizes = this.sizes.get(what) ?? [];
    this.sizes.set(what, sizes);
    // not all in the same moment
    await sleep(Math.random() * pauseMs);
    while (!signal.aborted) {
      const began = performance.now();
      try {
        const { length } = await this.ask('GET', path, undefined, signal);
        times.push(performance.now() - began);
        sizes.push(length);
      } catch (error) {
        if (!signal.aborted) this.problems.push((error as Error).message);
      }
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
    }
  }

  /** The page's own stream of events; what the browser does with them is not part of it. */
  #watch(run: string): Promise<void> {
    const { port, token } = this.to;
    const headers = { Authorization: `Bearer ${token}` };
    return new Promise(resolve => {
      const path = `/api/edge/events?run=${run}`;
      const request = http.request({ port, path, headers, agent: false, signal: this.#ended.signal }, response => {
        response.setEncoding('utf8').on('data', (text: string) => {
          for (let at = text.indexOf('event: '); at >= 0; at = text.indexOf('event: ', at + 1)) this.events++;
        });
        response.once('error', () => {}).once('close', resolve);
      });
      request.once('error', () => resolve()).end();
    });
  }
}
