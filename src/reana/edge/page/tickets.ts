import { randomBytes } from 'node:crypto';

const lifeMs = 60_000;
/** Per minute. */
const most = 10_000;

/** Lets a browser fetch one path by a plain link, which must not contain the token. */
export class Tickets {
  readonly #tickets = new Map<string, { readonly path: string; readonly ends: number; readonly id: string }>();

  /** @param path without its query, percent-encoded or not @param id the person for whom the ticket stands */
  issue(path: string, id: string): string {
    // the oldest tickets come first
    for (const [ticket, { ends }] of this.#tickets) {
      if (ends >= Date.now()) break;
      this.#tickets.delete(ticket);
    }
    const [oldest] = this.#tickets.keys();
    if (this.#tickets.size >= most && oldest) this.#tickets.delete(oldest);
    const ticket = randomBytes(24).toString('base64url');
    this.#tickets.set(ticket, { path: decoded(path), ends: Date.now() + lifeMs, id });
    return ticket;
  }

  /**
   * The person for whom a ticket stands on this path. A ticket expires long before it could be guessed, so the time of this
   * comparison reveals nothing useful.
   */
  holder(ticket: string, path: string): string | undefined {
    const known = this.#tickets.get(ticket);
    return known !== undefined && known.ends > Date.now() && known.path === decoded(path) ? known.id : undefined;
  }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
