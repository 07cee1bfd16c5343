import type { Item } from './manifest.js';

/** How many entries are remembered, of all lists together; each takes some 200 bytes. */
const MOST = 200_000;

/**
 * The lists of files that steps were given, until their outputs come back. The steps of one submission share a list. What is
 * not remembered is in a file of the step.
 */
export class Manifests {
  readonly #lists = new Map<string, readonly Item[]>();
  readonly #users = new Map<readonly Item[], number>();
  #entries = 0;

  constructor(private readonly most = MOST) {}

  remember(ids: readonly string[], items: readonly Item[]): void {
    if (items.length > this.most || ids.length === 0) return;
    for (const id of ids) {
      this.take(id);
      this.#lists.set(id, items);
    }
    this.#users.set(items, ids.length);
    this.#entries += items.length;
    // the oldest comes first
    for (const id of this.#lists.keys()) if (this.#entries > this.most) this.take(id);
  }

  get(id: string): readonly Item[] | undefined {
    return this.#lists.get(id);
  }

  /** @returns what the step was given, if it is remembered: once */
  take(id: string): readonly Item[] | undefined {
    const items = this.#lists.get(id);
    if (!items) return undefined;
    this.#lists.delete(id);
    const users = (this.#users.get(items) ?? 1) - 1;
    if (users > 0) this.#users.set(items, users);
    else if (this.#users.delete(items)) this.#entries -= items.length;
    return items;
  }
}
