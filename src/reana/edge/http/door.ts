import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { ownerId } from '../people/person.js';

/**
 * Largest number of connections: for clients without a token, for the cluster's owner, and for each other person. So nobody
 * can keep out anybody else.
 */
const most = { unknown: 200, owner: 2000, person: 100 };

/**
 * Limits connections, and ends those of a person. Every user of this machine can reach the edge's port, so clients without a
 * token must neither use up all connections nor keep out clients with one: the oldest connection without a token is closed
 * first.
 */
export class Door {
  readonly #unknown = new Set<Socket>();
  /** The connections of each person: those on which that person was the last to ask. */
  readonly #known = new Map<string, Set<Socket>>();

  constructor(server: Server) {
    server.on('connection', socket => {
      this.#unknown.add(socket);
      socket.once('close', () => {
        this.#unknown.delete(socket);
        for (const sockets of this.#known.values()) sockets.delete(socket);
      });
      this.#shut(this.#unknown, most.unknown);
    });
  }

  /** The client has shown a person's token, or a ticket of that person. */
  admit(socket: Socket, id: string): void {
    if (socket.destroyed) return;
    this.#unknown.delete(socket);
    for (const [other, sockets] of this.#known) if (other !== id) sockets.delete(socket);
    const sockets = this.#known.get(id) ?? new Set();
    this.#known.set(id, sockets.add(socket));
    this.#shut(sockets, id === ownerId ? most.owner : most.person);
  }

  /** Ends all connections of a person, whatever they are doing. */
  cut(id: string): void {
    for (const socket of this.#known.get(id) ?? []) socket.destroy();
    this.#known.delete(id);
  }

  #shut(sockets: Set<Socket>, most: number): void {
    const [first] = sockets;
    if (sockets.size > most) first?.destroy();
  }
}
