import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { ScailfinError } from '../../errors.js';
import { inLine } from '../../printable.js';
import type { Claims, Space } from '../space.js';
import { plainMembers } from './headers.js';

/** Of one archive, whatever room there is. */
const MOST_FILES = 500_000;
/** Bytes, as the file system has it; directories, as who walks the workspace. */
const LONGEST_PATH = 4095;
const DEEPEST = 200;
/** Of tar's listing, which writes a letter in four. */
const LONGEST_LINE = 2 ** 16;
/** What a file takes beside its content, in bytes. */
const PER_FILE = 4096;
/** For tar itself, which keeps names in memory as long as an archive says they are; MiB. */
const MEMORY = 512;
/** For each of the two passes: this long, and a second more for so many bytes. */
const PATIENCE_MS = 60_000;
const BYTES_PER_SECOND = 4 * 2 ** 20;

/**
 * Unpacks what a step returned: nothing but files, directories and links, and no more than there is room for. All of it
 * is looked at before the first file is written.
 * @param archive tar, packed by gzip or not
 * @param into an empty directory that nobody else writes to
 * @param claims on the disk where that is
 * @param asked bytes that the step asked for, where it asked
 * @returns what gives up its claim to room, once all is where it belongs
 * @throws ScailfinError for all that the wrapper would not have packed
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

/** Of tar's many ways to pack, those that the wrapper knows: else tar would look for a program by itself. */
async function packing(archive: FileHandle): Promise<string[]> {
  const { buffer, bytesRead } = await archive.read(Buffer.alloc(512), 0, 512, 0);
  if (buffer[0] === 0x1f && buffer[1] === 0x8b) return ['--gzip'];
  const isEmpty = bytesRead === 512 && buffer.every(byte => byte === 0);
  if (isEmpty || buffer.toString('latin1', 257, 262) === 'ustar') return [];
  throw new ScailfinError("what it returned can't be unpacked: it is no archive");
}

/** What the archive holds, told a line at a time. */
class Count {
  #files = 0;
  bytes = 0;

  constructor(private readonly room: Space) {}

  /** A line of tar's listing. @throws ScailfinError when it is too much, or nothing that a workspace can have */
  take(line: string): void {
    const [, kind = '', size = '', name = ''] = /^(.)\S{9} -?\d+\/-?\d+ +([\d,]+) \S+ \S+ (.*)$/.exec(line) ?? [];
    if (kind !== '-' && kind !== 'd' && kind !== 'l') throw wrong(`it holds what is no file: ${inLine(line, 120)}`);
    this.add(kind, Number(size), name.replaceAll(/\\(?:[0-7]{3}|.)/g, '_'));
  }

  add(kind: string, size: number, path: string): void {
    // of a link the target, too
    const names = kind === 'l' ? 2 : 1;
    // tar would take it for a path of the workspace; one with '..' in it, it refuses by itself
    if (path.startsWith('/')) {
      throw new ScailfinError(`it returned a file outside of its workspace: ${inLine(path, 60)}`);
    }
    if (path.length > names * LONGEST_PATH || path.split('/').length > names * DEEPEST) {
      throw wrong(`it holds a path that is too long: ${inLine(path, 60)}`);
    }
    this.#files++;
    this.bytes += size + PER_FILE;
    if (this.#files > Math.min(MOST_FILES, this.room.files)) throw wrong(`it holds more than ${this.#files - 1} files`);
    if (this.bytes > this.room.bytes) throw wrong(`it holds more than there is room for (${mib(this.room.bytes)} MiB)`);
  }
}

const mib = (bytes: number): number => Math.floor(bytes / 2 ** 20);

const wrong = (what: string): ScailfinError => new ScailfinError(`what it returned can't be unpacked: ${what}`);

/** @param on `bytes`: the largest file it may write, and by which its time is measured */
async function tar(
  archive: FileHandle,
  args: readonly string[],
  on: { readonly bytes: number; readonly line?: (line: string) => void },
): Promise<void> {
  // tar opens it anew, from its beginning: no path that could be another file by now
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
      if (rest.length > LONGEST_LINE) throw wrong('it holds a path that is too long');
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

/** The last line of what is said: the first ones may be a million times the same. */
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
