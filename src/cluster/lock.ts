import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ScailfinError } from '../errors.js';

interface Owner {
  readonly pid: number;
  readonly host: string;
  /** Start time of the process in clock ticks (proc(5), stat field 22): a pid alone may be another process by now. */
  readonly started: string;
  readonly command: string;
  readonly since: string;
}

/**
 * Lets one process at a time change a cluster. A lock whose process is dead is taken over.
 * @returns what releases it
 * @throws ScailfinError naming the process that holds it
 */
export function lock(dir: string, command: string): () => void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const file = join(dir, 'lock');
  const mine = join(dir, `lock.${process.pid}`);
  const owner: Owner = {
    pid: process.pid,
    host: hostname(),
    started: startOf(process.pid),
    command,
    since: new Date().toISOString(),
  };
  writeFileSync(mine, JSON.stringify(owner), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        // link(2) fails when the name is taken, also on NFS, where O_EXCL once did not
        linkSync(mine, file);
        return () => release(file, owner);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const other = readOwner(file);
      if (other && alive(other)) throw held(other, file);
      // of several that find it dead, only one can rename it away
      try {
        renameSync(file, `${mine}.dead`);
        rmSync(`${mine}.dead`, { force: true });
      } catch {
        // another was quicker
      }
    }
    const other = readOwner(file);
    throw other ? held(other, file) : new ScailfinError(`could not get the lock ${file}`);
  } finally {
    rmSync(mine, { force: true });
  }
}

function release(file: string, owner: Owner): void {
  const now = readOwner(file);
  if (now?.pid === owner.pid && now.started === owner.started) rmSync(file, { force: true });
}

function readOwner(file: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Owner;
  } catch {
    return undefined;
  }
}

function alive(owner: Owner): boolean {
  // a home directory shared between machines: nobody here can tell whether that process lives
  if (owner.host !== hostname()) return true;
  const now = startOf(owner.pid);
  return now !== '' && now === owner.started;
}

function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return existsPid(pid) ? 'alive' : '';
  }
}

function existsPid(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function held(owner: Owner, file: string): ScailfinError {
  const away = owner.host === hostname() ? '' : ` on ${owner.host}`;
  return new ScailfinError(
    `"${owner.command}" is at work on this cluster since ${owner.since} (process ${owner.pid}${away})`,
    {
      hint: away
        ? `wait for it; if ${owner.host} is no longer there, remove ${file}`
        : 'wait for it, or end it with Ctrl-C where it runs',
    },
  );
}
