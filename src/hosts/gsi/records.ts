import { Duplex } from 'node:stream';

/** TLS record types (RFC 8446, 5.1). */
const changeCipherSpec = 20;
const handshake = 22;

/** The transport of a TLS session that is carried in tokens: its output is collected, its input is pushed in. */
export class TokenWire {
  /** The end that the session gets as its socket. */
  readonly socket: Duplex;
  #out: Buffer[] = [];

  /** @param onOutput called after each write of the session */
  constructor(onOutput: () => void) {
    const gather = (chunks: readonly Buffer[]): void => {
      // the session reuses its buffers
      this.#out.push(...chunks.map(chunk => Buffer.from(chunk)));
      onOutput();
    };
    this.socket = new Duplex({
      read: () => {},
      write: (chunk: Buffer, _encoding, done) => {
        gather([chunk]);
        done();
      },
      writev: (chunks, done) => {
        gather(chunks.map(each => each.chunk as Buffer));
        done();
      },
    });
  }

  /** The output of the session since the last call. */
  take(): Buffer {
    return Buffer.concat(this.#out.splice(0));
  }

  get isEmpty(): boolean {
    return this.#out.length === 0;
  }

  /**
   * Whether the handshake now waits for the other side: a first hello stands alone; a second one, and the client's last
   * flight of TLS 1.2, end with a message that follows a ChangeCipherSpec.
   */
  get endsFlight(): boolean {
    const types = recordTypes(Buffer.concat(this.#out));
    return types.at(-1) === handshake && (types.length === 1 || types.at(-2) === changeCipherSpec);
  }
}

/** The types of the records in `bytes`; the last record may be cut off. */
function recordTypes(bytes: Buffer): number[] {
  const types: number[] = [];
  for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) types.push(bytes[at] as number);
  return types;
}
