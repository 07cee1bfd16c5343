import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { CommandError, ConnectionError, messageOf, ScailfinError, TimeoutError } from '../errors.js';
import { commandLine } from '../shell.js';
import { Collector, quietAfter } from './collect.js';
import type { AttachOptions, FileToPut, Host, NeighbourOptions, Output, RunOptions, TransferOptions } from './host.js';
import { intoPlace } from './streams.js';
import { checkPath, temporaryName } from './transfer.js';

const defaultTimeoutMs = 60_000;
type Pair = [Collector, Collector];
const killAfterMs = 2_000;
/** Shells use 127 for a program that does not exist and 126 for one that can't be run (POSIX, 2.8.2). */
const notFound = 127;
const notExecutable = 126;

/** This machine, through the same interface. A command gets its own process group, so that a time-out ends all of it. */
export class LocalHost implements Host {
  readonly name = 'this machine';
  readonly address = 'local';
  #roundTrips = 0;

  get roundTrips(): number {
    return this.#roundTrips;
  }

  async run(argv: readonly string[], options: RunOptions = {}): Promise<Output> {
    options.signal?.throwIfAborted();
    this.#roundTrips += 1;
    const line = commandLine(argv);
    const output = await this.#collect(argv, line, options);
    if (options.check !== false && output.exitCode !== 0) {
      throw new CommandError(this.name, line, output.exitCode, output.stderr);
    }
    return output;
  }

