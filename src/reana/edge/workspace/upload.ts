import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { lstat, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { spaceAt } from '../../space.js';
import { NoRoomError, WorkspaceError } from './errors.js';
import { inside, namesOf } from './inside.js';

/**
 * Puts what a stream holds under a path, over what was there, once all of it has come: a stream that breaks changes
 * nothing.
 * @param incoming a directory on the workspace's file system, for files that are not whole yet
 */
export async function upload(root: string, path: string, body: Readable, incoming: string): Promise<void> {
  const names = namesOf(path);
  const name = names.pop();
  if (name === undefined) throw new WorkspaceError('The file transferred needs to have name.');
  const part = join(incoming, randomUUID());
  try {
    // a request that we destroyed could not be answered any more, as when the disk is full
    const chunks = body.iterator({ destroyOnReturn: false });
    await pipeline(
      withRoom(chunks, incoming),
      createWriteStream(part, { flags: 'wx', mode: 0o644, highWaterMark: 1 << 20 }),
    );
    await inside(root, names, directory => put(part, `${directory}/${name}`, path), { create: true });
  } finally {
    await rm(part, { force: true });
  }
}

/** Between looks at the disk, in bytes: others write there, too. */
const lookEvery = 64 * 2 ** 20;

/** @throws WorkspaceError before the headnode's disk is full */
async function* withRoom(chunks: AsyncIterable<Buffer>, dir: string): AsyncGenerator<Buffer> {
  let left = 0;
  for await (const chunk of chunks) {
    left -= chunk.length;
    if (left < 0) {
      const { bytes } = await spaceAt(dir);
      if (bytes < chunk.length) throw new NoRoomError("The headnode's disk has no room for more files.");
      left = Math.min(lookEvery, bytes);
    }
    yield chunk;
  }
}

async function put(part: string, target: string, path: string): Promise<void> {
  const there = await lstat(target).catch(() => undefined);
  if (there?.isDirectory()) throw new WorkspaceError(`'${path}' is a directory`);
  await rename(part, target);
}
