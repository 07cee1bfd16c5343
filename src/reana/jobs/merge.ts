import { chmod, copyFile, type FileHandle, lstat, mkdir, readlink, rename, rm, rmdir, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ScailfinError } from '../../errors.js';
import { inLine } from '../../printable.js';
import type { Claims } from '../space.js';
import { makeReadable, removeTree } from '../tree.js';
import type { Hashes } from './hashes.js';
import { type Item, ifMissing, itemAt, itemIn, survey, wayName } from './manifest.js';
import { unpack } from './unpack.js';

/** The data that a step returned. */
export interface Returned {
  readonly workspace: string;
  /** The workspace as the step got it, in the order of its paths' bytes. */
  readonly before: readonly Item[];
  /** `changed.tar`: new and changed files, with paths relative to the workspace. */
  readonly archive: FileHandle;
  /** A directory for unpacking, to which nobody else writes; it is made and removed. */
  readonly staged: string;
  readonly deleted: readonly string[];
  /** Who last wrote a file, for the name of a file that is kept. */
  readonly writers: Map<string, string>;
  /** The step's name. */
  readonly name: string;
  readonly hashes: Hashes;
  /** Reservations on the disk on which it is unpacked. */
  readonly claims: Claims;
  /** Bytes of disk that the step asked for, if it did. */
  readonly asked?: number | undefined;
  /** Told what is in the archive, once it is in the workspace. */
  readonly onBrought?: ((items: readonly Item[]) => void) | undefined;
}

/**
 * Merges a step's output into its run's workspace; each file is replaced at once. Repeating it changes nothing. A file
 * that another step changed meanwhile is kept beside the new one.
 * @returns notes for the user, one per line
 * @throws ScailfinError for an archive that can't be read, and for a path that leads out of the workspace
 */
export async function merge(returned: Returned): Promise<string[]> {
  const { staged } = returned;
  await removeTree(staged);
  await mkdir(staged, { mode: 0o700 });
  let done = (): void => {};
  try {
    done = await unpack(returned.archive, staged, returned.claims, returned.asked);
    const items = await survey(staged, returned.hashes).catch(async error => {
      if (error.code !== 'EACCES') throw error;
      await makeReadable(staged);
      return survey(staged, returned.hashes);
    });
    const notes: string[] = [];
    // the content of a directory is removed before the directory
    for (const path of [...returned.deleted].sort().reverse()) notes.push(...(await remove(returned, path)));
    for (const item of items) notes.push(...(await bring(returned, staged, item)));
    returned.onBrought?.(items);
    return notes;
  } finally {
    done();
    await removeTree(staged);
  }
}

async function bring(r: Returned, staged: string, item: Item): Promise<string[]> {
  await checkParents(r.workspace, item.path, true);
  const target = join(r.workspace, item.path);
  const now = await itemAt(r.workspace, item.path, r.hashes);
  if (item.kind === 'd') return makeDirectory(r, target, item, now, itemIn(r.before, item.path));
  if (now && isSame(now, item)) {
    if (now.kind === 'f' && now.mode !== modeOf(item)) await chmod(target, modeOf(item));
    return [];
  }
  // a directory in this place contains files of others, unless it is empty
  const isGone = now?.kind === 'd' && (await rmdir(target).then(...yesNo));
  const notes =
    !isGone && (now?.kind === 'd' || isChanged(now, itemIn(r.before, item.path))) ? await keep(r, item.path) : [];
  const from = join(staged, item.path);
  await place(target, async temporary => {
    if (item.kind === 'l') return symlink(await readlink(from, 'buffer'), temporary);
    await rename(from, temporary).catch(async error => {
      if (error.code !== 'EXDEV') throw error;
      await copyFile(from, temporary);
    });
    await chmod(temporary, modeOf(item));
  });
  r.writers.set(item.path, r.name);
  return notes;
}

async function makeDirectory(
  r: Returned,
  target: string,
  item: Item,
  now: Item | undefined,
  before: Item | undefined,
): Promise<string[]> {
  if (now?.kind === 'd') return [];
  const notes = isChanged(now, before) ? await keep(r, item.path) : [];
  await rm(target, { force: true });
  await place(target, async temporary => {
    await mkdir(temporary, { mode: 0o700 });
    // the process's umask has no say in what the step made
    await chmod(temporary, modeOf(item) | 0o700);
  });
  return notes;
}

/** Makes something under a name that nobody knows, on the workspace's file system, then moves it to its own at once. */
async function place(target: string, make: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = join(dirname(target), wayName());
  try {
    await make(temporary);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

async function remove(r: Returned, path: string): Promise<string[]> {
  if (!(await checkParents(r.workspace, path, false))) return [];
  const now = await itemAt(r.workspace, path, r.hashes);
  if (!now) return [];
  if (isChanged(now, itemIn(r.before, path)))
    return [`${inLine(path)} was removed by ${inLine(r.name)}, but changed meanwhile: it is kept`];
  // a directory that others filled meanwhile stays
  if (now.kind === 'd') await rmdir(join(r.workspace, path)).catch(() => undefined);
  else await rm(join(r.workspace, path), { force: true });
  return [];
}

/** Renames a file that another step has written meanwhile. */
async function keep(r: Returned, path: string): Promise<string[]> {
  const base = `${cut(path)}.~${cut(inLine(r.writers.get(path) ?? 'earlier', 60).replaceAll('/', '_'), 60)}~`;
  let kept = base;
  for (let n = 2; await lstat(join(r.workspace, kept)).catch(ifMissing); n++) kept = `${base}${n}`;
  await rename(join(r.workspace, path), join(r.workspace, kept));
  const [what, who, where] = [path, r.name, kept].map(text => inLine(text)) as [string, string, string];
  return [`${what} was changed by another step while ${who} ran: what was there is kept as ${where}`];
}

/** Shortens the last name of a path, so that more can be appended: a name has at most 255 bytes. */
function cut(path: string, most = 180): string {
  let name = basename(path);
  while (Buffer.byteLength(name) > most) name = [...name].slice(0, -1).join('');
  return join(dirname(path), name);
}

/** Without set-user and set-group bits, and readable for the edge itself. */
const modeOf = ({ mode }: Item): number => (mode & 0o777) | 0o400;

const yesNo = [() => true, () => false] as const;

const isSame = (one: Item, other: Item): boolean => one.kind === other.kind && one.sha256 === other.sha256;

const isChanged = (now: Item | undefined, before: Item | undefined): boolean =>
  now !== undefined && (before === undefined || !isSame(now, before));

/**
 * Checks that no part of the path is a link, which could lead out of the workspace.
 * @param create makes missing directories
 * @returns whether all directories exist
 */
async function checkParents(workspace: string, path: string, create: boolean): Promise<boolean> {
  const parts = path.split('/');
  if (path.startsWith('/') || parts.some(part => part === '..' || part === '.' || part === '' || part.includes('\0'))) {
    throw new ScailfinError(`it returned a file outside of its workspace: ${inLine(path)}`);
  }
  let at = workspace;
  for (const part of parts.slice(0, -1)) {
    at = join(at, part);
    const stats = await lstat(at).catch(ifMissing);
    if (!stats && !create) return false;
    if (!stats) await mkdir(at);
    else if (!stats.isDirectory())
      throw new ScailfinError(`it returned ${inLine(path)}, but ${inLine(part)} is no directory there`);
  }
  return true;
}
