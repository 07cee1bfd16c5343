import type { Duplex, Readable } from 'node:stream';
import type { PseudoTtyOptions } from 'ssh2';
import { ConnectionError } from '../errors.js';

/** The server refused to open one more session; others may have to end first. */
export class TooManySessions extends Error {}

/**
 * One command on a session of its own (RFC 4254, section 6): what is written goes to its standard input, what is read
 * is its standard output. Emits `exit` with the status (null after a signal, its name next) as soon as it is known, and
 * `close` when nothing more comes.
 */
export interface Channel extends Duplex {
  readonly stderr: Readable;
  /** Lets go of it, whatever is still running there. */
  close(): void;
  /** @param name without SIG */
  signal(name: string): void;
  setWindow(rows: number, columns: number, height: number, width: number): void;
}

/** An authenticated way to a host, on which many commands run at once. When it breaks, all that wait on it are told. */
export abstract class Link {
  #lost: ConnectionError | undefined;
  #closing = false;
  readonly #waiting = new Set<(error: ConnectionError) => void>();

  /** @param name for messages: `alice@login.example.org` */
  constructor(readonly name: string) {}

  /**
   * Starts a command line. `use` gets the channel before anything of it can be missed: the exit status may come with
   * the very packet that says the command has started, and it is announced only once.
   * @throws TooManySessions when the server has no session to give, ConnectionError when it refuses or is gone
   */
  abstract exec<T>(line: string, pty: PseudoTtyOptions | undefined, use: (channel: Channel) => T): Promise<T>;

  /** A TCP connection that leaves from this host (direct-tcpip, RFC 4254 section 7.2). */
  abstract tunnel(host: string, port: number): Promise<Duplex>;

  /** Says goodbye, and waits a moment for the other side. */
  abstract close(): Promise<void>;

  /** Set once it is gone. */
  get lost(): ConnectionError | undefined {
    return this.#lost;
  }

  /** Calls back when it breaks (at once if it has); the answer unsubscribes. */
  onLost(callback: (error: ConnectionError) => void): () => void {
    if (this.#lost !== undefined) callback(this.#lost);
    else this.#waiting.add(callback);
    return () => this.#waiting.delete(callback);
  }

  /** From now on whatever ends it is no accident. */
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
