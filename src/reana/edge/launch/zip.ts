import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { HttpError } from '../http/errors.js';
import { namesOf } from '../workspace/inside.js';
import { counted, type Limits, tooLarge, tooMany } from './limits.js';
import { type Link, makeLinks } from './links.js';

const invalid = (why: string): HttpError => new HttpError(400, `The provided zip file is not valid: ${why}`);

/** Kinds of files in the upper half of an entry's attributes, where a Unix wrote it (inode(7)). */
const kinds = { mask: 0o170000, file: 0o100000, directory: 0o040000, link: 0o120000 };
const unix = 3;
/** PATH_MAX of Linux. */
const longestTarget = 4096;

/**
 * Unpacks an archive into an empty directory of ours. An archive that has all in one directory is unpacked without that one, as
 * REANA does.
 * @throws HttpError 400, 413
 */
export async function unzip(file: string, dir: string, limits: Limits, signal: AbortSignal): Promise<void> {
  try {
    const zip = await openPromise(file, { lazyEntries: true, autoClose: false, strictFileNames: true });
    try {
      await unpack(zip, dir, limits, signal);
    } finally {
      zip.close();
    }
  } catch (error) {
    if (error instanceof HttpError || signal.aborted) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT') throw error;
    // the library's messages are about the archive, and those of files have paths in them
    throw invalid(code === undefined ? (error as Error).message : 'two of its names contradict each other');
  }
}

async function unpack(zip: ZipFile, dir: string, limits: Limits, signal: AbortSignal): Promise<void> {
  if (zip.entryCount > limits.files) throw tooMany(limits.files);
  const links: Link[] = [];
  let [left, count] = [limits.bytes, 0];
  for await (const entry of zip.eachEntry()) {
    signal.throwIfAborted();
    if (++count > limits.files) throw tooMany(limits.files);
    const path = namesOf(entry.fileName).join('/');
    const kind = kindOf(entry);
    if (path === '' || kind === 'directory') {
      await mkdir(join(dir, path), { recursive: true, mode: 0o700 });
      continue;
    }
    if (!entry.canDecodeFileData()) throw invalid(`${path} is encrypted, or packed in an unknown way`);
    // what the archive says; the library compares it with what comes out
    left -= entry.uncompressedSize;
    if (left < 0) throw tooLarge(limits.bytes);
    await mkdir(dirname(join(dir, path)), { recursive: true, mode: 0o700 });
    // whoever reads it has to be there at once: an error that nobody waits for would end the edge
    const content = await zip.openReadStreamPromise(entry);
    if (kind === 'link') {
      const size = counted(longestTarget, invalid(`the link ${path} is too long`));
      const [target] = await Promise.all([buffer(size), pipeline(content, size, { signal })]);
      links.push({ path, target: target.toString() });
      continue;
    }
    const mode = isUnix(entry) && (attributesOf(entry) & 0o100) !== 0 ? 0o700 : 0o600;
    await pipeline(content, checked(entry), createWriteStream(join(dir, path), { flags: 'wx', mode }), { signal });
  }
  await makeLinks(dir, await liftUp(dir, links));
}

/** Passes on what an entry says that it is; the library does not look at checksums. */
function checked({ fileName, uncompressedSize, crc32: wanted }: Entry): Transform {
  let [left, sum] = [uncompressedSize, 0];
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      left -= chunk.length;
      sum = crc32(chunk, sum);
      if (left < 0) done(invalid(`${fileName} is larger than it says`));
      else done(null, chunk);
    },
    flush(done) {
      done(sum === wanted ? null : invalid(`${fileName} is not what its checksum is of`));
    },
  });
}

const isUnix = ({ versionMadeBy }: Entry): boolean => versionMadeBy >> 8 === unix;
const attributesOf = ({ externalFileAttributes }: Entry): number => externalFileAttributes >>> 16;

function kindOf(entry: Entry): 'file' | 'directory' | 'link' {
  const kind = isUnix(entry) ? attributesOf(entry) & kinds.mask : 0;
  if (kind === kinds.link) return 'link';
  if (entry.fileName.endsWith('/')) return 'directory';
  if (kind === kinds.file || kind === 0) return 'file';
  throw invalid(`${entry.fileName} is neither a file nor a directory nor a link`);
}

/**
 * Moves what is in the only directory of an archive one directory up, unless a specification is beside it.
 * @returns the links, as they are to be made there
 */
async function liftUp(dir: string, links: readonly Link[]): Promise<readonly Link[]> {
  const [only, ...others] = await readdir(dir, { withFileTypes: true });
  if (only === undefined || others.length > 0 || !only.isDirectory()) return links;
  const top = `${only.name}/`;
  if (!links.every(({ path }) => path.startsWith(top))) return links;
  // its own name may be in it again
  const inner = `${dir}.inner`;
  await rename(join(dir, only.name), inner);
  await rmdir(dir);
  await rename(inner, dir);
  return links.map(({ path, target }) => ({ path: path.slice(top.length), target }));
}
