import { open } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import type { PseudoTtyOptions } from 'ssh2';
import { CommandError, ConnectionError, messageOf, ScailfinError, TimeoutError } from '../errors.js';
import { commandLine } from '../shell.js';
import { attachStreams, terminal } from './attach.js';
import { Collector, quietAfter } from './collect.js';
import type { ConnectOptions } from './connect.js';
import { dial } from './dial.js';
import type { AttachOptions, FileToPut, Host, NeighbourOptions, Output, RunOptions, TransferOptions } from './host.js';
import { type Link, TooManySessions } from './link.js';
import { neighbourSettings } from './neighbour.js';
import { RemoteCommand } from './remote.js';
import { Slots } from './slots.js';
import type { SshSettings } from './sshconfig.js';
import { intoPlace, pour, receive } from './streams.js';
import type { SshTarget } from './target.js';
import { downloadCommand, putting, requirePut, uploadCommand } from './transfer.js';

/**
 * Two below sshd's default MaxSessions: one channel for the command that kills, and one for another program of the user.
 */
const parallel = 8;
const defaultTimeoutMs = 60_000;
const defaultStallMs = 60_000;
/** How long to repeat the request for a session that the server refuses: while others of ours run, and when none does. */
const sessionWaitMs = 60_000;
const lonelyWaitMs = 5_000;

interface Limits {
  /** Milliseconds from the start of the command. */
  readonly timeoutMs?: number;
  /** Milliseconds without a call of `alive()`. */
  readonly stallMs?: number;
  readonly signal?: AbortSignal | undefined;
  readonly pty?: PseudoTtyOptions | undefined;
}

/** A host over one SSH connection, whichever program keeps it; every command is a channel on it. */
export class SshHost implements Host {
  readonly name: string;
  readonly address: string;
  readonly #link: Link;
  readonly #settings: SshSettings;
  readonly #slots = new Slots(parallel);
  #roundTrips = 0;

  private constructor(link: Link, settings: SshSettings) {
    this.#link = link;
    this.#settings = settings;
    // if the server chose the account, its name is not known here
    this.name = settings.gsi?.account === '' ? settings.alias : `${settings.user}@${settings.alias}`;
    this.address = settings.host;
  }

  /** @throws ConnectionError, HostKeyError, AuthError, UsageError (configuration) */
  static async connect(target: SshTarget, options: ConnectOptions = {}): Promise<SshHost> {
    const { link, settings } = await dial(target, options);
    return new SshHost(link, settings);
  }

  get roundTrips(): number {
    return this.#roundTrips;
  }

