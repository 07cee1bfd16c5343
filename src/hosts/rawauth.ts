import type { Client } from 'ssh2';
import handlersPart from 'ssh2/lib/protocol/handlers.js';
import utilsPart from 'ssh2/lib/protocol/utils.js';
import { sshString, WireReader } from '../credentials/ssh/wire.js';

/**
 * Authentication methods that ssh2 does not have, or has only in part (user certificates, gssapi-with-mic): we speak them
 * ourselves over ssh2's connection. Only this file and algorithms.ts use private parts of ssh2, so package.json pins ssh2 to exactly
 * 1.17.0: before changing that version, check each name below in the new version's lib/protocol.
 */
interface Protocol {
  /** The methods that wait for an answer; a FAILURE or SUCCESS removes the first. */
  readonly _authsQueue: string[];
  readonly _kex: { readonly sessionID: Buffer };
  readonly _packetRW: {
    readonly write: { readonly allocStart: number; alloc(size: number): Buffer; finalize(packet: Buffer): Buffer };
  };
  /** `SSH-2.0-OpenSSH_9.2p1 Debian-2` */
  readonly _remoteIdentRaw: Buffer;
}
type MessageHandler = (self: Protocol, payload: Buffer) => unknown;

const handlers = handlersPart as (MessageHandler | undefined)[];
const { sendPacket } = utilsPart as { sendPacket(to: Protocol, packet: Buffer): void };

/** RFC 4252 section 6: 51 and 52 end a method, 60 to 79 are the method's own (60, 61, 63–66 in use; RFC 4252, 4256, 4462). */
const message = { extensions: 7, request: 50, failure: 51, success: 52 } as const;
const ofMethods = [60, 61, 63, 64, 65, 66];

/** A method of ours, which the Authenticator returns in place of one of ssh2's. */
export interface RawMethod {
  /** Its name in RFC 4252 and its extensions: `publickey`, `gssapi-with-mic`. */
  readonly method: string;
  /**
   * Speaks with the server until the method is finished; ssh2 takes over with the server's SUCCESS or FAILURE. An error
   * gives the method up (the server must not owe it an answer then), and the next method is tried.
   */
  speak(wire: RawAuth): Promise<void>;
}

const inProgress = new WeakMap<Protocol, RawAuth>();
const signatureAlgorithms = new WeakMap<Protocol, readonly string[]>();

/**
 * The messages that a method can send and receive. ssh2 must have tried its own `none` first: otherwise it has no state
 * to continue from.
 */
export class RawAuth {
  readonly #protocol: Protocol;
  readonly #received: Buffer[] = [];
  readonly #waiting: ((payload: Buffer | undefined) => void)[] = [];
  #over = false;

  /** Receives the answers to `method` from now on, until the server has decided or `abandon` is called. */
  constructor(
    client: Client,
    readonly method: string,
  ) {
    this.#protocol = protocolOf(client);
    this.#protocol._authsQueue.push(method);
    inProgress.set(this.#protocol, this);
  }

  /** RFC 4253 section 7.2: signatures include it. */
  get sessionId(): Buffer {
    return Buffer.from(this.#protocol._kex.sessionID);
  }

  /** The signature algorithms that the server accepts (RFC 8308, server-sig-algs); undefined if it does not say. */
  get signatureAlgorithms(): readonly string[] | undefined {
    return signatureAlgorithms.get(this.#protocol);
  }

  /** The server's software, such as `OpenSSH_9.2p1 Debian-2`. */
  get software(): string {
    return this.#protocol._remoteIdentRaw.toString('latin1').replace(/^SSH-[^-]*-/, '');
  }

  /** The start of every USERAUTH_REQUEST (RFC 4252 section 5); the method's own fields follow. */
  request(user: string): Buffer {
    const names = [user, 'ssh-connection', this.method].map(sshString);
    return Buffer.concat([Buffer.of(message.request), ...names]);
  }

  /** Sends one message, its number first. */
  send(payload: Buffer): void {
    const { write } = this.#protocol._packetRW;
    const packet = write.alloc(payload.length);
    packet.set(payload, write.allocStart);
    sendPacket(this.#protocol, write.finalize(packet));
  }

  /** The next message of the method (60 to 66, its number first); undefined once the server has decided. */
  async receive(): Promise<Buffer | undefined> {
    const first = this.#received.shift();
    if (first !== undefined || this.#over) return first;
    return new Promise(resolve => this.#waiting.push(resolve));
  }

  /** The method ends here, and the server owes no answer. */
  abandon(): void {
    if (this.#over) return;
    this.#protocol._authsQueue.shift();
    this.#end();
  }

  /** Handles a message of the server: `payload` is ssh2's own buffer and may be overwritten. */
  static deliver(protocol: Protocol, payload: Buffer): boolean {
    const auth = inProgress.get(protocol);
    if (auth === undefined) return false;
    if (payload[0] === message.failure || payload[0] === message.success) {
      auth.#end();
      return false;
    }
    const copy = Buffer.from(payload);
    const waiting = auth.#waiting.shift();
    if (waiting === undefined) auth.#received.push(copy);
    else waiting(copy);
    return true;
  }

  #end(): void {
    this.#over = true;
    inProgress.delete(this.#protocol);
    for (const resolve of this.#waiting.splice(0)) resolve(undefined);
  }
}

for (const type of [message.failure, message.success, ...ofMethods]) {
  const own = handlers[type];
  handlers[type] = (protocol, payload) => (RawAuth.deliver(protocol, payload) ? undefined : own?.(protocol, payload));
}

const extensions = handlers[message.extensions];
handlers[message.extensions] = (protocol, payload) => {
  const reader = new WireReader(Buffer.from(payload.subarray(1)));
  for (let left = reader.uint32(); left > 0; left--) {
    const [name, value] = [reader.text(), reader.text()];
    if (name === 'server-sig-algs') signatureAlgorithms.set(protocol, value.split(','));
  }
  return extensions?.(protocol, payload);
};

function protocolOf(client: Client): Protocol {
  return (client as unknown as { _protocol: Protocol })._protocol;
}
