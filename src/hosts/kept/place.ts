import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, type Stats } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { AuthError, messageOf } from '../../errors.js';
import { quote } from '../../shell.js';
import type { SshSettings } from '../sshconfig.js';

/** The keeper's description of itself, in a file beside its socket. */
export interface KeptFile {
  /** For messages: `alice@login.example.org`. */
  readonly name: string;
  readonly pid: number;
  /** The key that the keeper shows on its socket, as in a known_hosts line: `ecdsa-sha2-nistp256 AAAA…`. */
  readonly hostKey: string;
  /** The person was asked something at this login, so nobody but a person can repeat it. */
  readonly asked?: boolean;
}

/** The subsystem for queries to the keeper itself: it answers one word with one JSON line. */
export const control = 'keeper@scailfin';

export interface KeptState {
  readonly name: string;
  readonly pid: number;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** Seconds without use after which it ends. */
  readonly idleLimit: number;
  /** Seconds until it ends, if nobody uses it. */
  readonly secondsLeft: number;
  /** Number of commands that use it now. */
  readonly clients: number;
  /** See `KeptFile`; absent if nothing was asked. */
  readonly asked?: true;
}

/** The paths of the socket and the file of one kept login. */
export interface Place {
  readonly socket: string;
  readonly file: string;
}

/**
 * The directory of sockets. It belongs to this machine (home directories are shared between machines, sockets are not),
 * its path is short (a socket's path has at most 107 bytes, unix(7)), and only this user has access.
 * @throws AuthError if another user could have made it, or can look into it
 */
export function keptDir(): string {
  const { uid } = userInfo();
  const runtime = [process.env.XDG_RUNTIME_DIR ?? '', `/run/user/${uid}`].find(dir => isOurs(look(dir), uid));
  const dir = runtime ? join(runtime, 'scailfin') : join(tmpdir(), `scailfin-${uid}`);
  const found = look(dir);
  if (!found || isOurs(found, uid)) return dir;
  throw new AuthError(`${dir} is not used for kept logins: it is not yours alone`, { hint: `ls -ld ${quote(dir)}` });
}

/** Makes the directory, when a login is about to be kept. @throws AuthError */
export function makeKeptDir(): void {
  const dir = keptDir();
  try {
    mkdirSync(dir, { mode: 0o700, recursive: true });
  } catch (error) {
    throw new AuthError(`kept logins have no place: ${messageOf(error)}`, { hint: `make ${dirname(dir)} writable` });
  }
  keptDir(); // another process may have been quicker
}

const look = (dir: string): Stats | undefined =>
  dir.startsWith('/') ? lstatSync(dir, { throwIfNoEntry: false }) : undefined;

const isOurs = (stats: Stats | undefined, uid: number): boolean =>
  stats?.isDirectory() === true && stats.uid === uid && (stats.mode & 0o077) === 0;

/**
 * A login is identified by the user and by the way to the host: a private address behind another jump host is another
 * host.
 */
export function placeOf(way: readonly SshSettings[]): Place {
  const text = way
    .map(({ user, host, port, proxyCommand }) => `${user}@${host}:${port}${proxyCommand ? ` by ${proxyCommand}` : ''}`)
    .join(' ');
  return placeIn(keptDir(), createHash('sha256').update(text).digest('hex').slice(0, 12));
}

/** All places that have a file, whether the keeper is alive or not. */
export function allPlaces(): Place[] {
  const dir = keptDir();
  if (!existsSync(dir)) return [];
  return readdirSync(dir).flatMap(name => (name.endsWith('.json') ? [placeIn(dir, name.slice(0, -5))] : []));
}

const placeIn = (dir: string, key: string): Place => ({
  socket: join(dir, `${key}.sock`),
  file: join(dir, `${key}.json`),
});

/** Undefined if nothing is kept. */
export function readKept(place: Place): KeptFile | undefined {
  if (!existsSync(place.file)) return undefined;
  try {
    return JSON.parse(readFileSync(place.file, 'utf8')) as KeptFile;
  } catch {
    return undefined; // it was removed, or its keeper died while writing
  }
}

export function clear(place: Place): void {
  for (const path of [place.socket, place.file]) rmSync(path, { force: true });
  try {
    rmdirSync(dirname(place.file));
  } catch {
    // the directory has other logins, or is gone
  }
}
