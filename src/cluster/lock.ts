import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { plainly, ScailfinError } from '../errors.js';
import type { Journal } from './journal.js';
import { isAlive, type ProcessId, ranHere, thisProcess } from './process.js';

interface Owner extends ProcessId {
  readonly command: string;
  readonly since: string;
  /** It has done its work, and waits for what the site does. */
  readonly waits?: boolean;
}

/** Who changes a cluster, and who changes a part of it that a command which waits does not touch. */
const files = { all: 'lock', part: 'lock.part' } as const;

/**
 * Lets only one process at a time change a cluster. A lock whose process is dead is taken over.
 * @returns a function that releases it
 * @throws ScailfinError naming the process that holds it, or if the directory can't be written
 */
export function lock(dir: string, command: string, what: keyof typeof files = 'all'): () => void {
  const file = join(dir, files[what]);
  // the home directory may be shared, and another machine may have the same pid
  const mine = `${file}.${hostname()}.${process.pid}`;
  const owner: Owner = { ...thisProcess(), command, since: new Date().toISOString() };
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    writeFileSync(mine, JSON.stringify(owner), { mode: 0o600 });
  } catch (error) {
    rmSync(mine, { force: true });
    throw new ScailfinError(`the cluster's directory ${dir} can't be written: ${plainly(error)}`, {
      hint: 'make room there (`df -h`), or make it writable; then run the same command again',
    });
  }
  try {
    const other = take(file, mine);
    if (other) throw held(other, file);
    return () => release(file, owner);
  } finally {
    rmSync(mine, { force: true });
  }
}

/**
 * Says that this process, which holds the lock, only waits from now on. Glide-ins may wait in a queue for days, and meanwhile proxies
 * end, and people want to share the cluster.
 */
export const onlyWaits = (dir: string): void => mark(dir, true);

/** Writes into the lock, if this process holds it, whether it only waits. */
function mark(dir: string, waits: boolean): void {
  const file = join(dir, files.all);
  const owner = readOwner(file);
  if (owner === undefined || !sameOwner(owner, { ...owner, ...thisProcess() })) return;
  const mine = `${file}.${hostname()}.${process.pid}`;
  try {
    writeFileSync(mine, JSON.stringify({ ...owner, waits }), { mode: 0o600 });
    renameSync(mine, file);
  } catch {
    // then it stays as it was: others are refused, or wait for the part
    rmSync(mine, { force: true });
  }
}

/**
 * The opposite of `onlyWaits`: this process changes the cluster once more. What others changed meanwhile is read.
 * @returns a function after which it only waits again
 * @throws ScailfinError naming the command that changes a part of the cluster at this moment
 */
export function worksAgain(journal: Journal, verb: string): () => void {
  const releasePart = lock(journal.dir, `scailfin ${verb} ${journal.name}`, 'part');
  return reloaded(
    journal,
    () => {
      onlyWaits(journal.dir);
      releasePart();
    },
    () => mark(journal.dir, false),
  );
}

/**
 * Lets one process alone change all of a cluster, whose journal is then read again: another command may have changed it since, for example
 * while the user was asked a question.
 */
export function lockCluster(journal: Journal, verb: string): () => void {
  const command = `scailfin ${verb} ${journal.name}`;
  return reloaded(journal, lock(journal.dir, command), () => {
    // whoever has a part now began beside a command that waited
    lock(journal.dir, command, 'part')();
  });
}

/**
 * The same for a command that changes nothing of which a waiting command knows, such as a proxy: it need not wait for that one. Nobody else
 * may begin meanwhile: a cluster that is taken down would get a file back.
 */
export function lockPart(journal: Journal, verb: string): () => void {
  const command = `scailfin ${verb} ${journal.name}`;
  const releases = [lock(journal.dir, command, 'part')];
  const release = (): void => {
    for (const each of releases.splice(0)) each();
  };
  return reloaded(journal, release, () => {
    const owner = readOwner(join(journal.dir, files.all));
    if (!owner?.waits || !isAlive(owner)) releases.unshift(lock(journal.dir, command));
  });
}

function reloaded(journal: Journal, release: () => void, check: () => void): () => void {
  try {
    check();
    journal.reload();
    return release;
  } catch (error) {
    release();
    throw error;
  }
}

/** Makes `file` a link to `mine`. @returns the owner, if it is a living process */
function take(file: string, mine: string): Owner | undefined {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      // link(2) fails if the name exists, also on NFS, where O_EXCL once did not work
      linkSync(mine, file);
      return undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const other = readOwner(file);
    if (other === undefined) continue;
    if (isAlive(other)) return other;
    // Several processes may find it dead, but only one may replace it: the one that holds a lock named after this dead
    // process. Otherwise a slower one would remove the lock of the quickest one, which has the same name by then.
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
    hint: 'another process is taking it at this moment: try again',
  });
}

function release(file: string, owner: Owner): void {
  if (sameOwner(readOwner(file), owner)) rmSync(file, { force: true });
}

const sameOwner = (a: Owner | undefined, b: Owner): boolean =>
  a?.pid === b.pid && a.started === b.started && a.host === b.host;

const pause = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

const UNREADABLE = { started: 'unreadable', command: '', since: '' };

/** A lock that a power failure emptied, or that scailfin did not write, belongs to no living process. */
const nobody = (): Owner => ({ ...thisProcess(), pid: 0, ...UNREADABLE });

/** @returns undefined if there is no lock */
function readOwner(file: string): Owner | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  try {
    const owner = JSON.parse(text) as Partial<Owner> | null;
    if (!Number.isInteger(owner?.pid) || typeof owner?.host !== 'string') return nobody();
    return { ...UNREADABLE, ...(owner as Pick<Owner, 'pid' | 'host'>) };
  } catch {
    return nobody();
  }
}

function held(owner: Owner, file: string): ScailfinError {
  const away = ranHere(owner) ? '' : ` on ${owner.host}`;
  return new ScailfinError(
    `"${owner.command}" has been working on this cluster since ${owner.since} (process ${owner.pid}${away})`,
    {
      hint: away
        ? `wait for it; if ${owner.host} no longer exists, remove ${file}`
        : 'wait until it ends, or end it with Ctrl-C in its terminal',
    },
  );
}
