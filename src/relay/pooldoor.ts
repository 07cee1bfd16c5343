import { timingSafeEqual } from 'node:crypto';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import ssh2, { type AuthContext, type Connection, type ParsedKey, type ServerChannel } from 'ssh2';
import { serverConfig } from './serverconfig.js';

export interface PoolDoorOptions {
  /** Private, OpenSSH's format: by its public half, which they have, nodes know this end. */
  readonly hostKey: string;
  /** `TYPE BASE64`: whoever has the private half is let in. */
  readonly nodeKey: string;
  readonly pool: { readonly address: string; readonly port: number };
  /** Called when the number of connected nodes has changed. */
  readonly onNodes: (count: number) => void;
  /** Called when a node went away while connections to the pool were open. */
  readonly onBroken: () => void;
  readonly log: (line: string) => void;
}

/** The name under which nodes log in. */
export const NODE_USER = 'node';

/** Connections that have not proved themselves yet: so many at once, each for so long. */
const mostStrangers = 100;
const proofMs = 30_000;
/** A node that does not say in this time whose connection it is does not get one. */
const answerMs = 30_000;

/**
 * The end of the relay on the headnode: an SSH server for compute nodes. What comes in here came through the login node,
 * from anybody who can connect to the relay's port there. A node proves itself by the cluster's key, and then may do one
 * thing: open connections to the pool's port (direct-tcpip, RFC 4254, section 7.2).
 *
 * On the node, the local end of these connections is a port on loopback, to which all users of the node can connect. So
 * for each connection, the node is asked on its session whether the connection is its own user's.
 */
export class PoolDoor {
  readonly #nodeKey: ParsedKey;
  #nodes = 0;
  #strangers = 0;

  constructor(private readonly options: PoolDoorOptions) {
    const key = ssh2.utils.parseKey(options.nodeKey);
    if (key instanceof Error) throw key;
    this.#nodeKey = key;
  }

  get nodes(): number {
    return this.#nodes;
  }

  /** A connection that reached the relay's port on the login node. */
  enter(stream: Duplex): void {
    stream.on('error', () => {});
    // ssh2's server would keep its own half open; an ssh that has ended needs none
    stream.once('end', () => stream.destroy());
    if (this.#strangers >= mostStrangers) {
      stream.destroy();
      return;
    }
    this.#strangers++;
    const late = setTimeout(() => stream.destroy(), proofMs);
    let isStranger = true;
    const settled = (): void => {
      clearTimeout(late);
      if (isStranger) this.#strangers--;
      isStranger = false;
    };
    stream.once('close', settled);
    const { hostKey } = this.options;
    const config = { ...serverConfig(hostKey), keepaliveInterval: 15_000, keepaliveCountMax: 4 };
    new ssh2.Server(config, client => this.#greet(client, settled)).injectSocket(stream as net.Socket);
  }

  #greet(client: Connection, onProof: () => void): void {
    client.on('error', () => {}); // it went away, or speaks something else
    client.on('authentication', attempt => (this.#isNode(attempt) ? attempt.accept() : attempt.reject(['publickey'])));
    client.once('ready', () => {
      onProof();
      new Node(
        client,
        this.options.pool,
        () => {
          this.#count(1);
          client.once('close', () => this.#count(-1));
        },
        this.options.onBroken,
      );
    });
  }

  #isNode(attempt: AuthContext): boolean {
    if (attempt.method !== 'publickey' || attempt.username !== NODE_USER) return false;
    const own = this.#nodeKey.getPublicSSH();
    if (attempt.key.data.length !== own.length || !timingSafeEqual(attempt.key.data, own)) return false;
    // without a signature, the client asks whether the key would do (RFC 4252, section 7)
    if (attempt.signature === undefined) return true;
    return this.#nodeKey.verify(attempt.blob as Buffer, attempt.signature, attempt.hashAlgo) === true;
  }

  #count(change: number): void {
    this.#nodes += change;
    this.options.onNodes(this.#nodes);
  }
}

/** One connected node. */
class Node {
  /** Connections of which the node has not said yet whose they are, by their address and port on the node. */
  readonly #asked = new Map<string, (isOurs: boolean) => void>();
  #guard: ServerChannel | undefined;
  /** Connections to the pool. */
  #open = 0;

  constructor(
    client: Connection,
    private readonly pool: PoolDoorOptions['pool'],
    onReady: () => void,
    onBroken: () => void,
  ) {
    client.once('close', () => {
      if (this.#open > 0) onBroken();
    });
    client.on('session', accept => {
      const session = accept();
      session.once('exec', (accept, reject) => {
        if (this.#guard) return void reject?.();
        this.#listen(accept(), client);
        onReady();
      });
    });
    client.on('tcpip', (accept, reject, { destIP, destPort, srcIP, srcPort }) => {
      if (this.#guard && destIP === pool.address && destPort === pool.port) this.#pass(accept(), `${srcIP} ${srcPort}`);
      else reject?.();
    });
  }

  /** The node's session: it gets lines `ADDRESS PORT`, and answers each with `ADDRESS PORT ours` or `ADDRESS PORT no`. */
  #listen(guard: ServerChannel, client: Connection): void {
    this.#guard = guard;
    let held = '';
    guard.setEncoding('utf8').on('data', (text: string) => {
      const lines = `${held}${text}`.slice(-4096).split('\n');
      held = lines.pop() ?? '';
      for (const line of lines) {
        const [address, port, word] = line.split(' ');
        this.#asked.get(`${address} ${port}`)?.(word === 'ours');
      }
    });
    guard.on('error', () => {});
    // the node's script has ended, so nobody answers any more
    for (const event of ['end', 'close']) guard.once(event, () => client.end());
    guard.write('ready\n');
  }

  /** The connection exists for the node at once, and its first bytes wait for the answer: that costs no round trip. */
  #pass(channel: ServerChannel, from: string): void {
    // the name is part of a line
    if (!/^[0-9.]{7,15} \d{1,5}$/.test(from)) {
      channel.close();
      return;
    }
    channel.on('error', () => {});
    const late = setTimeout(() => answer(false), answerMs);
    const answer = (isOurs: boolean): void => {
      clearTimeout(late);
      this.#asked.delete(from);
      if (isOurs) this.#connect(channel);
      else channel.close();
    };
    this.#asked.set(from, answer);
    this.#guard?.write(`${from}\n`);
  }

  #connect(channel: ServerChannel): void {
    const { address, port } = this.pool;
    const socket = net.connect({ host: address, port, noDelay: true, allowHalfOpen: true });
    this.#open++;
    socket.on('error', () => channel.close());
    socket.pipe(channel).pipe(socket);
    channel.once('close', () => socket.destroy());
    socket.once('close', () => {
      this.#open--;
      channel.end();
    });
  }
}
