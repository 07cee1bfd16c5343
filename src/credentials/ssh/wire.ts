/** SSH's data types (RFC 4251 section 5), as far as keys, certificates and authentication need them. */

/** A `string`: its length, then its bytes. */
export function sshString(content: string | Buffer): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return Buffer.concat([sshUint32(bytes.length), bytes]);
}

export function sshUint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Reads one value after another. @throws RangeError if the bytes end too early */
export class WireReader {
  #at = 0;

  constructor(private readonly bytes: Buffer) {}

  get rest(): Buffer {
    return this.bytes.subarray(this.#at);
  }

  boolean(): boolean {
    return this.#take(1)[0] !== 0;
  }

  uint32(): number {
    return this.#take(4).readUInt32BE();
  }

  uint64(): bigint {
    return this.#take(8).readBigUInt64BE();
  }

  string(): Buffer {
    return this.#take(this.uint32());
  }

  text(): string {
    return this.string().toString('utf8');
  }

  #take(length: number): Buffer {
    if (length > this.bytes.length - this.#at) throw new RangeError('the bytes end too early');
    this.#at += length;
    return this.bytes.subarray(this.#at - length, this.#at);
  }
}
