import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { ifMissing } from './manifest.js';
import { jobDir, notesPath } from './places.js';

/** What a step has printed, what the wrapper said, what the service noted; at most `bytes` of the end. */
export async function printed(dir: string, id: string, bytes: number): Promise<string> {
  const files = [...['out', 'err'].map(name => join(jobDir(dir, id), name)), notesPath(dir, id)];
  const parts = await Promise.all(files.map(file => endOf(file, bytes)));
  const text = Buffer.concat(parts.map(withNewline));
  return text.subarray(Math.max(0, text.length - bytes)).toString('utf8');
}

const withNewline = (part: Buffer): Buffer =>
  part.length === 0 || part.at(-1) === 10 ? part : Buffer.concat([part, Buffer.from('\n')]);

async function endOf(path: string, bytes: number): Promise<Buffer> {
  const file = await open(path, 'r').catch(ifMissing);
  if (!file) return Buffer.alloc(0);
  try {
    const { size } = await file.stat();
    const length = Math.min(size, bytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
