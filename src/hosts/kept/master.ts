import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import ssh2, { type PseudoTtyInfo, type ServerChannel, type Session } from 'ssh2';
import { type Channel, type Link, TooManySessions } from '../link.js';
import { Slots } from '../slots.js';
import { clear, control, type KeptFile, type KeptState, makeKeptDir, type Place } from './place.js';

/** sshd's default MaxSessions; it shrinks for a site that allows fewer. */
const sessions = 10;
const retryMs = 200;
const patienceMs = 60_000;
const lastWordsMs = 200;

/**
 * Serves an authenticated connection on a Unix socket, only to this user, as an SSH server: a command on the socket is a
 * command on the far host. So clients use the same code as for a real host. The socket's directory keeps other users out,
 * so no proof is asked for; the server shows a key that is named only in the file beside the socket.
 */
export class Master {
  readonly #clients = new Set<Duplex>();
  readonly #slots = new Slots(sessions);
  readonly #since = Date.now();
  #close = (): void => {};
  #idleSince = Date.now();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(
    private readonly link: Link,
    private readonly place: Place,
    /** Seconds. */
    private readonly idleLimit: number,
    /** See `KeptFile`. */
    private readonly asked = false,
  ) {}

  /** Resolves once the socket answers and the file describes it. */
  async serve(): Promise<void> {
    // not ed25519: ssh2 1.17 can't read back the ed25519 keys it makes if the public half begins with a zero
    const key = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 });
    const server = new ssh2.Server({ hostKeys: [key.private], ident: 'scailfin' }, client => {
      client.on('authentication', attempt => attempt.accept());
      client.on('error', () => {}); // its command was killed
      client.on('session', accept => this.#session(accept()));
      client.on('tcpip', (accept, reject, { destIP, destPort }) => {
        this.link.tunnel(destIP, destPort).then(
          far => join(far, accept()),
          () => reject(),
        );
      });
    });
    const listener = createServer({ allowHalfOpen: false }, socket => this.#welcome(socket, server));
    clear(this.place);
    makeKeptDir();
    listener.listen(this.place.socket);
    await once(listener, 'listening');
    const { asked } = this;
    const self: KeptFile = { name: this.link.name, pid: process.pid, hostKey: key.public.trim(), asked };
    writeFileSync(this.place.file, JSON.stringify(self), { mode: 0o600 });
    this.#rest();
    this.#close = () => listener.close();
    this.link.onLost(() => this.stop());
  }

  /** Ends the keeper: removes socket and file, and closes the connection. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#timer);
    clear(this.place);
    this.#close();
    // the client that asked for the end must still get its answer
    for (const client of this.#clients) setTimeout(() => client.destroy(), lastWordsMs);
    void this.link.close();
  }

  get state(): KeptState {
    const idle = this.#clients.size > 0 ? 0 : (Date.now() - this.#idleSince) / 1000;
    return {
      name: this.link.name,
      pid: process.pid,
      since: this.#since,
      idleLimit: this.idleLimit,
      secondsLeft: Math.max(0, Math.round(this.idleLimit - idle)),
      clients: this.#clients.size,
      ...(this.asked ? { asked: true } : {}),
    };
  }

  #welcome(socket: Socket, server: ssh2.Server): void {
    clearTimeout(this.#timer);
    this.#clients.add(socket);
    socket.once('close', () => {
      this.#clients.delete(socket);
      this.#rest();
    });
    server.injectSocket(socket);
  }

  #rest(): void {
    if (this.#clients.size > 0 || this.#stopped) return;
    this.#idleSince = Date.now();
    this.#timer = setTimeout(() => this.stop(), this.idleLimit * 1000);
  }

  #session(session: Session): void {
    let pty: PseudoTtyInfo | undefined;
    let far: Channel | undefined;
    session.on('pty', (accept, _reject, info) => {
      pty = info;
      accept?.();
    });
    session.on('window-change', (accept, _reject, { rows, cols, height, width }) => {
      far?.setWindow(rows, cols, height, width);
      accept?.();
    });
    session.on('signal', (accept, _reject, { name }) => {
      far?.signal(name.replace(/^SIG/, ''));
      accept?.();
    });
    session.on('exec', (accept, reject, { command }) => {
      this.#exec(command, pty, (channel, release) => {
        far = channel;
        relay(channel, accept(), release);
      }).catch(() => reject());
    });
    session.on('subsystem', (accept, reject, { name }) => {
      if (name === control) this.#answer(accept());
      else reject();
    });
  }

  /** The commands of all clients share the sessions that the far host allows: further ones wait here. */
  async #exec(
    command: string,
    pty: PseudoTtyInfo | undefined,
    use: (channel: Channel, release: () => void) => void,
  ): Promise<void> {
    const release = await this.#slots.take();
    const asked = performance.now();
    for (;;) {
      try {
        await this.link.exec(command, pty, channel => use(channel, release));
        return;
      } catch (error) {
        const isFull = error instanceof TooManySessions;
        if (!isFull || performance.now() - asked > patienceMs) {
          release();
          throw error;
        }
        this.#slots.shrinkTo(this.#slots.used - 1);
        await new Promise(resolve => setTimeout(resolve, retryMs));
      }
    }
  }

  #answer(channel: ServerChannel): void {
    channel.once('data', (word: Buffer) => {
      // a query of the state does not count as use of the connection: the client that asks is not counted
      const state = { ...this.state, clients: this.#clients.size - 1 };
      channel.exit(0);
      channel.end(`${JSON.stringify(state)}\n`);
      if (word.toString().trim() === 'stop') this.stop();
    });
  }
}

/**
 * Passes everything of one command between the far host and the client on the socket; the end of the command comes last.
 */
function relay(far: Channel, near: ServerChannel, release: () => void): void {
  // at once, because children may hold the output open long after
  far.once('exit', (code: number | null, signal?: string, dump?: boolean, text?: string) => {
    if (code === null) near.exit(signal ?? 'TERM', dump ?? false, text ?? '');
    else near.exit(code);
  });
  near.pipe(far);
  far.pipe(near, { end: false });
  far.stderr.pipe(near.stderr);
  // ending the channel now would cut off the rest of its stderr
  const all = [finished(far, { writable: false }), finished(near.stderr)];
  far.once('close', () => {
    release();
    void Promise.allSettled(all).then(() => near.end());
  });
  for (const stream of [near, far]) stream.on('error', () => {});
  near.once('close', () => far.close());
}

function join(one: Duplex, other: Duplex): void {
  one.pipe(other).pipe(one);
  for (const stream of [one, other]) stream.on('error', () => {});
  one.once('close', () => other.destroy());
  other.once('close', () => one.destroy());
}
