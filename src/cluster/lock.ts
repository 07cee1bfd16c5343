import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ScailfinError } from '../errors.js';
import { isAlive, type ProcessId, thisProcess } from './process.js';

interface Owner extends ProcessId {
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
  // the home directory may be shared, and the same pid be there on another machine
  const mine = join(dir, `lock.${hostname()}.${process.pid}`);
  const owner: Owner = { ...thisProcess(), command, since: new Date().toISOString() };
  writeFileSync(mine, JSON.stringify(owner), { mode: 0o600 });
  try {
    const other = take(file, mine);
    if (other) throw held(other, file);
    return () => release(file, owner);
  } finally {
    rmSync(mine, { force: true });
  }
}

/** Makes `file` a link to `mine`. @returns who has it, when that is a living process */
function take(file: string, mine: string): Owner | undefined {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      // link(2) fails when the name is taken, also on NFS, where O_EXCL once did not
      linkSync(mine, file);
      return undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const other = readOwner(file);
    if (other === undefined) continue;
    if (isAlive(other)) return other;
    // Of several that find it dead, one may replace it: who holds a lock named for this dead one. Without that, the
    // slower ones would remove the quickest one's lock, which by then has the same name.
    const turn = `${file}.${other.pid}-${other.started}`;
    const quicker = take(turn, mine);
    if (quicker) pause(10);
    else {
      try {
        if (sameOwner(readOwner(file), other)) {
          linkSync(mine, `${mine}.in`);
          renameSync(`${mine}.in`, file);
          return undefined;
        }
      } finally {
        rmSync(turn, { force: true });
      }
    }
  }
  throw new ScailfinError(`could not get the lock ${file}`, {
    hint: 'others are taking it at this moment: try again',
  });
}

function release(file: string, owner: Owner): void {
  if (sameOwner(readOwner(file), owner)) rmSync(file, { force: true });
}

const sameOwner = (a: Owner | undefined, b: Owner): boolean =>
  a?.pid === b.pid && a.started === b.started && a.host === b.host;

const pause = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

/** What a power failure emptied, or nobody of ours wrote, belongs to no living process. */
const NOBODY: Owner = { pid: 0, host: hostname(), started: 'unreadable', command: '', since: '' };

/** @returns undefined when there is no lock */
function readOwner(file: string): Owner | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  try {
    const owner = JSON.parse(text) as Partial<Owner> | null;
    return Number.isInteger(owner?.pid) && typeof owner?.host === 'string' ? { ...NOBODY, ...owner } : NOBODY;
  } catch {
    return NOBODY;
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
