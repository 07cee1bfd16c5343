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
 * Writes a stream to a path, over what was there, once all of it has arrived: a stream that breaks changes nothing.
 * @param incoming a directory on the workspace's file system, for incomplete files
 * @param most how many bytes its owner may still add
 * @throws NoRoomError, WorkspaceError
 */
export async function upload(
  root: string,
  path: string,
  body: Readable,
  incoming: string,
  most = Number.POSITIVE_INFINITY,
): Promise<void> {
  const names = namesOf(path);
  const name = names.pop();
  if (name === undefined) throw new WorkspaceError('The file transferred needs to have name.');
  const part = join(incoming, randomUUID());
  try {
    // if we destroyed the request, it could not be answered any more, for example when the disk is full
    const chunks = body.iterator({ destroyOnReturn: false });
    await pipeline(
      withRoom(chunks, incoming, most),
      createWriteStream(part, { flags: 'wx', mode: 0o644, highWaterMark: 1 << 20 }),
    );
    await inside(root, names, directory => put(part, `${directory}/${name}`, path), { create: true });
  } finally {
    await rm(part, { force: true });
  }
}

/** How many bytes are written between two checks of the free space: others write to the disk, too. */
const lookEvery = 64 * 2 ** 20;

/** @throws WorkspaceError before the headnode's disk is full */
async function* withRoom(chunks: AsyncIterable<Buffer>, dir: string, most: number): AsyncGenerator<Buffer> {
  let left = 0;
  let allowed = most;
  for await (const chunk of chunks) {
    allowed -= chunk.length;
    if (allowed < 0) throw new NoRoomError('User quota exceeded: delete files or runs first.');
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
