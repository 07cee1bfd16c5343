import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { PseudoTtyOptions } from 'ssh2';
import { ConnectionError } from '../../errors.js';
import type { ConnectOptions } from '../connect.js';
import { keptDir, makeKeptDir } from '../kept/place.js';
import { type Channel, Link, TooManySessions } from '../link.js';
import type { SshSettings } from '../sshconfig.js';
import type { SshTarget } from '../target.js';
import type { SshLog } from './log.js';
import { MuxSocket } from './mux.js';
import { OpenFailure, Sessions } from './sessions.js';
import { SshLogin } from './ssh-login.js';

/** A master that is told to end ends at once, or is killed after this; ms. */
const farewellMs = 2_000;
/** Its last output may arrive this long after its end; ms. */
const lastWordsMs = 50;

/**
 * A connection that the system's ssh made and keeps as ControlMaster, for everything that ssh2 can't do. Our commands are
 * sessions on its socket in proxy mode (OpenSSH's PROTOCOL.mux, section 9), not one `ssh -S` each: such a process can't
 * tell a signal from the status 255, can't report that a command has ended while its output is still open, and costs a
 * process per command.
 */
export class OpensshLink extends Link {
  readonly #sessions: Sessions;
  readonly #guard: ChildProcess;
  readonly #gone: Promise<void>;

  private constructor(
    name: string,
    private readonly pid: number,
    socket: MuxSocket,
    log: SshLog,
  ) {
    super(name);
    this.#sessions = new Sessions(socket);
    this.#guard = guardOf(pid);
    this.#gone = socket.gone().then(async () => {
      this.#guard.kill('SIGKILL');
      await new Promise(resolve => setTimeout(resolve, lastWordsMs));
      this.broke(log.farewell);
      this.#sessions.ended();
    });
  }

  /** @throws AuthError, HostKeyError, ConnectionError, UsageError, ScailfinError if there is no ssh, or it is too old */
  static async connect(
    target: SshTarget,
    way: readonly SshSettings[],
    options: ConnectOptions,
    program: string,
  ): Promise<OpensshLink> {
    const { user, host } = way.at(-1) as SshSettings;
    makeKeptDir();
    const path = join(keptDir(), `${randomBytes(4).toString('hex')}.mux`);
    try {
      const login = new SshLogin({ program, target, way, socket: path }, options);
      await login.start();
      const socket = await MuxSocket.connect(path);
      const link = new OpensshLink(`${user}@${host}`, await socket.pid(), socket, login.log);
      void link.#gone.then(() => tidy(path));
      await link.#sessions.begin().catch(async (error: unknown) => {
        await link.close();
        throw error;
      });
      return link;
    } catch (error) {
      tidy(path);
      throw error;
    }
  }

  override exec<T>(line: string, pty: PseudoTtyOptions | undefined, use: (channel: Channel) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const off = this.onLost(reject);
      if (this.lost !== undefined) return;
      const started = (channel: Channel): void => {
        off();
        resolve(use(channel));
      };
      this.#sessions.exec(line, pty, started, error => {
        off();
        if (this.lost !== undefined) reject(this.lost);
        else if (error instanceof OpenFailure) reject(new TooManySessions(error.message));
        else reject(new ConnectionError(`${this.name} refused to run a command: ${error.message}`, { cause: error }));
      });
    });
  }

  override async tunnel(host: string, port: number): Promise<Duplex> {
    if (this.lost !== undefined) throw this.lost;
    return this.#sessions.tunnel(host, port);
  }

  override async close(): Promise<void> {
    if (this.lost !== undefined) return;
    this.closed();
    this.#kill('SIGTERM');
    const late = setTimeout(() => this.#kill('SIGKILL'), farewellMs);
    await this.#gone;
    clearTimeout(late);
  }

  #kill(signal: NodeJS.Signals): void {
    try {
      process.kill(this.pid, signal);
    } catch {
      // it has ended
    }
  }
}

/**
 * Ends the master when this process is gone, whatever ended it: the end of its standard input is the sign. ControlPersist
 * alone would wait for running commands.
 */
function guardOf(pid: number): ChildProcess {
  return spawn('/bin/sh', ['-c', 'read -r _; kill "$0"', String(pid)], {
    ...{ stdio: ['pipe', 'ignore', 'ignore'], detached: true },
  });
}

/** The master removes its socket; the directory is removed with the last one. */
function tidy(path: string): void {
  rmSync(path, { force: true });
  try {
    rmdirSync(dirname(path));
  } catch {
    // others use the directory, or it is gone
  }
}
