import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { chmod, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { ScailfinError } from '../errors.js';
import { temporaryName } from './transfer.js';

/**
 * Copies a stream to another at the other's speed; `over` ends it early.
 * @param onBytes gets the number of bytes so far, after each piece
 */
export async function pour(
  from: Readable,
  to: Writable,
  over: Promise<unknown>,
  onBytes: (sent: number) => void,
): Promise<void> {
  let sent = 0;
  let stopped = false;
  const stop = (): void => {
    stopped = true;
  };
  const finished = over.then(stop, stop);
  for await (const chunk of from as AsyncIterable<Buffer>) {
    if (stopped) break;
    await Promise.race([
      new Promise<void>(resolve => {
        to.write(chunk, () => resolve());
      }),
      finished,
    ]);
    sent += chunk.length;
    onBytes(sent);
  }
  if (!stopped) to.end();
}

/** Longest line with the size of a file; bytes. */
const longestSize = 32;

/**
 * Reads the output of {@link downloadCommand}: a line with the size in bytes, then the file, which is written to `to`.
 * @param onBytes gets the bytes so far and the size, after each piece
 * @throws ScailfinError if there is no size, or if there are more bytes than that
 */
export async function receive(
  from: Readable,
  to: Writable,
  onBytes: (received: number, total: number) => void,
): Promise<{ received: number; total: number | undefined }> {
  let head: Buffer = Buffer.alloc(0);
  let total: number | undefined;
  let received = 0;
  for await (const chunk of from as AsyncIterable<Buffer>) {
    let body = chunk;
    if (total === undefined) {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf(0x0a);
      if (end < 0 && head.length <= longestSize) continue;
      total = end < 0 ? Number.NaN : Number(head.subarray(0, end).toString().trim() || Number.NaN);
      if (!Number.isSafeInteger(total)) throw new ScailfinError('the other side did not send the size of the file');
      body = head.subarray(end + 1);
    }
    received += body.length;
    // a larger file must not fill the local disk
    if (received > total) {
      throw new ScailfinError(`more than the ${total} bytes arrived that the file had`, {
        hint: 'the file may be changing on the host; try again when it no longer changes',
      });
    }
    if (body.length > 0 && !to.write(body)) await once(to, 'drain');
    onBytes(received, total);
  }
  return { received, total };
}

/** Writes a local file through a temporary file beside it, which is removed in any case. */
export async function intoPlace(file: string, mode: number, write: (to: Writable) => Promise<void>): Promise<void> {
  const temporary = temporaryName(path.resolve(file));
  const to = createWriteStream(temporary, { flags: 'wx', mode: 0o600 });
  try {
    await once(to, 'open');
    const failed = new Promise<never>((_, reject) => to.once('error', reject));
    failed.catch(() => {});
    await Promise.race([write(to), failed]);
    to.end();
    await Promise.race([once(to, 'close'), failed]);
    await chmod(temporary, mode);
    await rename(temporary, file);
  } catch (error) {
    to.destroy();
    await rm(temporary, { force: true });
    throw error;
  }
}