  async #collect(argv: readonly string[], line: string, options: RunOptions): Promise<Output> {
    const child = spawn(argv[0] as string, argv.slice(1), { detached: true, stdio: 'pipe' });
    const what = `on ${this.name}: ${line}`;
    const [out, err] = [child.stdout, child.stderr].map(s => new Collector(s, what, options.mostBytes)) as Pair;
    child.stdin.on('error', () => {}); // a command need not read its input
    child.stdin.end(options.stdin ?? '');
    const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    let timer: NodeJS.Timeout | undefined;
    let abort = (): void => {};
    const stopped = new Promise<never>((_, reject) => {
      const late = new TimeoutError(`on ${this.name}: ${line} did not end in ${timeoutMs / 1000} s`);
      timer = setTimeout(() => reject(late), timeoutMs);
      abort = () => reject(options.signal?.reason);
      options.signal?.addEventListener('abort', abort);
    });
    stopped.catch(() => {});
    const closed = new Promise<Output>((resolve, reject) => {
      child.once('error', error => {
        const missing = missingProgram(argv[0] as string, error);
        if (missing === undefined) reject(error);
        else resolve(missing);
      });
      child.once('close', code => resolve({ stdout: out.text, stderr: err.text, exitCode: code }));
    });
    const exited = new Promise<number | null>(resolve => child.once('exit', resolve));
    const left = quietAfter(exited, closed, [out, err]).then(exitCode => {
      child.stdout.destroy();
      child.stderr.destroy();
      return { stdout: out.text, stderr: err.text, exitCode };
    });
    try {
      return await Promise.race([closed, left, stopped, out.tooMuch, err.tooMuch]);
    } catch (error) {
      await end(child, closed);
      throw error;
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', abort);
    }
  }

  async attach(argv: readonly string[], options: AttachOptions): Promise<number> {
    this.#roundTrips += 1;
    // A terminal must be passed on directly; streams that are not files are copied.
    const stdio = options.tty ? ('inherit' as const) : ('pipe' as const);
    const child = spawn(argv[0] as string, argv.slice(1), { stdio });
    child.stdout?.pipe(options.stdout, { end: false });
    child.stderr?.pipe(options.stderr, { end: false });
    if (child.stdin) {
      child.stdin.on('error', () => {});
      options.stdin.pipe(child.stdin);
    }
    try {
      return await new Promise<number>((resolve, reject) => {
        child.once('close', code => resolve(code ?? 255));
        child.once('error', error => {
          const missing = missingProgram(argv[0] as string, error);
          if (missing === undefined) return reject(error);
          options.stderr.write(missing.stderr);
          resolve(missing.exitCode ?? 255);
        });
      });
    } finally {
      if (child.stdin) {
        options.stdin.unpipe(child.stdin);
        options.stdin.pause();
      }
    }
  }

  async put(files: readonly FileToPut[]): Promise<void> {
    if (files.length === 0) return;
    this.#roundTrips += 1;
    const staged = files.map(file => {
      checkPath(file.path);
      return { ...file, temporary: temporaryName(file.path) };
    });
    try {
      for (const file of staged) {
        await this.#naming(file.path, async () => {
          await mkdir(path.dirname(file.path), { recursive: true, mode: 0o700 });
          if ((await stat(file.path).catch(() => undefined))?.isDirectory()) throw new Error('it is a directory');
          await writeFile(file.temporary, file.content, { mode: 0o600, flag: 'wx' });
          await chmod(file.temporary, file.mode);
        });
      }
      for (const file of staged) await this.#naming(file.path, () => rename(file.temporary, file.path));
    } finally {
      for (const file of staged) await rm(file.temporary, { force: true }).catch(() => {});
    }
  }

  async upload(local: string, remote: string, options: TransferOptions = {}): Promise<void> {
    checkPath(remote);
    const { mode } = await stat(local);
    await this.#copy(local, remote, options.mode ?? mode & 0o777, options);
  }

  async download(remote: string, local: string, options: TransferOptions = {}): Promise<void> {
    checkPath(remote);
    await this.#copy(remote, local, options.mode ?? 0o600, options);
  }

  async dial(port: number): Promise<Duplex> {
    const socket = net.connect({ host: '127.0.0.1', port, noDelay: true });
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      throw new ConnectionError(`nothing answers on port ${port} of ${this.name}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  /** The home directory of this machine may be shared with others, from which scailfin was run before. */
  async neighbour(name: string, options: NeighbourOptions): Promise<Host> {
    const { SshHost } = await import('./ssh.js');
    return SshHost.connect({ host: name }, options);
  }

  async close(): Promise<void> {}

  async #copy(from: string, to: string, mode: number, options: TransferOptions): Promise<void> {
    this.#roundTrips += 1;
    await this.#naming(to, async () => {
      const source = await open(from);
      try {
        const { size } = await source.stat();
        await mkdir(path.dirname(path.resolve(to)), { recursive: true, mode: 0o700 });
        if ((await stat(to).catch(() => undefined))?.isDirectory()) throw new Error('it is a directory');
        await intoPlace(to, mode, async target => {
          let sent = 0;
          for await (const chunk of source.createReadStream({ autoClose: false })) {
            if (!target.write(chunk)) await new Promise(resolve => target.once('drain', resolve));
            sent += (chunk as Buffer).length;
            options.onBytes?.(sent, size);
          }
          if (sent !== size) throw new ScailfinError(`${sent} of ${size} bytes arrived`);
        });
      } finally {
        await source.close();
      }
    });
  }

  async #naming<T>(file: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw new CommandError(this.name, `write ${file}`, 1, messageOf(error));
    }
  }
}

function missingProgram(program: string, error: NodeJS.ErrnoException): Output | undefined {
  if (error.code !== 'ENOENT' && error.code !== 'EACCES') return undefined;
  const missing = error.code === 'ENOENT';
  return {
    stdout: '',
    stderr: `${program}: ${missing ? 'not found' : 'permission denied'}\n`,
    exitCode: missing ? notFound : notExecutable,
  };
}

/** Sends TERM, then KILL, to the whole process group. */
async function end(child: ChildProcess, closed: Promise<unknown>): Promise<void> {
  if (child.pid === undefined) return;
  const signal = (name: NodeJS.Signals): void => {
    try {
      process.kill(-(child.pid as number), name);
    } catch {
      // already gone
    }
  };
  signal('SIGTERM');
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>(resolve => {
    timer = setTimeout(() => {
      signal('SIGKILL');
      resolve();
    }, killAfterMs);
  });
  await Promise.race([closed.catch(() => {}), late]);
  clearTimeout(timer);
}
