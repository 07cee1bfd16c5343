import { crc32, deflateRawSync } from 'node:zlib';

/** An entry as an attacker would write it; what is left out is honest. */
export interface Entry {
  readonly name: string;
  readonly content?: string | Buffer;
  /** The kind and mode of a Unix file (inode(7)); default: a regular file. */
  readonly mode?: number;
  /** The size that it claims to have. */
  readonly size?: number;
}

export const link = 0o120777;

/** A ZIP archive with any names, kinds and sizes (APPNOTE.TXT of PKWARE, 4.3). */
export function zipped(entries: readonly Entry[]): Buffer {
  const [parts, directory]: [Buffer[], Buffer[]] = [[], []];
  let at = 0;
  for (const { name, content = '', mode = 0o100644, size } of entries) {
    const [bytes, raw] = [Buffer.from(name), Buffer.from(content)];
    const packed = deflateRawSync(raw);
    const same = Buffer.alloc(26);
    same.writeUInt16LE(20, 0);
    same.writeUInt16LE(0x0800, 2); // names are UTF-8
    same.writeUInt16LE(8, 4);
    same.writeUInt32LE(crc32(raw), 10);
    same.writeUInt32LE(packed.length, 14);
    same.writeUInt32LE(size ?? raw.length, 18);
    same.writeUInt16LE(bytes.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), same, bytes, packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE((mode << 16) >>> 0, 6);
    rest.writeUInt32LE(at, 10);
    directory.push(Buffer.from('PK\x01\x02'), Buffer.from([20, 3]), same, rest, bytes);
    parts.push(local);
    at += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...parts, central, Buffer.from('PK\x05\x06'), end]);
}
