import net from 'node:net';
import type { Connection, ServerChannel } from 'ssh2';
import type { Guest } from './fair.js';
import type { Lane } from './lane.js';
import { mostOfChannel } from './serve.js';

/** Connections of one node at once, and sessions: it needs one. */
const mostChannels = 1000;
const mostSessions = 8;
/** A node that does not say in this time whose connection it is does not get one. */
const answerMs = 30_000;
/** A node that has sent so much more than the pool has taken has to wait. Bytes. */
const mostOfNode = 8 * 2 ** 20;
/** Questions that the node does not even read. Bytes. */
const mostAsked = 64 * 1024;

/** A connection of which the node has not said yet whose it is. */
interface Asked {
  /** How often it was asked about this address and port, and has not answered: only its last answer is about this one. */
  questions: number;
  readonly channel: ServerChannel;
  readonly late: NodeJS.Timeout;
}

export interface NodeEvents {
  /** It answers whose its connections are. */
  readonly onReady: () => void;
  /** It has to wait until the pool has taken what it sent. */
  readonly onWait: () => void;
}

/**
 * One connected node. On the node, the local end of its connections is a port on loopback, to which all users of the node can
 * connect. So for each connection, the node is asked on its session whether the connection is its own user's. An attacker may
 * own the node: nothing that it sends, or does not, may cost more than its own connections.
 */
export class Node implements Guest {
  /** By their address and port on the node. */
  readonly #asked = new Map<string, Asked>();
  readonly #channels = new Set<ServerChannel>();
  #guard: ServerChannel | undefined;
  #sessions = 0;
  #isWaiting = false;

  constructor(
    client: Connection,
    private readonly lane: Lane,
    readonly origin: string,
    private readonly pool: { readonly address: string; readonly port: number },
    private readonly on: NodeEvents,
  ) {
    client.on('session', (accept, reject) => {
      if (this.#sessions >= mostSessions) {
        reject();
        return;
      }
      this.#sessions++;
      const session = accept();
      session.once('close', () => this.#sessions--);
      session.once('exec', (accept, reject) => {
        if (this.#guard) reject?.();
        else this.#listen(accept(), client);
      });
    });
    client.on('tcpip', (accept, reject, { destIP, destPort, srcIP, srcPort }) => {
      const from = `${srcIP} ${srcPort}`;
      const isPool = destIP === pool.address && destPort === pool.port;
      // its name is part of a line
      const isNamed = /^[0-9.]{7,15} \d{1,5}$/.test(from);
      if (this.#guard && isPool && isNamed && this.#channels.size < mostChannels) this.#take(accept(), from);
      else reject();
    });
    lane.on('data', () => this.#weigh());
    lane.once('close', () => {
      for (const { late } of this.#asked.values()) clearTimeout(late);
    });
  }

  /** Whether it answers whose its connections are, so that they can be served. */
  get isReady(): boolean {
    return this.#guard !== undefined;
  }

  /** What it has sent and the pool has not taken yet. Bytes. */
  get held(): number {
    let held = this.lane.held;
    for (const channel of this.#channels) held += channel.readableLength;
    return held;
  }

  end(): void {
    this.lane.destroy();
  }

  /** Lets it go on if the pool has taken enough. @returns whether it still waits */
  lookAgain(): boolean {
    if (this.#isWaiting && this.held - this.lane.held <= mostOfNode / 2) {
      this.#isWaiting = false;
      this.lane.resume();
    }
    return this.#isWaiting;
  }

  /** ssh2 does not check whether the other side keeps to its window. */
  #weigh(): void {
    let held = 0;
    for (const { readableLength } of this.#channels) {
      held += readableLength;
      if (readableLength > mostOfChannel) this.end();
    }
    if (held <= mostOfNode || this.#isWaiting) return;
    this.#isWaiting = true;
    this.lane.pause();
    this.on.onWait();
  }

  /** The node's session: it gets lines `ADDRESS PORT`, and answers each with `ADDRESS PORT ours` or `ADDRESS PORT no`. */
  #listen(guard: ServerChannel | undefined, client: Connection): void {
    if (!guard) return; // the session has ended already
    this.#guard = guard;
    let held = '';
    guard.setEncoding('utf8').on('data', (text: string) => {
      const lines = `${held}${text}`.slice(-4096).split('\n');
      held = lines.pop() ?? '';
      for (const line of lines) {
        const [address, port, word] = line.split(' ');
        this.#answered(`${address} ${port}`, word === 'ours');
      }
    });
    guard.on('error', () => {});
    // the node's script has ended, so nobody answers any more
    for (const event of ['end', 'close']) guard.once(event, () => client.end());
    guard.write('ready\n');
    this.on.onReady();
  }

  /** The connection exists for the node at once, and its first bytes wait for the answer: that costs no round trip. */
  #take(channel: ServerChannel, from: string): void {
    this.#channels.add(channel);
    channel.on('error', () => {});
    channel.once('close', () => this.#channels.delete(channel));
    const before = this.#asked.get(from);
    // the port was used again, so the other end of the earlier connection is gone
    if (before) {
      refuse(before.channel);
      clearTimeout(before.late);
    }
    const late = setTimeout(() => {
      refuse(channel);
      this.#asked.delete(from);
    }, answerMs);
    this.#asked.set(from, { questions: (before?.questions ?? 0) + 1, channel, late });
    this.#guard?.write(`${from}\n`);
    if ((this.#guard?.writableLength ?? 0) > mostAsked) this.end();
  }

  #answered(from: string, isOurs: boolean): void {
    const asked = this.#asked.get(from);
    if (!asked) return;
    asked.questions--;
    if (asked.questions > 0) return;
    this.#asked.delete(from);
    clearTimeout(asked.late);
    if (isOurs && this.#channels.has(asked.channel)) this.#connect(asked.channel);
    else refuse(asked.channel);
  }

  #connect(channel: ServerChannel): void {
    const { address, port } = this.pool;
    const socket = net.connect({ host: address, port, noDelay: true, allowHalfOpen: true });
    socket.on('error', () => refuse(channel));
    channel.pipe(socket);
    socket.on('data', (data: Buffer) => {
      socket.pause();
      // the node takes no more than its window, and shares the way with others
      this.lane.whenRoom(() => channel.write(data, () => socket.resume()));
    });
    socket.once('end', () => this.lane.whenRoom(() => channel.end()));
    channel.once('close', () => socket.destroy());
    socket.once('close', () => {
      channel.end();
      channel.resume();
    });
  }
}

/** ssh2 counts a channel as closed only when all that came on it has been read. */
function refuse(channel: ServerChannel): void {
  channel.resume();
  channel.close();
}
