import { HttpError } from '../http/errors.js';
import { isUuid, type RunBook } from '../runs/book.js';
import { fullName, type RunRecord } from '../runs/record.js';
import type { Person } from './person.js';

/** What a person may do with a run. Who may change it may also read it. */
export type Right = 'read' | 'change';

/**
 * The runs as one person may see them. Routes know no other way to a run: whether somebody may see or change it is decided
 * here alone.
 *
 * The owner of a run may do everything, and so may the cluster's owner, in whose account it runs. Somebody with whom it is
 * shared may read it. For everybody else it does not exist.
 */
export class Access {
  constructor(
    readonly who: Person,
    private readonly book: RunBook,
    /** Whether the person still has access: a stream may be open for hours. */
    private readonly isWelcome: () => boolean,
  ) {}

  may(right: Right, run: RunRecord): boolean {
    if (!this.isWelcome()) return false;
    if (this.who.isOwner || run.owner === this.who.id) return true;
    return right === 'read' && this.isSharedWithMe(run);
  }

  isMine(run: RunRecord): boolean {
    return run.owner === this.who.id;
  }

  /** Deleted runs are shown only to those who could delete them. */
  isSharedWithMe({ owner, status, shares }: RunRecord): boolean {
    if (owner === this.who.id || status === 'deleted') return false;
    return (shares ?? []).some(({ id, until }) => id === this.who.id && (until === undefined || Date.now() < until));
  }

  /** The person's own runs, oldest first. */
  own(): RunRecord[] {
    return this.book.all().filter(run => this.isMine(run));
  }

  /** The runs that others share with the person, oldest first; to the cluster's owner, those of all others. */
  shared(): RunRecord[] {
    return this.book.all().filter(run => !this.isMine(run) && this.may('read', run));
  }

  /** All runs that the person may read, oldest first. */
  readable(): RunRecord[] {
    return this.book.all().filter(run => this.may('read', run));
  }

  /** A run by its id, if the person may read it. */
  get(id: string | null): RunRecord | undefined {
    const run = id === null ? undefined : this.book.get(id);
    return run && this.may('read', run) ? run : undefined;
  }

  /**
   * @param wanted a UUID, `name.N`, `name.N.M`, or a name, which means its latest run that is not deleted. A name means one of
   * the person's own runs before one that is shared; the runs of others have to be named by their UUID.
   * @throws HttpError 404 if there is none that the person may read, 403 if the person may not change it
   */
  find(wanted: string, right: Right): RunRecord {
    const found = isUuid(wanted) ? this.get(wanted.toLowerCase()) : this.#named(wanted);
    if (!found) {
      const text = `REANA_WORKON is set to ${wanted}, but that workflow does not exist.`;
      throw new HttpError(404, `${text} Please set your REANA_WORKON environment variable appropriately.`);
    }
    if (this.may(right, found)) return found;
    throw new HttpError(403, `${fullName(found)} is shared with you to be read: only its owner can change it.`);
  }

  #named(wanted: string): RunRecord | undefined {
    // no name has a dot in it
    const [name = ''] = wanted.split('.', 1);
    const all = this.book.of(name).reverse();
    const own = all.filter(run => this.isMine(run));
    return (
      named(own, wanted) ??
      named(
        all.filter(run => this.isSharedWithMe(run)),
        wanted,
      )
    );
  }
}

/** @param runs newest first */
const named = (runs: readonly RunRecord[], wanted: string): RunRecord | undefined =>
  runs.find(run => fullName(run) === wanted) ?? runs.find(run => run.name === wanted && run.status !== 'deleted');
