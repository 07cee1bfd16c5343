import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { HttpError } from '../http/errors.js';
import type { Asking } from './download.js';
import { counted, tooLarge } from './limits.js';
import { pinned } from './reach.js';

const mostConnections = 16;

/**
 * The only way of a git to servers: a proxy on loopback, for one launch. Git looks up names and follows redirects by itself, so its
 * connections are checked here, one by one, and its bytes are counted here. What goes through is TLS between git and the server.
 */
export class Tunnel {
  /** Why something was refused, for the person who asked; git's own words would be about a proxy. */
  refusal: HttpError | undefined;
  readonly #secret = randomBytes(24).toString('base64url');
  readonly #sockets = new Set<Duplex>();
  readonly #server: Server;
  #left: number;

  private constructor(private readonly asking: Asking) {
    this.#left = asking.limits.bytes;
    // without a tunnel there is nothing to ask for
    this.#server = createServer((_, response) => response.writeHead(405).end());
    this.#server.on('connect', (request: IncomingMessage, socket: Socket) => void this.#connect(request, socket));
    this.#server.on('connection', socket => this.#keep(socket));
  }

  static async open(asking: Asking): Promise<Tunnel> {
    const tunnel = new Tunnel(asking);
    await new Promise<void>((resolve, reject) => {
      tunnel.#server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    return tunnel;
  }

  /** For an environment variable; secret, because other users of the headnode could use it otherwise. */
  get url(): string {
    return `http://git:${this.#secret}@127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #keep(socket: Duplex): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => this.#sockets.delete(socket));
  }

  async #connect(request: IncomingMessage, socket: Socket): Promise<void> {
    try {
      if (!this.#isOurs(request.headers['proxy-authorization'])) throw new HttpError(407, 'This is not your proxy.');
      if (this.#sockets.size > 2 * mostConnections)
        throw new HttpError(400, 'The repository needs too many connections.');
      const url = this.asking.reach.url(`https://${request.url}`);
      const lookup = pinned(await this.asking.reach.addresses(url));
      const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
      const server = connect({ host, port: Number(url.port || 443), lookup });
      this.#keep(server);
      await new Promise((resolve, reject) => server.once('connect', resolve).once('error', reject));
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      await Promise.all([pipeline(socket, server), pipeline(server, this.#counted(), socket)]);
    } catch (error) {
      if (error instanceof HttpError && error.status !== 407) this.refusal ??= error;
      socket.end(`HTTP/1.1 ${error instanceof HttpError ? error.status : 502} Refused\r\n\r\n`);
    }
  }

  /** All connections of a launch share one limit. */
  #counted() {
    const counter = counted(this.#left, tooLarge(this.asking.limits.bytes));
    counter.on('data', (chunk: Buffer) => {
      this.#left -= chunk.length;
    });
    return counter;
  }

  #isOurs(header: string | undefined): boolean {
    const wanted = Buffer.from(`Basic ${Buffer.from(`git:${this.#secret}`).toString('base64')}`);
    const shown = Buffer.from(header ?? '');
    return shown.length === wanted.length && timingSafeEqual(shown, wanted);
  }
}
