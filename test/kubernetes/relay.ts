import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { join } from 'node:path';

/** Where the listener of a port runs: in the host's network, with this machine's files. */
const listener = `
const net = require('node:net');
const [port, far] = process.argv.slice(1);
const server = net.createServer(near => {
  const socket = net.connect(far);
  for (const one of [near, socket]) one.on('error', () => { near.destroy(); socket.destroy(); });
  near.pipe(socket).pipe(near);
});
server.listen(Number(port), '127.0.0.1', () => process.stdout.write('listening'));
`;

/** A port of a namespaced host's loopback address that leads to the same port of this machine's. */
export class Relay {
  private constructor(
    private readonly server: net.Server,
    private readonly child: ChildProcess,
  ) {}

  /** @param pid a process of that host @param dir for a socket */
  static async start(pid: number, port: number, dir: string): Promise<Relay> {
    const path = join(dir, `relay-${port}.sock`);
    const server = net.createServer(near => {
      const far = net.connect(port, '127.0.0.1');
      near.on('error', () => far.destroy());
      far.on('error', () => near.destroy());
      near.pipe(far).pipe(near);
    });
    await once(server.listen(path), 'listening');
    const enter = ['--net', '--target', String(pid), '--', 'setpriv', '--pdeathsig', 'KILL', '--'];
    const child = spawn('nsenter', [...enter, process.execPath, '-e', listener, String(port), path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit').then(() =>
      Promise.reject(new Error(`the relay of port ${port} ended by itself`)),
    );
    await Promise.race([once(child.stdout as NodeJS.ReadableStream, 'data'), ended]);
    ended.catch(() => {}); // when it is stopped
    return new Relay(server, child);
  }

  async stop(): Promise<void> {
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
    this.server.close();
  }
}
