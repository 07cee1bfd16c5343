import { type FileHandle, open } from 'node:fs/promises';
import { ScailfinError } from '../../errors.js';
import { openLeft } from './left.js';
import { ifMissing } from './manifest.js';
import { notesPath } from './places.js';

/** The output of a step, the wrapper's messages, and the service's notes; at most the last `bytes`. */
export async function printed(dir: string, id: string, bytes: number): Promise<string> {
  const notes = (): Promise<FileHandle | undefined> => open(notesPath(dir, id), 'r').catch(ifMissing);
  const files = [() => openLeft(dir, id, 'out'), () => openLeft(dir, id, 'err'), notes];
  const parts = await Promise.all(files.map(file => endOf(file, bytes)));
  const text = Buffer.concat(parts.map(withNewline));
  return text.subarray(Math.max(0, text.length - bytes)).toString('utf8');
}

const withNewline = (part: Buffer): Buffer =>
  part.length === 0 || part.at(-1) === 10 ? part : Buffer.concat([part, Buffer.from('\n')]);

async function endOf(opened: () => Promise<FileHandle | undefined>, bytes: number): Promise<Buffer> {
  let file: FileHandle | undefined;
  try {
    file = await opened();
  } catch (error) {
    if (!(error instanceof ScailfinError)) throw error;
    return Buffer.from(`scailfin: ${error.message}\n`);
  }
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
