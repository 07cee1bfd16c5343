import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** The bytes inside the first armour of a PEM file. */
export function derOf(file: string): Buffer {
  const body = /-----BEGIN [^-]+-----([^-]+)-----END/.exec(readFileSync(file, 'latin1'))?.[1] ?? '';
  return Buffer.from(body, 'base64');
}

export const privateKeyOf = (file: string): KeyObject => createPrivateKey(readFileSync(file));
