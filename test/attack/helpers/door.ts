import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import ssh2, { type Client, type ClientChannel } from 'ssh2';
import { type KeyPair, newKey } from '../../../src/relay/keys.js';

const program = fileURLToPath(new URL('relay-door.ts', import.meta.url));

/** What a hostile client takes of ssh2: messages that its own functions would not send. */
export interface Raw {
  readonly _protocol: {
    channelData(id: number, data: Buffer): void;
    channelWindowAdjust(id: number, amount: number): void;
    directTcpip(id: number, window: number, packet: number, about: object): void;
    session(id: number, window: number, packet: number): void;
    _cipher: { encrypt(packet: Buffer): void };
  };
}

/** The relay's end on the headnode, in a process of its own: its death and its memory can be seen. */
export class Door {
  private constructor(
    private readonly child: ChildProcess,
    readonly ports: { readonly door: number; readonly pool: number; readonly other: number },
    readonly hostKey: KeyPair,
    readonly nodeKey: KeyPair,
  ) {}

  static async open(): Promise<Door> {
    const [hostKey, nodeKey] = [newKey(), newKey()];
    const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdin?.end(JSON.stringify({ hostKey: hostKey.private, nodeKey: nodeKey.public }));
    const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    return new Door(child, JSON.parse(line.toString()), hostKey, nodeKey);
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Resident memory, MiB. */
  get memory(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
  }

  close(): void {
    this.child.kill('SIGKILL');
  }

  /** Logs in. @param from the loopback address that it comes from */
  async login(options: { key?: KeyPair; user?: string; from?: string; timeoutMs?: number } = {}): Promise<Client> {
    const client = new ssh2.Client();
    const ready = once(client, 'ready');
    client.on('error', () => {});
    client.connect({
      host: '127.0.0.1',
      port: this.ports.door,
      localAddress: options.from ?? '127.0.0.1',
      username: options.user ?? 'node',
      privateKey: (options.key ?? this.nodeKey).private,
      hostVerifier: (key: Buffer) => key.equals(Buffer.from(this.hostKey.public.split(' ')[1] as string, 'base64')),
      readyTimeout: options.timeoutMs ?? 20_000,
      algorithms: { cipher: ['aes128-gcm@openssh.com'] },
    });
    await ready;
    return client;
  }

  /** A node as it should be. @param answers what its guard says of each connection; default: all are its user's */
  async node(
    from?: string,
    answers: (line: string) => string | undefined = line => `${line} ours\n`,
  ): Promise<DoorNode> {
    const client = await this.login(from === undefined ? {} : { from });
    const guard = await new Promise<ClientChannel>((resolve, reject) =>
      client.exec('guard', (error, channel) => (error ? reject(error) : resolve(channel))),
    );
    let held = '';
    const begun = new Promise<void>(resolve => {
      guard.setEncoding('utf8').on('data', (text: string) => {
        const lines = `${held}${text}`.split('\n');
        held = lines.pop() ?? '';
        for (const line of lines) {
          if (line === 'ready') resolve();
          else guard.write(answers(line) ?? '');
        }
      });
    });
    await begun;
    return new DoorNode(client, guard, this);
  }
}

export class DoorNode {
  #port = 1024;

  constructor(
    readonly client: Client,
    readonly guard: ClientChannel,
    private readonly door: Door,
  ) {}

  /** A connection to the pool, or where else it says. */
  connect(to: { address?: string; port?: number; from?: string; fromPort?: number } = {}): Promise<ClientChannel> {
    const { address = '127.0.0.1', port = this.door.ports.pool, from = '127.0.0.1', fromPort = this.#port++ } = to;
    return new Promise((resolve, reject) =>
      this.client.forwardOut(from, fromPort, address, port, (error, channel) =>
        error ? reject(error) : resolve(channel.on('error', () => {})),
      ),
    );
  }

  /** Whether the pool answers; undefined: the connection ended without an answer. */
  async isServed(timeoutMs = 10_000): Promise<boolean> {
    const channel = await this.connect();
    channel.write('hello');
    const said = await first(channel, timeoutMs);
    channel.close();
    return said === 'hello';
  }

  end(): void {
    this.client.destroy();
  }
}

/** The first bytes that come, as text; undefined if it ends before, or nothing comes. */
export async function first(stream: Duplex, timeoutMs = 10_000): Promise<string | undefined> {
  return new Promise(resolve => {
    const late = setTimeout(() => resolve(undefined), timeoutMs);
    const done = (said?: Buffer | string): void => {
      clearTimeout(late);
      resolve(said?.toString());
    };
    stream.once('data', done);
    for (const event of ['end', 'close'] as const) stream.once(event, () => done());
  });
}
