import { execFile } from 'node:child_process';
import { lstat, readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ScailfinError } from '../errors.js';
import { inLine } from '../printable.js';

/**
 * Removes a directory with everything in it, even if a step has made it read-only; links are removed, not followed.
 * @param keep names in the directory that stay, and the directory with them
 */
export async function removeTree(dir: string, keep: readonly string[] = []): Promise<void> {
  if (keep.length === 0) return removeAll(dir);
  const names = await readdir(dir).catch(() => [] as string[]);
  for (const name of names) if (!keep.includes(name)) await removeAll(join(dir, name));
}

/** Done by another program, because Node.js would have a million names in its memory at once. */
async function removeAll(path: string): Promise<void> {
  const isThere = await lstat(path).then(
    () => true,
    () => false,
  );
  // usually it is empty
  if (!isThere || (await rmdir(path).then(...yesNo))) return;
  if (await run(['rm', '-rf', '--', path]).then(...yesNo)) return;
  await makeReadable(path);
  await run(['rm', '-rf', '--', path]);
}

const yesNo = [() => true, () => false] as const;

/** Makes directories accessible and files readable for us; changes nothing else, and follows no link. */
export async function makeReadable(dir: string): Promise<void> {
  const directories = ['-type', 'd', '!', '-perm', '-700', '-exec', 'chmod', 'u+rwx', '{}', ';'];
  const files = ['-type', 'f', '!', '-perm', '-400', '-exec', 'chmod', 'u+r', '{}', '+'];
  // a directory is changed before find enters it
  await run(['find', '-P', dir, '(', ...directories, ')', '-o', '(', ...files, ')']);
}

function run([program, ...args]: readonly [string, ...string[]]): Promise<void> {
  const options = { env: { PATH: process.env.PATH, LC_ALL: 'C' }, maxBuffer: 1 << 24 };
  return new Promise((resolve, reject) => {
    execFile(program, args, options, (error, _, stderr) => {
      if (!error) return resolve();
      // "rm: cannot remove '/home/…': why"
      const why = stderr.trim().split('\n').at(-1)?.split(': ').at(-1) ?? '';
      reject(new ScailfinError(`files could not be removed or read: ${inLine(why)}`));
    });
  });
}
