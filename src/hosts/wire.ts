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

/** Reads one value after another. @throws RangeError where the bytes end too early */
export class WireReader {
  #at = 0;

  constructor(private readonly bytes: Buffer) {}

  get rest(): Buffer {
    return this.bytes.subarray(this.#at);
  }

  byte(): number {
    this.#at += 1;
    return this.bytes.readUInt8(this.#at - 1);
  }

  uint32(): number {
    this.#at += 4;
    return this.bytes.readUInt32BE(this.#at - 4);
  }

  uint64(): bigint {
    this.#at += 8;
    return this.bytes.readBigUInt64BE(this.#at - 8);
  }

  string(): Buffer {
    const length = this.uint32();
    if (length > this.bytes.length - this.#at) throw new RangeError('the bytes end too early');
    this.#at += length;
    return this.bytes.subarray(this.#at - length, this.#at);
  }

  text(): string {
    return this.string().toString('utf8');
  }
}
