import { readFile, rename, writeFile } from 'node:fs/promises';
import { type Item, ifMissing, inBytes } from './manifest.js';

/**
 * What a session has saved while it runs, in a file of the edge. Its changes are compared with the run's files as it last
 * knew them: with what it was given, and over that what it has saved.
 */
export class Saved {
  /** By path; null for what is gone. */
  readonly #items: Map<string, Item | null>;

  private constructor(
    private readonly file: string,
    items: Iterable<readonly [string, Item | null]>,
  ) {
    this.#items = new Map(items);
  }

  static async open(file: string): Promise<Saved> {
    const text = (await readFile(file, 'utf8').catch(ifMissing)) ?? '[]';
    return new Saved(file, JSON.parse(text) as [string, Item | null][]);
  }

  add(items: readonly Item[], deleted: readonly string[]): void {
    for (const path of deleted) this.#items.set(path, null);
    for (const item of items) this.#items.set(item.path, item);
  }

  /** @returns the files as the session last knew them, in the order of their paths' bytes */
  over(given: readonly Item[]): readonly Item[] {
    if (this.#items.size === 0) return given;
    const kept = given.filter(({ path }) => !this.#items.has(path));
    const own = [...this.#items.values()].filter(item => item !== null);
    return [...kept, ...own].sort((a, b) => inBytes(a.path, b.path));
  }

  async write(): Promise<void> {
    await writeFile(`${this.file}.new`, JSON.stringify([...this.#items]), { mode: 0o600, flush: true });
    await rename(`${this.file}.new`, this.file);
  }
}
