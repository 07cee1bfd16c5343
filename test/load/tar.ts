/** A file of an archive. */
export interface Packed {
  readonly path: string;
  readonly text: string;
}

const block = 512;

/** An archive of small files, as GNU tar writes it for the wrapper; the paths have at most 100 bytes. */
export function tarOf(files: readonly Packed[]): Buffer {
  const parts = files.flatMap(({ path, text }) => {
    const content = Buffer.from(text);
    const padded = Buffer.alloc(Math.ceil(content.length / block) * block);
    content.copy(padded);
    return [headerOf(path, content.length), padded];
  });
  const size = parts.reduce((sum, part) => sum + part.length, 0) + 2 * block;
  // tar writes whole records of 20 blocks
  return Buffer.concat([...parts], Math.ceil(size / (20 * block)) * 20 * block);
}

/** tar(5): name, mode, uid, gid, size, mtime, checksum, type, magic. */
function headerOf(path: string, size: number): Buffer {
  const header = Buffer.alloc(block);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;
  header.write(path, 0);
  header.write(octal(0o644, 7) + octal(0, 7) + octal(0, 7) + octal(size, 11) + octal(1.7e9, 11), 100);
  header.write('        0', 148);
  header.write('ustar  \0', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}
