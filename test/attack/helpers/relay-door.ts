/*
 * relay-door: the relay's end on the headnode as a process of its own, with a port in place of the login node and a pool that
 * repeats what it gets, or takes nothing, or sends without end. Reads {hostKey, nodeKey} from standard input, prints {door, pool, other}: its ports.
 */
import net, { type AddressInfo } from 'node:net';
import { PoolDoor } from '../../../src/relay/pooldoor.js';

const listening = async (server: net.Server, address = '127.0.0.1'): Promise<number> => {
  await new Promise<void>(resolve => server.listen(0, address, resolve));
  return (server.address() as AddressInfo).port;
};

let text = '';
for await (const part of process.stdin) text += part;
let connections = 0;
const pool = net.createServer({ allowHalfOpen: true }, socket => {
  connections++;
  socket.on('error', () => {});
  socket.once('data', (first: Buffer) => {
    if (first.toString().startsWith('sleep')) socket.pause();
    else if (first.toString().startsWith('count')) socket.end(`${connections}\n`);
    else if (first.toString().startsWith('flood')) {
      const more = (): void => {
        while (!socket.destroyed && socket.write(Buffer.alloc(65536)));
      };
      socket.on('drain', more);
      more();
    } else {
      socket.write(first);
      socket.pipe(socket);
    }
  });
});
const other = net.createServer(socket => socket.end('another service of the headnode\n'));
const poolPort = await listening(pool);
const door = new PoolDoor({
  ...JSON.parse(text),
  pool: { address: '127.0.0.1', port: poolPort },
  onNodes: () => {},
  log: line => process.stderr.write(`${line}\n`),
});
const entrance = net.createServer({ allowHalfOpen: true }, stream =>
  door.enter({ stream, origin: stream.remoteAddress ?? '' }),
);
const ports = { door: await listening(entrance, '0.0.0.0'), pool: poolPort, other: await listening(other) };
process.stdout.write(`${JSON.stringify(ports)}\n`);
