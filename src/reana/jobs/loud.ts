import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { spaceAt } from '../space.js';
import { jobDir } from './places.js';

/** How much a step may print, in bytes; HTCondor writes all of it to disk as long as there is room. */
export const MOST_PRINTED = 2 ** 30;

export interface Loud {
  readonly id: string;
  /** Why it must not continue, in one sentence. */
  readonly reason: string;
}

/** Steps that print without end; if the headnode's disk is full, the step that has printed most. */
export async function loudOf(dir: string, ids: readonly string[], most = MOST_PRINTED): Promise<Loud[]> {
  const printed: { id: string; bytes: number }[] = [];
  for (const id of ids) printed.push({ id, bytes: await printedBy(dir, id) });
  const loud = printed.filter(({ bytes }) => bytes > most);
  if (loud.length > 0) return loud.map(({ id }) => ({ id, reason: `it printed more than ${mib(most)} MiB` }));
  const [loudest] = printed.sort((a, b) => b.bytes - a.bytes);
  if (!loudest || loudest.bytes < most / 1024 || (await spaceAt(dir)).bytes > 0) return [];
  const reason = `the headnode's disk is full, and of all steps it had printed most (${mib(loudest.bytes)} MiB)`;
  return [{ id: loudest.id, reason }];
}

async function printedBy(dir: string, id: string): Promise<number> {
  const sizes = ['out', 'err'].map(async name => {
    const stats = await lstat(join(jobDir(dir, id), name)).catch(() => undefined);
    return stats?.isFile() ? stats.size : 0;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

const mib = (bytes: number): number => Math.ceil(bytes / 2 ** 20);
