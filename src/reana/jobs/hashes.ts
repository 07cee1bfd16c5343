import { createHash } from 'node:crypto';
import { type BigIntStats, constants } from 'node:fs';
import { appendFile, lstat, open, readFile, writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

/** Files above this are remembered beyond this process, in bytes. */
const WORTH_WRITING = 1 << 20;
/** Files that are remembered; those that were read longest ago go first. */
const MOST = 500_000;
/** A file may be written twice within one tick of its file system's clock: one so young is read again, in ms. */
const TOO_YOUNG = 50;

/** SHA-256 of files; one that did not change since is not read again. */
export class Hashes {
  readonly #known = new Map<string, { stamp: string; hash: string }>();

  private constructor(private readonly path: string) {}

  /** @param path where they are kept; a cut line is left out */
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

  /** In hexadecimal. @param stats of the file as it is now, where they are known */
  async of(path: string, stats?: BigIntStats): Promise<string> {
    const now = stats ?? (await lstat(path, { bigint: true }));
    const file = `${now.dev}:${now.ino}`;
    const stamp = `${now.size}:${now.mtimeNs}:${now.ctimeNs}`;
    const known = this.#known.get(file);
    if (known?.stamp === stamp) return known.hash;
    if (known) this.#known.delete(file);
    const isYoung = Date.now() - Number(now.ctimeMs) < TOO_YOUNG;
    const digest = createHash('sha256');
    // what was a file may be a link or a pipe by now
    const content = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    await pipeline(content.createReadStream({ highWaterMark: 1 << 20 }), digest);
    const hash = digest.digest('hex');
    if (isYoung) return hash;
    this.#remember(file, { stamp, hash });
    if (now.size >= WORTH_WRITING) await appendFile(this.path, `${file} ${stamp} ${hash}\n`, { mode: 0o600 });
    return hash;
  }

  #remember(file: string, known: { stamp: string; hash: string }): void {
    this.#known.set(file, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST && oldest !== undefined) this.#known.delete(oldest);
  }
}