  async run(argv: readonly string[], options: RunOptions = {}): Promise<Output> {
    const line = commandLine(argv);
    const limits: Limits = { timeoutMs: options.timeoutMs ?? defaultTimeoutMs, signal: options.signal };
    const output = await this.#operate(argv, line, limits, async command => {
      const what = `on ${this.name}: ${line}`;
      const most = options.mostBytes;
      const [out, err] = [new Collector(command.stdout, what, most), new Collector(command.stderr, what, most)];
      const work = async (): Promise<number | null> => {
        if (options.stdin !== undefined) await command.begun;
        command.stdin.end(options.stdin ?? '');
        return Promise.race([command.ended, quietAfter(command.exited, command.ended, [out, err])]);
      };
      const exitCode = await Promise.race([work(), out.tooMuch, err.tooMuch]);
      command.release();
      options.onNoise?.(command.noises);
      return { stdout: out.text, stderr: err.text, exitCode };
    });
    if (options.check !== false && output.exitCode !== 0) {
      throw new CommandError(this.name, line, output.exitCode, output.stderr);
    }
    return output;
  }

  async attach(argv: readonly string[], options: AttachOptions): Promise<number> {
    const pty = options.tty ? terminal(options.stdout) : undefined;
    return this.#operate(argv, commandLine(argv), { pty }, command => attachStreams(command, options));
  }

  async put(files: readonly FileToPut[]): Promise<void> {
    if (files.length === 0) return;
    const { argv, stdin } = putting(files);
    requirePut(this, files, await this.run(argv, { stdin, check: false }));
  }

  async upload(local: string, remote: string, options: TransferOptions = {}): Promise<void> {
    const file = await open(local);
    try {
      const { size, mode } = await file.stat();
      const argv = uploadCommand(remote, size, options.mode ?? mode & 0o777);
      const what = `upload ${local} to ${remote}`;
      const limits: Limits = { stallMs: options.stallMs ?? defaultStallMs };
      await this.#operate(argv, what, limits, async (command, alive) => {
        const err = new Collector(command.stderr, `on ${this.name}: ${what}`);
        command.stdout.resume();
        const send = async (): Promise<number | null> => {
          await command.begun;
          alive();
          const source = file.createReadStream({ autoClose: false, highWaterMark: 256 * 1024 });
          await pour(source, command.stdin, command.ended, sent => {
            alive();
            options.onBytes?.(sent, size);
          });
          return command.ended;
        };
        const status = await Promise.race([send(), err.tooMuch]);
        if (status !== 0) throw new CommandError(this.name, what, status, err.text);
      });
    } finally {
      await file.close();
    }
  }

  async download(remote: string, local: string, options: TransferOptions = {}): Promise<void> {
    const what = `download ${remote} to ${local}`;
    const limits: Limits = { stallMs: options.stallMs ?? defaultStallMs };
    await intoPlace(local, options.mode ?? 0o600, to =>
      this.#operate(downloadCommand(remote), what, limits, async (command, alive) => {
        const err = new Collector(command.stderr, `on ${this.name}: ${what}`);
        command.stdin.end();
        const take = receive(command.stdout, to, (got, size) => {
          alive();
          options.onBytes?.(got, size);
        });
        const { received, total } = await Promise.race([take, err.tooMuch]);
        const status = await Promise.race([command.ended, err.tooMuch]);
        if (status !== 0) throw new CommandError(this.name, what, status, err.text);
        if (received !== total) {
          throw new ScailfinError(`${what}: ${received} of ${total} bytes arrived`, {
            hint: 'the file may be changing on the host; try again when it no longer changes',
          });
        }
      }),
    );
  }

  async dial(port: number): Promise<Duplex> {
    try {
      return await this.#link.tunnel('127.0.0.1', port);
    } catch (error) {
      throw new ConnectionError(`nothing answers on port ${port} of ${this.name}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  async neighbour(name: string, options: NeighbourOptions): Promise<SshHost> {
    const { connectNext } = await import('./connect.js');
    const settings = neighbourSettings(this.#settings, name);
    return new SshHost(await connectNext(this.#link, settings, options), settings);
  }

  async close(): Promise<void> {
    await this.#link.close();
  }

  /** Runs `work` on its own command: waits for a session, enforces the limits, and kills commands that exceed them. */
  async #operate<T>(
    argv: readonly string[],
    what: string,
    limits: Limits,
    work: (command: RemoteCommand, alive: () => void) => Promise<T>,
  ): Promise<T> {
    limits.signal?.throwIfAborted();
    this.#roundTrips += 1;
    const release = await this.#slots.take();
    let over = false;
    let command: RemoteCommand | undefined;
    let stop = (_error: Error): void => {};
    const stopped = new Promise<never>((_, reject) => {
      stop = reject;
    });
    stopped.catch(() => {});
    const late = (ms: number, how: string) => () => {
      const noise = command !== undefined && !command.hasBegun ? startup(command.noise) : '';
      stop(
        new TimeoutError(`on ${this.name}: ${what} ${how} ${ms / 1000} s${noise}`, {
          hint: 'the host may be overloaded; try again, or log in and look',
        }),
      );
    };
    const timer = limits.timeoutMs && setTimeout(late(limits.timeoutMs, 'did not end in'), limits.timeoutMs);
    let stall: NodeJS.Timeout | undefined;
    const alive = (): void => {
      clearTimeout(stall);
      if (limits.stallMs !== undefined)
        stall = setTimeout(late(limits.stallMs, 'made no progress for'), limits.stallMs);
    };
    const abort = (): void => stop(limits.signal?.reason as Error);
    limits.signal?.addEventListener('abort', abort);
    const off = this.#link.onLost(stop);
    alive();
    try {
      const starting = this.#start(argv, limits.pty, () => over);
      starting.then(
        started => {
          if (over) void started.kill(); // too late: nobody waits for it any longer
        },
        () => {},
      );
      command = await Promise.race([starting, stopped]);
      return await Promise.race([work(command, alive), stopped]);
    } catch (error) {
      over = true;
      await command?.kill();
      throw error;
    } finally {
      clearTimeout(timer || undefined);
      clearTimeout(stall);
      off();
      limits.signal?.removeEventListener('abort', abort);
      release();
    }
  }

  /**
   * Sites may allow fewer sessions than sshd's default: then the number of places shrinks, and this command waits for its
   * turn.
   */
  async #start(argv: readonly string[], pty: Limits['pty'], over: () => boolean): Promise<RemoteCommand> {
    const asked = performance.now();
    for (let pause = 50; ; pause = Math.min(2 * pause, 1_000)) {
      try {
        return await RemoteCommand.start(this.#link, argv, { pty });
      } catch (error) {
        if (!(error instanceof TooManySessions)) throw error;
        this.#slots.shrinkTo(this.#slots.used - 1);
        const patience = this.#slots.used > 1 ? sessionWaitMs : lonelyWaitMs;
        if (over() || performance.now() - asked > patience) {
          throw new ConnectionError(`${this.name} opens no more sessions: ${error.message}`, {
            hint: 'the site may forbid commands for this account, or limit sessions (MaxSessions in sshd_config)',
            cause: error,
          });
        }
        await new Promise(resolve => setTimeout(resolve, pause));
      }
    }
  }
}

function startup(noise: string): string {
  return `: the start-up files of the login shell have not finished${noise === '' ? '' : `; they printed:\n${noise}`}`;
}
