import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { ScailfinError } from '../../errors.js';
import { inLine } from '../../printable.js';
import type { Claims, Space } from '../space.js';
import { plainMembers } from './headers.js';

/** Limit for one archive, however much space there is. */
const MOST_FILES = 500_000;
/** Limits in bytes (of the file system) and in directories (of code that walks the workspace). */
const LONGEST_PATH = 4095;
const DEEPEST = 200;
/** Limit for a line of tar's listing, which writes one letter as up to four. */
const LONGEST_LINE = 2 ** 16;
/** The disk space of a file in addition to its content, in bytes. */
const PER_FILE = 4096;
/** Memory limit for tar, which keeps names in memory as long as an archive says they are; MiB. */
const MEMORY = 512;
/** Time limit for each of the two passes, plus one second for every so many bytes. */
const PATIENCE_MS = 60_000;
const BYTES_PER_SECOND = 4 * 2 ** 20;

/**
 * Unpacks a returned archive: only files, directories and links, and no more than there is space for. The whole archive
 * is checked before the first file is written.
 * @param archive tar, with or without gzip
 * @param into an empty directory to which nobody else writes
 * @param claims reservations on its disk
 * @param asked bytes that the step asked for, if it did
 * @returns a function that ends the reservation, once all files are in their places
 * @throws ScailfinError for everything that the wrapper would not have packed
 */
export async function unpack(
  archive: FileHandle,
  into: string,
  claims: Claims,
  asked = Number.POSITIVE_INFINITY,
): Promise<() => void> {
  const packed = await packing(archive);
  const plain = await plainMembers(archive);
  if (plain?.length === 0) return () => {};
  const { bytes, files } = await claims.left;
  const room = { bytes: Math.min(bytes, asked), files };
  const list = ['--list', '--verbose', '--numeric-owner', '--full-time', '--quoting-style=escape'];
  const count = new Count(room);
  if (plain) for (const { kind, size, path } of plain) count.add(kind, size, path);
  else await tar(archive, [...list, ...packed], { bytes: room.bytes, line: line => count.take(line) });
  const extract = ['--extract', '--directory', into, '--no-same-owner', '--delay-directory-restore'];
  const done = await claims.take(count.bytes);
  try {
    await tar(archive, [...extract, ...packed], { bytes: count.bytes });
    return done;
  } catch (error) {
    done();
    throw error;
  }
}

/** The compressions that the wrapper uses; for others tar itself would start a program. */
async function packing(archive: FileHandle): Promise<string[]> {
  const { buffer, bytesRead } = await archive.read(Buffer.alloc(512), 0, 512, 0);
  if (buffer[0] === 0x1f && buffer[1] === 0x8b) return ['--gzip'];
  const isEmpty = bytesRead === 512 && buffer.every(byte => byte === 0);
  if (isEmpty || buffer.toString('latin1', 257, 262) === 'ustar') return [];
  throw new ScailfinError("its output can't be unpacked: it is not an archive");
}

/** Counts the content of the archive, line by line. */
class Count {
  #files = 0;
  bytes = 0;

  constructor(private readonly room: Space) {}

  /** A line of tar's listing. @throws ScailfinError if there is too much, or for what a workspace can't contain */
  take(line: string): void {
    const [, kind = '', size = '', name = ''] = /^(.)\S{9} -?\d+\/-?\d+ +([\d,]+) \S+ \S+ (.*)$/.exec(line) ?? [];
    if (kind !== '-' && kind !== 'd' && kind !== 'l')
      throw wrong(`it contains something other than files: ${inLine(line, 120)}`);
    this.add(kind, Number(size), name.replaceAll(/\\(?:[0-7]{3}|.)/g, '_'));
  }

  add(kind: string, size: number, path: string): void {
    // for a link the target counts, too
    const names = kind === 'l' ? 2 : 1;
    // tar would take it for a path of the workspace; one with '..' in it, it refuses by itself
    if (path.startsWith('/')) {
      throw new ScailfinError(`it returned a file outside of its workspace: ${inLine(path, 60)}`);
    }
    if (path.length > names * LONGEST_PATH || path.split('/').length > names * DEEPEST) {
      throw wrong(`it contains a path that is too long: ${inLine(path, 60)}`);
    }
    this.#files++;
    this.bytes += size + PER_FILE;
    if (this.#files > Math.min(MOST_FILES, this.room.files))
      throw wrong(`it contains more than ${this.#files - 1} files`);
    if (this.bytes > this.room.bytes)
      throw wrong(`it contains more than there is space for (${mib(this.room.bytes)} MiB)`);
  }
}

const mib = (bytes: number): number => Math.floor(bytes / 2 ** 20);

const wrong = (what: string): ScailfinError => new ScailfinError(`its output can't be unpacked: ${what}`);

/** @param on `bytes`: the size of the largest file that it may write, from which its time limit is computed */
async function tar(
  archive: FileHandle,
  args: readonly string[],
  on: { readonly bytes: number; readonly line?: (line: string) => void },
): Promise<void> {
  // tar opens the file again from its beginning, without a path, which could be another file by now
  const argv = ['tar', ...args, '--file', '/proc/self/fd/0'];
  const blocks = Math.ceil(on.bytes / 512) + 1;
  const limits = `ulimit -c 0; ulimit -v ${MEMORY * 1024}; ulimit -f ${blocks}`;
  const child = spawn('/bin/sh', ['-c', `${limits}; exec "$@"`, 'sh', ...argv], {
    stdio: [archive.fd, 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
  }) as ChildProcessByStdio<null, Readable, Readable>;
  let problem: ScailfinError | undefined;
  const stop = (why: ScailfinError): void => {
    problem ??= why;
    child.kill('SIGKILL');
  };
  const patience = PATIENCE_MS + (1000 * on.bytes) / BYTES_PER_SECOND;
  const timer = setTimeout(() => stop(wrong('it takes too long')), Math.min(patience, 2 ** 31 - 1));
  const words = lastOf(child.stderr);
  let rest = '';
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    if (problem) return;
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop() ?? '';
    try {
      for (const line of lines) on.line?.(line);
      if (rest.length > LONGEST_LINE) throw wrong('it contains a path that is too long');
    } catch (error) {
      stop(error as ScailfinError);
    }
  });
  const status = await new Promise(resolve => {
    child.once('error', resolve);
    child.once('close', (code, signal) => resolve(code ?? signal));
  }).finally(() => clearTimeout(timer));
  if (problem) throw problem;
  if (status !== 0) throw wrong(inLine(words() || `tar ended with ${String(status)}`));
}

/** The last line of a message; the first lines may be the same a million times. */
function lastOf(stream: Readable): () => string {
  let said = '';
  stream.setEncoding('utf8').on('data', text => {
    said = `${said}${text}`.slice(-4096);
  });
  return () => {
    const lines = said.trim().split('\n');
    return (lines.findLast(line => !/previous errors|not recoverable/.test(line)) ?? '').replace(/^tar: /, '');
  };
}
