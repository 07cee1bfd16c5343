import { statfs } from 'node:fs/promises';
import { HttpError } from '../http/errors.js';
import type { RunRecord } from '../runs/record.js';
import { diskUsage } from '../workspace/listing.js';
import { sizeOf } from '../workspace/sizes.js';
import type { Person } from './person.js';

/**
 * How long disk usage is cached: a client asks for its account before everything else, and counting a million files takes
 * long. A person can exceed a quota for so long, by what steps return.
 */
const keptMs = 60_000;

/** What the files of each person use, and may use. */
export class Disk {
  readonly #counted = new Map<string, { readonly at: number; readonly used: Promise<number> }>();

  /** @param dir of all workspaces @param of the directories of a person's runs */
  constructor(
    private readonly dir: string,
    private readonly of: (person: Person) => readonly string[],
  ) {}

  /** Bytes. Without a quota, the limit is what is used and what is free; the owner's files are all files. */
  async usage(person: Person): Promise<{ readonly used: number; readonly limit: number }> {
    const known = this.#counted.get(person.id);
    const isFresh = known !== undefined && Date.now() - known.at <= keptMs;
    const counted = isFresh ? known : { at: Date.now(), used: this.#count(person) };
    this.#counted.set(person.id, counted);
    const used = await counted.used;
    const { bavail, bsize } = await statfs(this.dir);
    const free = used + bavail * bsize;
    return { used, limit: person.quota === undefined ? free : Math.min(free, person.quota) };
  }

  /**
   * How many bytes a person may still add.
   * @param person undefined for somebody whose access has ended: nothing is added any more
   * @throws HttpError 403 if there are none
   */
  async left(person: Person | undefined): Promise<number> {
    if (person === undefined || person.quota === undefined) return Number.POSITIVE_INFINITY;
    const { used, limit } = await this.usage(person);
    if (used < limit) return limit - used;
    const words = `${sizeOf(used).human_readable} of ${sizeOf(limit).human_readable}`;
    throw new HttpError(403, `User quota exceeded: your files use ${words}. Delete files or runs first.`);
  }

  /** Counts anew when it is asked next: files came or went. */
  changed(person: Pick<RunRecord, 'owner'>): void {
    this.#counted.delete(person.owner);
  }

  async #count(person: Person): Promise<number> {
    const dirs = person.isOwner ? [this.dir] : this.of(person);
    let all = 0;
    for (const dir of dirs) {
      const [total] = await diskUsage(dir, true, undefined).catch(() => []);
      all += total?.size.raw ?? 0;
    }
    return all;
  }
}
