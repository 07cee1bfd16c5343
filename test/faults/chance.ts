import { createHash } from 'node:crypto';

/** A number from 0 to 1 that depends on nothing but the words: what is tried can be tried again, whatever else is. */
export function chance(...words: readonly (string | number)[]): number {
  return createHash('sha256').update(words.join('\n')).digest().readUInt32BE() / 2 ** 32;
}
