import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** How many connections there may be: of who has shown the token, and of who has not yet. */
const most = { known: 2000, unknown: 200 };

/**
 * Who comes in. Every user of this machine reaches the edge's port, so that those who have shown no token must neither
 * use up what there is nor keep out those who have: the one that came first goes first.
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

  /** It has shown the token. */
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
