import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process that ends with its maker, however that ends; what it says goes to a file. */
export class Daemon {
  private constructor(
    readonly name: string,
    private readonly child: ChildProcess,
    private readonly log: string,
  ) {}

  /** @param name the program's first argument, too */
  static start(dir: string, program: string, name: string, flags: readonly string[]): Promise<Daemon> {
    return Daemon.run(dir, name, [program, name, ...flags]);
  }

  static async run(dir: string, name: string, command: readonly string[]): Promise<Daemon> {
    const log = join(dir, `${name}.log`);
    const file = await open(log, 'a');
    // the signal comes from the kernel: this process may be killed without a word
    const argv = ['--pdeathsig', 'KILL', '--', ...command];
    const child = spawn('setpriv', argv, { cwd: dir, stdio: ['ignore', file.fd, file.fd] });
    await once(child, 'spawn');
    await file.close();
    return new Daemon(name, child, log);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** @throws Error with its last words when it ended by itself */
  async assertAlive(): Promise<void> {
    if (this.isAlive) return;
    const lines = (await readFile(this.log, 'utf8')).trim().split('\n');
    throw new Error(`${this.name} ended by itself:\n${lines.slice(-8).join('\n')}`);
  }

  /** What it holds is of no worth to anybody, so it need not put it in order. */
  async stop(): Promise<void> {
    if (!this.isAlive) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await Promise.race([gone, sleep(10_000)]);
  }
}

/** Ports of 127.0.0.1 that nobody listens on. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  try {
    const listening = servers.map(server => once(server.listen(0, '127.0.0.1'), 'listening'));
    await Promise.all(listening);
    return servers.map(server => (server.address() as { port: number }).port);
  } finally {
    await Promise.all(servers.map(server => once(server.close(), 'close')));
  }
}
