import { closeSync, openSync, truncateSync, writeSync } from 'node:fs';

/** A member of an archive as its header says it is, be that true or not. */
export interface Member {
  readonly name: string;
  /** As in ustar: 0 file, 1 hard link, 2 symbolic link, 3 and 4 devices, 5 directory, 6 pipe; L a long name, S sparse. */
  readonly type?: string;
  /** What the header says; default: the content's. */
  readonly size?: bigint | number;
  readonly content?: Buffer | string;
  readonly link?: string;
  readonly mode?: number;
  /** Over what else stands in the header: where, and what. */
  readonly more?: readonly (readonly [number, string])[];
}

export const end = Buffer.alloc(1024);

/** A header and what follows it, by hand: no program would write most of these. */
export function member(about: Member): Buffer {
  const { name, type = '0', link = '', mode = 0o644, more = [] } = about;
  const content = Buffer.from(about.content ?? '');
  const header = Buffer.alloc(512);
  header.write(name.slice(0, 100), 0, 'latin1');
  header.write(octal(mode, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  number(about.size ?? content.length).copy(header, 124);
  header.write(octal(1.7e9, 12), 136);
  header.write(type, 156);
  header.write(link.slice(0, 100), 157, 'latin1');
  // GNU's own flavour, by which old sparse files are told
  header.write('ustar  \0', 257, 'latin1');
  for (const [at, text] of more) header.write(text, at, 'latin1');
  header.write(' '.repeat(8), 148);
  header.write(
    `${octal(
      header.reduce((sum, byte) => sum + byte, 0),
      7,
    )} `,
    148,
  );
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

export const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`;

/** In octal where it fits; else in base 256, as GNU tar does it. */
function number(value: bigint | number): Buffer {
  const out = Buffer.alloc(12);
  if (BigInt(value) < 8n ** 11n) out.write(octal(Number(value), 12));
  else out.writeBigUInt64BE(BigInt(value), 4);
  if (BigInt(value) >= 8n ** 11n) out[0] = 0x80;
  return out;
}

/** An archive of some members that says it goes on for so many bytes, without having them. */
export function hollow(path: string, front: Buffer, bytes: number): void {
  const file = openSync(path, 'w', 0o600);
  writeSync(file, front);
  closeSync(file);
  truncateSync(path, front.length + bytes);
}
