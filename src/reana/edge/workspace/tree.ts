import { chmod, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Removes a directory and all in it, also what a step has made read-only; links are removed, not followed.
 * @param keep names in the directory that stay, and the directory with them
 */
export async function removeTree(dir: string, keep: readonly string[] = []): Promise<void> {
  if (keep.length === 0) return removeAll(dir);
  const names = await readdir(dir).catch(() => [] as string[]);
  for (const name of names) if (!keep.includes(name)) await removeAll(join(dir, name));
}

async function removeAll(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes((error as { code?: string }).code ?? '')) throw error;
    await makeWritable(path);
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function makeWritable(dir: string): Promise<void> {
  await chmod(dir, 0o700);
  const entries = await readdir(dir, { withFileTypes: true });
  for (const entry of entries) if (entry.isDirectory()) await makeWritable(join(dir, entry.name));
}
