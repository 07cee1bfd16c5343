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
import { Master } from './master.js';
import { MuxSocket } from './mux.js';
import { OpenFailure, Sessions } from './sessions.js';

/** A master that was told to end does so at once, or is killed; ms. */
const farewellMs = 2_000;

/**
 * A connection that the system's ssh has made and keeps as ControlMaster, for all that ssh2 can't do. Our commands are
 * sessions on its socket in proxy mode (OpenSSH's PROTOCOL.mux, section 9) and not a `ssh -S` each: such a process can't
 * tell a signal from the status 255, or that a command has ended whose output is still held open; and costs one.
 * The socket's other end is this process: once that has gone, the master ends by itself (ControlPersist).
 */
export class OpensshLink extends Link {
  private constructor(
    name: string,
    private readonly path: string,
    private readonly pid: number,
    private readonly socket: MuxSocket,
    private readonly sessions: Sessions,
  ) {
    super(name);
  }

  /** @throws AuthError, HostKeyError, ConnectionError, UsageError, ScailfinError when there is no ssh, or it is too old */
  static async connect(
    target: SshTarget,
    way: readonly SshSettings[],
    options: ConnectOptions,
    program: string,
  ): Promise<OpensshLink> {
    const settings = way.at(-1) as SshSettings;
    makeKeptDir();
    const path = join(keptDir(), `${randomBytes(4).toString('hex')}.mux`);
    try {
      const master = new Master({ program, target, way, socket: path }, options);
      await master.start();
      for (const [index, verdict] of master.log.hostKeys.entries())
        options.onHostKey?.(way[index]?.alias ?? settings.alias, verdict);
      const socket = await MuxSocket.connect(path);
      const [pid, sessions] = [await socket.pid(), await Sessions.over(socket)];
      const link = new OpensshLink(`${settings.user}@${settings.host}`, path, pid, socket, sessions);
      link.#watch(master);
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
      this.sessions.exec(line, pty, started, error => {
        off();
        if (this.lost !== undefined) reject(this.lost);
        else if (error instanceof OpenFailure) reject(new TooManySessions(error.message));
        else reject(new ConnectionError(`${this.name} refused to run a command: ${error.message}`, { cause: error }));
      });
    });
  }

  override async tunnel(host: string, port: number): Promise<Duplex> {
    if (this.lost !== undefined) throw this.lost;
    return this.sessions.tunnel(host, port);
  }

  override async close(): Promise<void> {
    this.closed();
    const late = setTimeout(() => this.#kill(), farewellMs);
    await MuxSocket.connect(this.path)
      .then(socket => socket.terminate())
      .catch(() => this.#kill());
    clearTimeout(late);
    this.socket.close();
    tidy(this.path);
  }

  #watch(master: Master): void {
    const kill = (): void => this.#kill();
    process.once('exit', kill);
    this.socket.onGone(() => {
      process.off('exit', kill);
      // its last words may come after its end
      setTimeout(() => {
        this.broke(master.log.farewell);
        this.sessions.ended();
        tidy(this.path);
      }, 50);
    });
  }

  #kill(): void {
    try {
      process.kill(this.pid, 'SIGTERM');
    } catch {
      // it has gone
    }
    tidy(this.path);
  }
}

/** The master takes its socket away; the directory goes with the last one. */
function tidy(path: string): void {
  rmSync(path, { force: true });
  try {
    rmdirSync(dirname(path));
  } catch {
    // others use it, or it is gone
  }
}
