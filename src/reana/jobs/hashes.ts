import { createHash } from 'node:crypto';
import { type BigIntStats, constants } from 'node:fs';
import { appendFile, lstat, open, readFile, writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

/** Hashes of files larger than this are also kept on disk, in bytes. */
const WORTH_WRITING = 1 << 20;
/** Files smaller than this are read at once: a stream costs as much as reading several. Bytes. */
const AT_ONCE = 1 << 18;
/** Largest number of remembered files; those that were read longest ago are dropped first. */
const MOST = 500_000;
/** A file may be written twice within one tick of its file system's clock, so a file this young is read again; in ms. */
const TOO_YOUNG = 50;

/** SHA-256 of files; a file that has not changed is not read again. */
export class Hashes {
  readonly #known = new Map<string, { stamp: string; hash: string }>();

  private constructor(private readonly path: string) {}

  /** @param path the file of remembered hashes; an incomplete line is ignored */
  static async open(path: string): Promise<Hashes> {
    const hashes = new Hashes(path);
    const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n').map(line => line.split(' '));
    for (const [file, stamp, hash] of lines) {
      if (file && stamp && hash?.length === 64) hashes.#known.set(file, { stamp, hash });
    }
    for (const file of hashes.#known.keys()) if (hashes.#known.size > MOST) hashes.#known.delete(file);
    const kept = [...hashes.#known].map(([file, { stamp, hash }]) => `${file} ${stamp} ${hash}\n`);
    if (lines.length > 1) await writeFile(path, kept.join(''), { mode: 0o600 });
    return hashes;
  }

  /** In hexadecimal. @param stats the file's present attributes, if known */
  async of(path: string, stats?: BigIntStats): Promise<string> {
    const now = stats ?? (await lstat(path, { bigint: true }));
    const known = this.known(now);
    if (known !== undefined) return known;
    const [file, stamp] = [fileOf(now), stampOf(now)];
    this.#known.delete(file);
    const isYoung = Date.now() - Number(now.ctimeMs) < TOO_YOUNG;
    const hash = await sha256Of(path, Number(now.size));
    if (isYoung) return hash;
    this.#remember(file, { stamp, hash });
    if (now.size >= WORTH_WRITING) await appendFile(this.path, `${file} ${stamp} ${hash}\n`, { mode: 0o600 });
    return hash;
  }

  /** Of a file that has not changed since it was read. */
  known(stats: BigIntStats): string | undefined {
    const known = this.#known.get(fileOf(stats));
    return known?.stamp === stampOf(stats) ? known.hash : undefined;
  }

  #remember(file: string, known: { stamp: string; hash: string }): void {
    this.#known.set(file, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST && oldest !== undefined) this.#known.delete(oldest);
  }
}

const fileOf = ({ dev, ino }: BigIntStats): string => `${dev}:${ino}`;
const stampOf = ({ size, mtimeNs, ctimeNs }: BigIntStats): string => `${size}:${mtimeNs}:${ctimeNs}`;

/** @param size as it was a moment ago; the file may have been replaced since, also by a link or a pipe */
async function sha256Of(path: string, size: number): Promise<string> {
  const content = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const digest = createHash('sha256');
  try {
    if (size < AT_ONCE) {
      const buffer = Buffer.allocUnsafe(size + 1);
      const { bytesRead } = await content.read(buffer, 0, buffer.length, null);
      digest.update(buffer.subarray(0, bytesRead));
      // there was room for one more
      if (bytesRead === size) return digest.digest('hex');
    }
    await pipeline(content.createReadStream({ highWaterMark: 1 << 20, autoClose: false }), digest);
    return digest.digest('hex');
  } finally {
    await content.close();
  }
}
