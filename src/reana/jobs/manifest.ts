import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { type BigIntStats, constants, lstat } from 'node:fs';
import { open, readdir, readlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { ScailfinError } from '../../errors.js';
import { base64 } from '../../text.js';
import type { Hashes } from './hashes.js';

/** Files below this size come with the job; a node fetches larger ones if it does not have them yet; bytes. */
const SMALL = 64 * 1024;
const SMALL_TOGETHER = 16 * 1024 * 1024;
/** A node sees by this file that it shares the headnode's file system; it is not part of the run's files. */
export const PROBE = '.scailfin-probe';

/** The name of something that is on its way to its own name: it is gone a moment later, and no file of the run. */
export const wayName = (): string => `.scailfin-${randomUUID()}`;
const ON_ITS_WAY = /^\.scailfin-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** One entry in a workspace, with a relative path. */
export interface Item {
  readonly path: string;
  readonly kind: 'f' | 'd' | 'l';
  /** Of a file's content or of a link's target; `-` for a directory. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  readonly mode: number;
}

/** The name and content of the probe file; undefined if the workspace can't be written to. */
export type Probe = string | undefined;

/** How many files are looked at together. */
const TOGETHER = 64;

/** All that is in a workspace, in the order of its paths' bytes; special files are left out. */
export async function survey(workspace: string, hashes: Hashes): Promise<Item[]> {
  const items: Item[] = [];
  const visit = async (dir: string): Promise<void> => {
    const names = (await readdir(join(workspace, dir))).filter(name => !ON_ITS_WAY.test(name));
    const paths = names.map(name => (dir === '' ? name : `${dir}/${name}`)).filter(path => path !== PROBE);
    for (let from = 0; from < paths.length; from += TOGETHER) {
      const found = await itemsAt(workspace, paths.slice(from, from + TOGETHER), hashes);
      for (const { path, item } of found) {
        if (!item && basename(path).includes('\ufffd')) throw new ScailfinError(`a file's name is not UTF-8: ${path}`);
        if (item) items.push(item);
      }
      for (const { path, item } of found) if (item?.kind === 'd') await visit(path);
    }
  };
  await visit('');
  return items.sort((a, b) => inBytes(a.path, b.path));
}

/** The entry of that path, in a list in the order of its paths' bytes. */
export function itemIn(items: readonly Item[], path: string): Item | undefined {
  let [from, to] = [0, items.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    const item = items[middle] as Item;
    const order = inBytes(item.path, path);
    if (order === 0) return item;
    if (order < 0) from = middle + 1;
    else to = middle;
  }
  return undefined;
}

/** @returns undefined for what does not exist, and for sockets, devices and pipes */
export async function itemAt(workspace: string, path: string, hashes: Hashes): Promise<Item | undefined> {
  return (await itemsAt(workspace, [path], hashes))[0]?.item;
}

/** The same for some paths together: of files that have not changed, a promise for each would cost more than the look itself. */
async function itemsAt(workspace: string, paths: readonly string[], hashes: Hashes) {
  const full = (path: string): string => `${workspace}/${path}`;
  const all = await attributes(paths.map(full));
  const found = paths.map((path, n) => ({ path, stats: all[n], item: all[n] && known(path, all[n], hashes) }));
  const others = found.filter(({ stats, item }) => stats && !item);
  await Promise.all(
    others.map(async each => {
      each.item = await read(full(each.path), each.path, each.stats as BigIntStats, hashes);
    }),
  );
  return found;
}

/** lstat(2) of each; undefined for those that do not exist. */
function attributes(paths: readonly string[]): Promise<(BigIntStats | undefined)[]> {
  const all: (BigIntStats | undefined)[] = [];
  return new Promise((resolve, reject) => {
    let left = paths.length;
    if (left === 0) resolve(all);
    for (const [n, path] of paths.entries()) {
      lstat(path, { bigint: true }, (error, stats) => {
        all[n] = error ? undefined : stats;
        if (error && !isMissing(error)) reject(error);
        if (--left === 0) resolve(all);
      });
    }
  });
}

const entry = (path: string, { size, mode }: BigIntStats) => ({
  ...{ path, size: Number(size), mode: Number(mode) & 0o7777 },
});

/** A directory, or a file whose hash is known. */
function known(path: string, stats: BigIntStats, hashes: Hashes): Item | undefined {
  if (stats.isDirectory()) return { ...entry(path, stats), kind: 'd', sha256: '-', size: 0 };
  const hash = stats.isFile() ? hashes.known(stats) : undefined;
  return hash === undefined ? undefined : { ...entry(path, stats), kind: 'f', sha256: hash };
}

/** A link, or a file that must be read. */
async function read(full: string, path: string, stats: BigIntStats, hashes: Hashes): Promise<Item | undefined> {
  if (stats.isSymbolicLink()) {
    const to = await readlink(full, 'buffer').catch(ifMissing);
    return to && { ...entry(path, stats), kind: 'l', sha256: sha256(to) };
  }
  if (!stats.isFile()) return undefined;
  const hash = await hashes.of(full, stats).catch(ifMissing);
  return hash === undefined ? undefined : { ...entry(path, stats), kind: 'f', sha256: hash };
}

/**
 * One line per entry: `SHA256 SIZE MODE KIND PATH`, the mode in octal, the path in base64; the first line is `probe NAME
 * NONCE` (`probe - -` if there is none).
 */
export function manifestText(items: readonly Item[], probe: Probe): string {
  const lines = items.map(i => `${i.sha256} ${i.size} ${i.mode.toString(8)} ${i.kind} ${base64(i.path)}`);
  return [`probe ${probe === undefined ? '- -' : `${PROBE} ${probe}`}`, ...lines, ''].join('\n');
}

export function parseManifest(text: string): Item[] {
  return text.split('\n').flatMap(line => {
    const [hash, size, mode, kind, path] = line.split(' ');
    if (hash === undefined || path === undefined || (kind !== 'f' && kind !== 'd' && kind !== 'l')) return [];
    const name = Buffer.from(path, 'base64').toString();
    return [{ path: name, kind, sha256: hash, size: Number(size), mode: Number.parseInt(mode ?? '', 8) }];
  });
}

/** Links and small files, up to a total size. */
export function smallOf(items: readonly Item[]): Item[] {
  let together = 0;
  return items.filter(item => {
    if (item.kind === 'l') return true;
    if (item.kind !== 'f' || item.size >= SMALL || together + item.size > SMALL_TOGETHER) return false;
    together += item.size;
    return true;
  });
}

/** Writes an archive of some entries of a workspace. @throws ScailfinError with tar's own error */
export async function pack(workspace: string, items: readonly Item[], archive: string): Promise<void> {
  const list = `${archive}.list`;
  await writeFile(list, items.map(item => `./${item.path}\0`).join(''));
  const options = ['--create', '--file', archive, '--directory', workspace, '--no-recursion', '--null'];
  const args = [...options, `--files-from=${list}`];
  await promisify(execFile)('tar', args, { env: { ...process.env, LC_ALL: 'C' } }).catch(error => {
    // 1: a file changed while it was read; the node notices this by its hash
    if (error.code === 1) return;
    throw new ScailfinError(`the run's files could not be packed: ${String(error.stderr || error.message).trim()}`);
  });
}

/** The content of the workspace's probe file, which is made if it does not exist. */
export async function probeOf(workspace: string): Promise<Probe> {
  // a step may have put a link to one of the user's files there, or a pipe
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(join(workspace, PROBE), flags, 0o600).catch(() => undefined);
  if (!file) return undefined;
  try {
    const stats = await file.stat();
    if (!stats.isFile() || stats.nlink !== 1) return undefined;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0);
    const said = buffer.toString('latin1', 0, bytesRead);
    if (/^[0-9a-f-]{36}\n$/.test(said)) return said.trim();
    const nonce = randomUUID();
    await file.truncate(0);
    await file.write(`${nonce}\n`, 0);
    return nonce;
  } catch {
    return undefined;
  } finally {
    await file.close();
  }
}

/** The order of UTF-8 is that of code points; that of JavaScript's strings puts U+10000 and above before U+E000. */
export function inBytes(one: string, other: string): number {
  for (let at = 0; at < one.length && at < other.length; at++) {
    const [a, b] = [one.charCodeAt(at), other.charCodeAt(at)];
    if (a === b) continue;
    const isPair = [a, b].map(unit => unit >= 0xd800 && unit <= 0xdfff);
    return isPair[0] === isPair[1] ? a - b : isPair[0] ? 1 : -1;
  }
  return one.length - other.length;
}

export const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

const isMissing = ({ code }: NodeJS.ErrnoException): boolean => code === 'ENOENT' || code === 'ENOTDIR';

/** A file may vanish while it is read. */
export function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (!isMissing(error)) throw error;
}
