import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type { Lab } from '../lab/lab.js';

/**
 * Lets a browser of this machine reach a port of the headnode's loopback, which is in a network of its own.
 * @returns a server on this machine's loopback, at a port that was free
 */
export async function bridge(lab: Lab, port: number): Promise<{ server: Server; port: number }> {
  const server = createServer(socket => {
    const child = lab.spawn('headnode', ['nc', '127.0.0.1', String(port)], { stdio: 'pipe' });
    socket.pipe(child.stdin as Writable);
    (child.stdout as Readable).pipe(socket);
    // either end may go at any time
    for (const end of [socket, child, child.stdin as Writable]) end.on('error', () => socket.destroy());
    socket.on('close', () => child.kill('SIGTERM'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as { port: number }).port };
}
