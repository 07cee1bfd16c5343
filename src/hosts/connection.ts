import type { Duplex } from 'node:stream';
import type { Client, PseudoTtyOptions } from 'ssh2';
import { ConnectionError, messageOf } from '../errors.js';
import { type Channel, Link, TooManySessions } from './link.js';

/** One authenticated SSH connection of the library ssh2. */
export class Connection extends Link {
  readonly #closed: Promise<void>;

  constructor(
    private readonly client: Client,
    name: string,
    /** The connection this one runs through, if any. */
    private readonly through: Connection | undefined,
  ) {
    super(name);
    this.#closed = new Promise(resolve => client.once('close', () => resolve()));
  }

  /**
   * To be called once the host let us in: from now on, the end of the connection is reported to everyone who waits on it.
   */
  watch(): void {
    this.client.on('error', error => {
      this.broke(error.message === 'Keepalive timeout' ? 'it stopped answering' : messageOf(error));
      this.client.destroy();
    });
    this.client.on('end', () => this.broke('the other side closed it'));
    this.client.on('close', () => this.broke('the other side closed it'));
  }

  override async exec<T>(line: string, pty: PseudoTtyOptions | undefined, use: (channel: Channel) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const off = this.onLost(reject);
      if (this.lost !== undefined) return;
      this.client.exec(line, pty === undefined ? {} : { pty }, (error, channel) => {
        off();
        if (error === undefined || error === null) resolve(use(channel));
        else if (this.lost !== undefined) reject(this.lost);
        else if (/open failure/i.test(error.message)) reject(new TooManySessions(error.message));
        else reject(new ConnectionError(`${this.name} refused to run a command: ${error.message}`, { cause: error }));
      });
    });
  }

  override async tunnel(host: string, port: number): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      const off = this.onLost(reject);
      if (this.lost !== undefined) return;
      this.client.forwardOut('127.0.0.1', 0, host, port, (error, stream) => {
        off();
        if (error) reject(error);
        else resolve(stream);
      });
    });
  }

  /** Waits up to two seconds for the other side to close; then closes the hosts in between. */
  override async close(): Promise<void> {
    this.closed();
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
}
