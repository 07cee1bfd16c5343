import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';

/** Of one archive, and of the names of files that are gone; the program in the container leaves larger files for the end. Bytes. */
const most = { archive: 256 * 2 ** 20, deleted: 100_000 };

/** Keeps what a session sends of its files until it is whole. */
export class Saves {
  #file: number | undefined;
  #size = 0;
  #count = 0;
  #isTooLarge = false;

  /** @param path for files that belong to nobody else @param bring takes a whole archive, and removes it */
  constructor(
    private readonly path: string,
    private readonly bring: (archive: string, deleted: readonly string[]) => Promise<void>,
  ) {}

  add(data: Buffer): void {
    this.#size += data.length;
    if (this.#isTooLarge || this.#size > most.archive) {
      this.drop();
      this.#isTooLarge = true;
      return;
    }
    // what comes is one batch at a time, and small
    this.#file ??= openSync(`${this.path}.part`, 'wx', 0o600);
    writeSync(this.#file, data);
  }

  /** @param deleted the names of files that are gone, in base64 */
  whole(deleted: unknown): void {
    const isGood =
      Array.isArray(deleted) && deleted.length <= most.deleted && deleted.every(each => typeof each === 'string');
    if (!isGood || this.#isTooLarge || this.#file === undefined) {
      this.drop();
      return;
    }
    closeSync(this.#file);
    this.#file = undefined;
    const archive = `${this.path}.${++this.#count}.tar`;
    renameSync(`${this.path}.part`, archive);
    this.drop();
    const gone = (deleted as string[]).map(name => Buffer.from(name, 'base64').toString('utf8'));
    // what can't be brought now comes at the end
    void this.bring(archive, gone).catch(() => {});
  }

  /** Forgets what is not whole. */
  drop(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#size = 0;
    this.#isTooLarge = false;
    rmSync(`${this.path}.part`, { force: true });
  }
}
