import { MOST_FOUND } from './find.js';

/** How long the names of a listing are kept for its next page, in ms. */
const KEPT_MS = 60_000;
/** How many listings are kept; each takes up to 10 MB. */
const MOST_KEPT = 4;

/**
 * The names that were listed last, for clients that ask page after page: otherwise each page would be a walk through the whole
 * workspace. The first page is always a new walk, so all pages show the workspace as it was then.
 */
export class Listings {
  readonly #kept = new Map<string, { readonly names: readonly string[]; readonly until: number }>();

  find(key: string): readonly string[] | undefined {
    this.#forgetOld();
    return this.#kept.get(key)?.names;
  }

  /** Only if they are not too many. */
  keep(key: string, names: readonly string[]): void {
    this.#kept.delete(key);
    if (names.length > MOST_FOUND) return;
    this.#kept.set(key, { names, until: Date.now() + KEPT_MS });
    setTimeout(() => this.#forgetOld(), KEPT_MS + 1).unref();
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
  }

  #forgetOld(): void {
    for (const [key, { until }] of this.#kept) if (until < Date.now()) this.#kept.delete(key);
  }
}
