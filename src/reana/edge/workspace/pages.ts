/** How long the names of a listing are kept for its next page, in ms. */
const KEPT_MS = 60_000;
/** Of all names that are kept, about; a million files with short names. Bytes. */
const MOST_BYTES = 128 * 2 ** 20;

/** Names that are listed one by one, to be kept if there is room for all of them. */
export class Names {
  readonly #names: string[] = [];
  /** What they take in memory, about: V8 keeps a name in one or two bytes for each character, and some more. */
  bytes = 0;

  add(name: string): void {
    this.bytes += 64 + 2 * name.length;
    if (this.bytes <= MOST_BYTES) this.#names.push(name);
    else this.#names.length = 0;
  }

  /** @returns undefined if they were too many */
  get all(): readonly string[] | undefined {
    return this.bytes <= MOST_BYTES ? this.#names : undefined;
  }
}

/**
 * The names that were listed last, for clients that ask page after page: otherwise each page would be a walk through the whole
 * workspace. The first page is always a new walk, so all pages show the workspace as it was then.
 */
export class Listings {
  readonly #kept = new Map<
    string,
    { readonly names: readonly string[]; readonly bytes: number; readonly until: number }
  >();

  find(key: string): readonly string[] | undefined {
    this.#forgetOld();
    return this.#kept.get(key)?.names;
  }

  /** The oldest ones are forgotten if there is no room for all. */
  keep(key: string, { all: names, bytes }: Names): void {
    this.#kept.delete(key);
    if (!names) return;
    this.#kept.set(key, { names, bytes, until: Date.now() + KEPT_MS });
    setTimeout(() => this.#forgetOld(), KEPT_MS + 1).unref();
    let sum = [...this.#kept.values()].reduce((total, each) => total + each.bytes, 0);
    for (const [oldest, each] of this.#kept) {
      if (sum <= MOST_BYTES) break;
      this.#kept.delete(oldest);
      sum -= each.bytes;
    }
  }

  #forgetOld(): void {
    for (const [key, { until }] of this.#kept) if (until < Date.now()) this.#kept.delete(key);
  }
}
