import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, copyFile, lstat, mkdir, readlink, rename, rm, rmdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ScailfinError } from '../../errors.js';
import type { Hashes } from './hashes.js';
import { type Item, ifMissing, itemAt, survey } from './manifest.js';

/** What a step brought back. */
export interface Returned {
  readonly workspace: string;
  /** The workspace as the step got it. */
  readonly before: readonly Item[];
  /** `changed.tar`: what is new or changed, by paths relative to the workspace. */
  readonly archive: string;
  /** A directory to unpack it in, which nobody else writes to; made, and removed. */
  readonly staged: string;
  readonly deleted: readonly string[];
  /** Who last wrote a file, for the name of what it left. */
  readonly writers: Map<string, string>;
  /** The step's name. */
  readonly name: string;
  readonly hashes: Hashes;
}

/**
 * Brings what a step made into its run's workspace, a file at a time and each at once; done again it changes nothing.
 * A file that another step changed meanwhile is kept beside the new one.
 * @returns what a person should know of it, a line each
 * @throws ScailfinError for an archive that can't be read, and for a path that leads out of the workspace
 */
export async function merge(returned: Returned): Promise<string[]> {
  const { staged } = returned;
  await rm(staged, { recursive: true, force: true });
  await mkdir(staged, { mode: 0o700 });
  try {
    await unpack(returned.archive, staged);
    const items = await survey(staged, returned.hashes);
    const before = new Map(returned.before.map(item => [item.path, item]));
    const notes: string[] = [];
    // what is in a directory goes before it
    for (const path of [...returned.deleted].sort().reverse()) notes.push(...(await remove(returned, before, path)));
    for (const item of items) notes.push(...(await bring(returned, before, staged, item)));
    return notes;
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
}

async function unpack(archive: string, into: string): Promise<void> {
  const args = ['--extract', '--file', archive, '--directory', into, '--no-same-owner', '--delay-directory-restore'];
  await promisify(execFile)('tar', args, { env: { ...process.env, LC_ALL: 'C' } }).catch(error => {
    throw new ScailfinError(`what it returned can't be unpacked: ${String(error.stderr || error.message).trim()}`);
  });
}

async function bring(r: Returned, before: Map<string, Item>, staged: string, item: Item): Promise<string[]> {
  await checkParents(r.workspace, item.path);
  const target = join(r.workspace, item.path);
  const now = await itemAt(r.workspace, item.path, r.hashes);
  if (item.kind === 'd') return makeDirectory(r, target, item, now, before.get(item.path));
  if (now && isSame(now, item)) {
    if (now.kind === 'f' && now.mode !== item.mode) await chmod(target, item.mode);
    return [];
  }
  // a directory that is in the way holds what others made, unless it is empty
  const isGone = now?.kind === 'd' && (await rmdir(target).then(...yesNo));
  const notes = !isGone && (now?.kind === 'd' || isChanged(now, before.get(item.path))) ? await keep(r, item.path) : [];
  await place(join(staged, item.path), target, item);
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
  await mkdir(target, { mode: item.mode | 0o700 });
  return notes;
}

/** On the workspace's file system first, then in one move to its name. */
async function place(from: string, target: string, item: Item): Promise<void> {
  const temporary = join(dirname(target), `.scailfin-${randomUUID()}`);
  try {
    if (item.kind === 'l') await symlink(await readlink(from, 'buffer'), temporary);
    else {
      await rename(from, temporary).catch(async error => {
        if (error.code !== 'EXDEV') throw error;
        await copyFile(from, temporary);
      });
      await chmod(temporary, item.mode);
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function remove(r: Returned, before: Map<string, Item>, path: string): Promise<string[]> {
  await checkParents(r.workspace, path);
  const now = await itemAt(r.workspace, path, r.hashes);
  if (!now) return [];
  if (isChanged(now, before.get(path))) return [`${path} was removed by ${r.name}, but changed meanwhile: it is kept`];
  // a directory which others filled meanwhile stays
  if (now.kind === 'd') await rmdir(join(r.workspace, path)).catch(() => undefined);
  else await rm(join(r.workspace, path), { force: true });
  return [];
}

/** Moves away what another one wrote since. */
async function keep(r: Returned, path: string): Promise<string[]> {
  const base = `${path}.~${(r.writers.get(path) ?? 'earlier').replaceAll('/', '_')}~`;
  let kept = base;
  for (let n = 2; await lstat(join(r.workspace, kept)).catch(ifMissing); n++) kept = `${base}${n}`;
  await rename(join(r.workspace, path), join(r.workspace, kept));
  return [`${path} was changed by another step while ${r.name} ran: what was there is kept as ${kept}`];
}

const yesNo = [() => true, () => false] as const;

const isSame = (one: Item, other: Item): boolean => one.kind === other.kind && one.sha256 === other.sha256;

const isChanged = (now: Item | undefined, before: Item | undefined): boolean =>
  now !== undefined && (before === undefined || !isSame(now, before));

/** No part of the way may be a link: it could lead out of the workspace. */
async function checkParents(workspace: string, path: string): Promise<void> {
  const parts = path.split('/');
  if (path.startsWith('/') || parts.some(part => part === '..' || part === '.' || part === '')) {
    throw new ScailfinError(`it returned a file outside of its workspace: ${path}`);
  }
  let at = workspace;
  for (const part of parts.slice(0, -1)) {
    at = join(at, part);
    const stats = await lstat(at).catch(ifMissing);
    if (!stats) await mkdir(at);
    else if (!stats.isDirectory()) throw new ScailfinError(`it returned ${path}, but ${part} is no directory there`);
  }
}
