import type { Duplex, Readable } from 'node:stream';
import type { PseudoTtyOptions } from 'ssh2';
import { ConnectionError } from '../errors.js';

/** The server refused to open another session; others may have to end first. */
export class TooManySessions extends Error {}

/**
 * One command on its own session (RFC 4254, section 6): what is written is its standard input, what is read is its
 * standard output. Emits `exit` with the status (null after a signal, followed by its name) as soon as it is known, and
 * `close` after the last output.
 */
export interface Channel extends Duplex {
  readonly stderr: Readable;
  /** Closes the channel, whatever is still running on the host. */
  close(): void;
  /** @param name without SIG */
  signal(name: string): void;
  setWindow(rows: number, columns: number, height: number, width: number): void;
}

/**
 * An authenticated connection to a host, on which many commands run at once. If it breaks, everyone who waits on it is
 * told.
 */
export abstract class Link {
  #lost: ConnectionError | undefined;
  #closing = false;
  readonly #waiting = new Set<(error: ConnectionError) => void>();

  /** @param name for messages: `alice@login.example.org` */
  constructor(readonly name: string) {}

  /**
   * Starts a command line. `use` gets the channel before any event of it, because the exit status may come in the same
   * packet as the confirmation that the command has started, and is announced only once.
   * @throws TooManySessions if the server has no free session, ConnectionError if it refuses or is gone
   */
  abstract exec<T>(line: string, pty: PseudoTtyOptions | undefined, use: (channel: Channel) => T): Promise<T>;

  /** A TCP connection that leaves from this host (direct-tcpip, RFC 4254 section 7.2). */
  abstract tunnel(host: string, port: number): Promise<Duplex>;

  /** Closes the connection, and waits a moment for the other side. */
  abstract close(): Promise<void>;

  /** Set once the connection is lost. */
  get lost(): ConnectionError | undefined {
    return this.#lost;
  }

  /** Calls back when it breaks (at once if it is broken already); the returned function unsubscribes. */
  onLost(callback: (error: ConnectionError) => void): () => void {
    if (this.#lost !== undefined) callback(this.#lost);
    else this.#waiting.add(callback);
    return () => this.#waiting.delete(callback);
  }

  /** To be called before closing: the end of the connection is no error from now on. */
  protected closed(): void {
    this.#closing = true;
    this.broke('it was closed here');
  }

  protected broke(because: string): void {
    if (this.#lost !== undefined) return;
    this.#lost = new ConnectionError(
      `the connection to ${this.name} ${this.#closing ? 'is closed' : `broke: ${because}`}`,
      this.#closing ? {} : { hint: 'check the network, then run the same command again' },
    );
    for (const callback of this.#waiting) callback(this.#lost);
    this.#waiting.clear();
  }
}
