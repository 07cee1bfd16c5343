import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

/**
 * HTCondor's way for files, as the starter offers it to a job (src/condor_starter.V6.1/io_proxy_handler.cpp), with the three
 * requests that a session makes. It stands in for the starter and the shadow; test/cluster/sessions.test.ts has the real ones.
 */
export class Chirp {
  private constructor(
    private readonly server: Server,
    private readonly dir: string,
    readonly port: number,
  ) {}

  /** @param dir the job's initial directory */
  static async open(dir: string): Promise<Chirp> {
    mkdirSync(dir, { recursive: true });
    const server = createServer();
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const chirp = new Chirp(server, dir, (server.address() as AddressInfo).port);
    server.on('connection', socket => void chirp.#serve(socket).catch(() => socket.destroy()));
    return chirp;
  }

  close(): void {
    this.server.close();
  }

  async #serve(socket: Socket): Promise<void> {
    socket.on('error', () => {});
    let held = Buffer.alloc(0);
    const parts = socket[Symbol.asyncIterator]();
    const more = async (): Promise<void> => {
      const { value, done } = await parts.next();
      if (done) throw new Error('it is gone');
      held = Buffer.concat([held, value as Buffer]);
    };
    const take = async (length: () => number): Promise<string> => {
      while (length() < 0 || held.length < length()) await more();
      const text = held.subarray(0, length()).toString('latin1');
      held = held.subarray(length());
      return text;
    };
    for (;;) {
      const line = await take(() => held.indexOf('\n') + 1 || -1);
      const [word, name = '', to = '', bytes = '0'] = line.trim().split(' ');
      if (word === 'cookie') socket.write('0\n');
      else if (word === 'getfile') this.#get(socket, name);
      else if (word === 'rename') {
        renameSync(join(this.dir, name), join(this.dir, to));
        socket.write('0\n');
      } else if (word === 'putfile') {
        socket.write('0\n');
        writeFileSync(join(this.dir, name), await take(() => Number(bytes)), 'latin1');
        socket.write(`${bytes}\n`);
      } else throw new Error(`what is ${word}?`);
    }
  }

  #get(socket: Socket, name: string): void {
    try {
      const data = readFileSync(name);
      socket.write(`${data.length}\n`);
      socket.write(data);
    } catch {
      socket.write('-2\n');
    }
  }
}
