import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** Largest number of connections, for clients that have shown the token and for others. */
const most = { known: 2000, unknown: 200 };

/**
 * Limits connections. Every user of this machine can reach the edge's port, so clients without the token must neither use
 * up all connections nor keep out clients with it: the oldest connection without the token is closed first.
 */
export class Door {
  readonly #unknown = new Set<Socket>();
  readonly #known = new Set<Socket>();

  constructor(server: Server) {
    server.on('connection', socket => {
      this.#unknown.add(socket);
      socket.once('close', () => {
        this.#unknown.delete(socket);
        this.#known.delete(socket);
      });
      this.#shut(this.#unknown, most.unknown);
    });
  }

  /** The client has shown the token. */
  admit(socket: Socket): void {
    if (!this.#unknown.delete(socket)) return;
    this.#known.add(socket);
    this.#shut(this.#known, most.known);
  }

  #shut(sockets: Set<Socket>, most: number): void {
    const [first] = sockets;
    if (sockets.size > most) first?.destroy();
  }
}
