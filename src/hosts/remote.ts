import type { EventEmitter } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import type { PseudoTtyOptions } from 'ssh2';
import { ConnectionError } from '../errors.js';
import { AfterMark, type Marker, wrap } from './channel.js';
import type { StartupNoise } from './host.js';
import { type Channel, type Link, TooManySessions } from './link.js';

/** How long a stopped command may take to end before it is killed, in seconds. */
const killAfterS = 2;

/** One command on its own channel (RFC 4254, section 6), with the output of start-up files removed. */
export class RemoteCommand {
  /** Start-up files may read bytes that are sent before the command has begun: wait for `begun`. */
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly begun: Promise<void>;
  /** The exit status, null after a signal, once all output has been read. Rejects when the connection breaks. */
  readonly ended: Promise<number | null>;
  /** Resolves with the exit status as soon as it is known, even if children still hold the output open. */
  readonly exited: Promise<number | null>;
  readonly #out: AfterMark;
  readonly #err: AfterMark;

  private constructor(
    private readonly link: Link,
    private readonly channel: Channel,
    marker: Marker,
    tty: boolean,
  ) {
    let begun = (): void => {};
    const mark = new Promise<void>(resolve => {
      begun = resolve;
    });
    this.#out = new AfterMark(marker.stdout, { pid: true, onMark: begun });
    this.#err = new AfterMark(marker.stderr);
    this.stdin = channel;
    this.stdout = channel.pipe(this.#out);
    this.stderr = channel.stderr.pipe(this.#err);
    channel.on('error', () => {}); // writes after the command has ended
    this.exited = new Promise(resolve => {
      channel.once('exit', (code: number | null) => resolve(code));
    });
    let exit: number | null = null;
    channel.once('exit', (code: number | null) => {
      exit = code;
    });
    this.ended = new Promise((resolve, reject) => {
      const off = link.onLost(reject);
      // The channel is closed before the last of its output has come through.
      const events = [happens(channel, 'close'), happens(this.#out, 'end'), happens(this.#err, 'end')];
      void Promise.all(events).then(() => {
        off();
        if (this.#out.seen && (tty || this.#err.seen)) resolve(exit);
        else if (this.#out.seen && exit === null) resolve(null);
        else reject(this.#noShell(exit));
      });
    });
    this.begun = Promise.race([mark, this.ended.then(() => {})]);
    this.ended.catch(() => {});
    this.begun.catch(() => {});
  }

  /**
   * Opens a channel and starts `argv` on it.
   * @throws TooManySessions if the server has no free session, ConnectionError if it refuses or is gone
   */
  static async start(
    link: Link,
    argv: readonly string[],
    options: { pty?: PseudoTtyOptions | undefined } = {},
  ): Promise<RemoteCommand> {
    const tty = options.pty !== undefined;
    const { line, marker } = wrap(argv, { tty });
    return link.exec(line, options.pty, channel => new RemoteCommand(link, channel, marker, tty));
  }

  /** The output of start-up files before the command began, or of the login shell instead of it. */
  get noise(): string {
    return `${this.#out.noise}${this.#err.noise}`.trim();
  }

  /** The same, by stream. */
  get noises(): StartupNoise {
    return { stdout: this.#out.noise.trim(), stderr: this.#err.noise.trim() };
  }

  get hasBegun(): boolean {
    return this.#out.seen;
  }

  /** Closes the channel; processes at its other end are not touched. */
  release(): void {
    this.channel.close();
    this.stdout.resume();
    this.stderr.resume();
  }

  /** Tells the terminal on the host its new size (RFC 4254, section 6.7). */
  resize(rows: number, columns: number): void {
    this.channel.setWindow(rows, columns, 0, 0);
  }

  /**
   * Ends the command and its process group: TERM, then KILL. If only the channel was closed, a command that does not
   * write would keep running; so a second channel sends the signals. Resolves when this is done or when nothing more can
   * be done.
   */
  async kill(): Promise<void> {
    let late: NodeJS.Timeout | undefined;
    const limit = new Promise<void>(resolve => {
      late = setTimeout(resolve, (killAfterS + 3) * 1000); // the host may not answer
    });
    await Promise.race([this.#kill(), limit]);
    clearTimeout(late);
  }

  async #kill(): Promise<void> {
    if (this.link.lost !== undefined) return;
    this.channel.signal('TERM');
    await this.#told();
    this.release();
    const pid = this.#out.pid;
    if (pid === undefined || !Number.isInteger(pid) || pid <= 1) return;
    const script = `p=-${pid}
kill -TERM $p || { p=${pid}; kill -TERM $p || exit 0; }
i=0
while [ $i -lt ${killAfterS * 10} ]; do kill -0 $p || exit 0; i=$((i+1)); sleep 0.1 || { sleep 1; i=$((i+9)); }; done
kill -KILL $p`;
    for (let attempt = 0; attempt < 5; attempt++) {
      try {
        const { line } = wrap(['/bin/sh', '-c', `{ ${script}\n} 2>/dev/null`]);
        const closed = await this.link.exec(line, undefined, channel => {
          channel.resume();
          channel.stderr.resume();
          channel.end();
          return { wait: new Promise<void>(resolve => channel.once('close', () => resolve())) };
        });
        await closed.wait;
        return;
      } catch (error) {
        if (!(error instanceof TooManySessions)) return;
        await new Promise(resolve => setTimeout(resolve, 200));
      }
    }
  }

  /** Waits up to a second for the mark with the process id. */
  async #told(): Promise<void> {
    if (this.#out.seen) return;
    let late: NodeJS.Timeout | undefined;
    const limit = new Promise<void>(resolve => {
      late = setTimeout(resolve, 1_000);
    });
    await Promise.race([this.begun.catch(() => {}), limit]);
    clearTimeout(late);
  }

  #noShell(exit: number | null): ConnectionError {
    const said = this.noise;
    return new ConnectionError(
      `${this.link.name}: the login shell ended${exit === null ? '' : ` with status ${exit}`} before running anything${said === '' ? ', and printed nothing' : `; it printed:\n${said}`}`,
      {
        hint: 'see what a plain login does on that host; a start-up file may end the shell, or the account may be closed',
      },
    );
  }
}

/** Unlike events.once it ignores errors: a write to a command that has ended does not matter. */
function happens(emitter: EventEmitter, event: string): Promise<void> {
  return new Promise(resolve => emitter.once(event, () => resolve()));
}
