import type { FileHandle } from 'node:fs/promises';

/** A member of an archive, from its header. */
export interface Member {
  readonly kind: '-' | 'd' | 'l';
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

const BLOCK = 512;
/** Larger archives are listed by tar itself. */
const MOST_BYTES = 2 ** 18;
const kinds: Readonly<Record<string, Member['kind']>> = { '0': '-', '2': 'l', '5': 'd' };

/**
 * Lists the content of a small and plain archive without starting a program: most steps return one. Only headers that
 * have one possible meaning are read; for all others tar itself is asked.
 * @returns undefined for an archive that is large, packed or unusual in any way
 */
export async function plainMembers(archive: FileHandle): Promise<Member[] | undefined> {
  const { size } = await archive.stat();
  if (size > MOST_BYTES) return undefined;
  const { buffer, bytesRead } = await archive.read(Buffer.alloc(size), 0, size, 0);
  const members: Member[] = [];
  for (let at = 0; at + BLOCK <= bytesRead; ) {
    const header = buffer.subarray(at, at + BLOCK);
    if (header.every(byte => byte === 0)) return members;
    const member = plainMember(header);
    if (!member) return undefined;
    members.push(member);
    at += BLOCK * (1 + Math.ceil(member.size / BLOCK));
  }
  return undefined;
}

function plainMember(header: Buffer): Member | undefined {
  const text = (from: number, to: number): string => header.toString('latin1', from, to);
  const kind = kinds[text(156, 157)];
  const digits = /^([0-7]{11})\0$/.exec(text(124, 136))?.[1];
  const path = text(0, 100).replace(/\0+$/, '');
  // neither a prefix nor an offset, in any variant of the format
  const isUsual = text(257, 262) === 'ustar' && header.subarray(345).every(byte => byte === 0);
  if (!kind || !digits || !isUsual || path.includes('\0') || sumOf(header) !== text(148, 156)) return undefined;
  const size = Number.parseInt(digits, 8);
  if (kind !== '-' && size !== 0) return undefined;
  if (kind === '-' && path.endsWith('/')) return undefined;
  return { kind, path, size };
}

/** The checksum as tar writes it; numbers in other notations are not accepted. */
function sumOf(header: Buffer): string {
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  return `${sum.toString(8).padStart(6, '0')}\0 `;
}
