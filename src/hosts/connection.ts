import type { Duplex } from 'node:stream';
import type { Client } from 'ssh2';
import { ConnectionError, messageOf } from '../errors.js';

/** One authenticated SSH connection. When it breaks, everything that waits on it is told at once. */
export class Connection {
  #lost: ConnectionError | undefined;
  #closing = false;
  readonly #waiting = new Set<(error: ConnectionError) => void>();
  readonly #closed: Promise<void>;

  constructor(
    readonly client: Client,
    /** For messages: `alice@login.example.org`. */
    readonly name: string,
    /** The connection this one runs through, if any. */
    readonly through: Connection | undefined,
  ) {
    this.#closed = new Promise(resolve => client.once('close', () => resolve()));
  }

  /** From now on (the host let us in) whatever ends the connection is told to those who wait. */
  watch(): void {
    this.client.on('error', error => {
      this.#break(error.message === 'Keepalive timeout' ? 'it stopped answering' : messageOf(error));
      this.client.destroy();
    });
    this.client.on('end', () => this.#break('the other side closed it'));
    this.client.on('close', () => this.#break('the other side closed it'));
  }

  /** Set once the connection is gone. */
  get lost(): ConnectionError | undefined {
    return this.#lost;
  }

  /** Calls back when the connection breaks (at once if it has); the answer unsubscribes. */
  onLost(callback: (error: ConnectionError) => void): () => void {
    if (this.#lost !== undefined) callback(this.#lost);
    else this.#waiting.add(callback);
    return () => this.#waiting.delete(callback);
  }

  /** A TCP connection that leaves from this host (direct-tcpip, RFC 4254 section 7.2). */
  async tunnel(host: string, port: number): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      const off = this.onLost(reject);
      if (this.#lost !== undefined) return;
      this.client.forwardOut('127.0.0.1', 0, host, port, (error, stream) => {
        off();
        if (error) reject(error);
        else resolve(stream);
      });
    });
  }

  /** Says goodbye and waits up to two seconds for the other side; then the hosts in between. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#break('it was closed here');
    this.client.end();
    let late: NodeJS.Timeout | undefined;
    await Promise.race([
      this.#closed,
      new Promise<void>(resolve => {
        late = setTimeout(resolve, 2_000);
      }),
    ]);
    clearTimeout(late);
    this.client.destroy();
    await this.through?.close();
  }

  #break(because: string): void {
    if (this.#lost !== undefined) return;
    this.#lost = new ConnectionError(
      `the connection to ${this.name} ${this.#closing ? 'is closed' : `broke: ${because}`}`,
      this.#closing ? {} : { hint: 'check the network, then run the same command again' },
    );
    for (const callback of this.#waiting) callback(this.#lost);
    this.#waiting.clear();
  }
}
