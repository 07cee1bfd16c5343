import { timingSafeEqual } from 'node:crypto';
import type { Duplex } from 'node:stream';
import ssh2, { type AuthContext, type Connection, type ParsedKey } from 'ssh2';
import { crowdOf, type Guest } from './fair.js';
import { Lane } from './lane.js';
import { Node } from './node.js';
import { serve } from './serve.js';

export interface PoolDoorOptions {
  /** Private, OpenSSH's format: by its public half, which they have, nodes know this end. */
  readonly hostKey: string;
  /** `TYPE BASE64`: whoever has the private half is let in. */
  readonly nodeKey: string;
  readonly pool: { readonly address: string; readonly port: number };
  /** Called when the number of connected nodes has changed. */
  readonly onNodes: (count: number) => void;
  readonly log: (line: string) => void;
}

/** A connection that reached the relay's port. */
export interface Entering {
  readonly stream: Duplex;
  /** The address that it came from. */
  readonly origin: string;
  /** Carries this stream, among others. */
  readonly outer?: Lane;
}

/** The name under which nodes log in. */
export const NODE_USER = 'node';

/** Connections that have not proved themselves yet: so many at once, each for so long. */
const mostStrangers = 100;
const proofMs = 30_000;
/** Who says nothing for so long is hardly a node. */
const speakMs = 1_000;
/** Connected nodes at once: an ssh client, as the login node's, has at most 1024 files open. */
const mostNodes = 1000;
/** What all nodes together may have sent that the pool has not taken yet. Bytes. */
const mostHeld = 256 * 2 ** 20;
/** How often it is looked whether a node that was told to wait may go on. */
const lookMs = 50;

interface Stranger extends Guest {
  readonly lane: Lane;
  /** When it came, milliseconds since 1970. */
  readonly since: number;
  /** Whether it has said anything. */
  hasSpoken: boolean;
}

/**
 * The end of the relay on the headnode: an SSH server for compute nodes. What comes in here came through the login node,
 * from anybody who can connect to the relay's port there. A node proves itself by the cluster's key, and then may do one
 * thing: open connections to the pool's port (direct-tcpip, RFC 4254, section 7.2).
 */
export class PoolDoor {
  readonly #nodeKey: ParsedKey;
  readonly #nodes = new Set<Node>();
  readonly #strangers = new Set<Stranger>();
  #looking: NodeJS.Timeout | undefined;

  constructor(private readonly options: PoolDoorOptions) {
    const key = ssh2.utils.parseKey(options.nodeKey);
    if (key instanceof Error) throw key;
    this.#nodeKey = key;
  }

  /** Nodes whose connections can be served. */
  get nodes(): number {
    let count = 0;
    for (const node of this.#nodes) if (node.isReady) count++;
    return count;
  }

  /** Connections that have not proved themselves yet. */
  get strangers(): number {
    return this.#strangers.size;
  }

  enter({ stream, origin, outer }: Entering): void {
    const lane = new Lane(stream, outer);
    // ssh2's server would keep its own half open; an ssh that has ended needs none
    stream.once('end', () => lane.destroy());
    const stranger: Stranger = { origin, lane, since: Date.now(), hasSpoken: false };
    stream.once('data', () => {
      stranger.hasSpoken = true;
    });
    this.#strangers.add(stranger);
    const late = setTimeout(() => lane.destroy(), proofMs);
    const settled = (): void => {
      clearTimeout(late);
      this.#strangers.delete(stranger);
    };
    lane.once('close', settled);
    if (this.#strangers.size > mostStrangers) this.#turnAway(stranger);
    const { hostKey } = this.options;
    serve(lane, hostKey, client => this.#greet(client, stranger, settled), {
      keepaliveInterval: 15_000,
      keepaliveCountMax: 4,
    });
  }

  /**
   * Nodes speak at once, so those who have said nothing for a while go first. Nodes prove themselves at once, too, so otherwise
   * the one goes that has been here longest, and never the newest one.
   */
  #turnAway(newest: Stranger): void {
    const crowd = crowdOf(this.#strangers).filter(stranger => stranger !== newest);
    const oldest = crowd.find(({ hasSpoken, since }) => !hasSpoken && Date.now() - since > speakMs) ?? crowd[0];
    oldest?.lane.destroy();
  }

  #greet(client: Connection, { lane, origin }: Stranger, onProof: () => void): void {
    // it speaks something else, or does not answer any more; a polite end could wait for it for ever
    client.on('error', () => lane.destroy());
    client.on('authentication', attempt => (this.#isNode(attempt) ? attempt.accept() : attempt.reject(['publickey'])));
    client.once('ready', () => {
      onProof();
      const { pool, onNodes } = this.options;
      const node = new Node(client, lane, origin, pool, {
        ...{ onReady: () => onNodes(this.nodes), onWait: () => this.#look() },
      });
      this.#nodes.add(node);
      lane.once('close', () => {
        this.#nodes.delete(node);
        onNodes(this.nodes);
      });
      if (this.#nodes.size > mostNodes) crowdOf(this.#nodes).at(-1)?.end();
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

  /** Some node was told to wait: lets it go on as soon as the pool has taken enough. */
  #look(): void {
    this.#looking ??= setInterval(() => {
      let held = 0;
      let isAnyWaiting = false;
      for (const node of this.#nodes) {
        held += node.held;
        isAnyWaiting = node.lookAgain() || isAnyWaiting;
      }
      if (held > mostHeld) {
        const [first, ...others] = crowdOf(this.#nodes, node => node.held);
        this.options.log(`the connections from ${first?.origin} hold too much: they are closed`);
        for (const node of [first, ...others]) node?.end();
      }
      if (isAnyWaiting) return;
      clearInterval(this.#looking);
      this.#looking = undefined;
    }, lookMs);
  }
}
