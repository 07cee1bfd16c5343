import { randomBytes } from 'node:crypto';

const lifeMs = 60_000;
/** Per minute. */
const most = 10_000;

/** Lets a browser fetch one path by a plain link, which must not contain the token. */
export class Tickets {
  readonly #tickets = new Map<string, { readonly path: string; readonly ends: number }>();

  /** @param path without its query, percent-encoded or not */
  issue(path: string): string {
    // the oldest tickets come first
    for (const [ticket, { ends }] of this.#tickets) {
      if (ends >= Date.now()) break;
      this.#tickets.delete(ticket);
    }
    const [oldest] = this.#tickets.keys();
    if (this.#tickets.size >= most && oldest) this.#tickets.delete(oldest);
    const ticket = randomBytes(24).toString('base64url');
    this.#tickets.set(ticket, { path: decoded(path), ends: Date.now() + lifeMs });
    return ticket;
  }

  /** A ticket expires long before it could be guessed, so the time of this comparison reveals nothing useful. */
  admits(ticket: string, path: string): boolean {
    const known = this.#tickets.get(ticket);
    return known !== undefined && known.ends > Date.now() && known.path === decoded(path);
  }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
