import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { chmod, readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf, ScailfinError } from '../../../errors.js';
import { personName } from '../../../people.js';
import { HttpError } from '../http/errors.js';
import type { Person } from './person.js';

const entry = z.object({
  id: z.uuid(),
  name: z.string(),
  /** SHA-256 of the token, in hexadecimal. A token is 256 random bits, so a hash that is quick to compute reveals nothing. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** When the person was added; milliseconds since 1970, as below. */
  since: z.number(),
  /** Bytes. */
  quota: z.number().int().positive().optional(),
  /** When access ended. The entry stays, because runs name their owner by it. */
  removed: z.number().optional(),
  /** Runs that were active at that time may go on to their end. */
  keepsRuns: z.boolean().optional(),
});

/** A person with whom the owner shares the cluster, or did. */
export type Entry = z.infer<typeof entry>;

/** Limit of people; each has a directory of secrets, and takes part in every search for a run. */
const most = 500;

/** Who may use this REANA: its owner, and people in a file of mode 0600 beside its settings. */
export class People {
  #entries: readonly Entry[] = [];
  readonly #listeners = new Set<(id: string) => void>();
  /** Changes run one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly file: string,
    readonly owner: Person,
    private readonly ownerHash: string,
  ) {}

  /** @param token the owner's; secret @throws ScailfinError if the file can't be read: then nobody may be let in or kept out */
  static async open(file: string, owner: Person, token: string): Promise<People> {
    const people = new People(file, owner, hashOf(token));
    people.#entries = await read(file);
    return people;
  }

  /** Whose token it is; undefined if nobody's. */
  byToken(token: string): Person | undefined {
    const hash = hashOf(token);
    // a hash tells nobody which token comes next to it, so the time of a comparison reveals nothing useful
    const found = this.present().find(person => same(person.hash, hash));
    return same(this.ownerHash, hash) ? this.owner : found && personOf(found);
  }

  /** Somebody who has access now. */
  byId(id: string): Person | undefined {
    const found = this.present().find(person => person.id === id);
    return id === this.owner.id ? this.owner : found && personOf(found);
  }

  /** Somebody who has access now. */
  byName(text: string): Person | undefined {
    const name = text.toLowerCase();
    const found = this.present().find(person => person.name === name);
    return name === this.owner.name.toLowerCase() ? this.owner : found && personOf(found);
  }

  /** The name for people to read, also of somebody whose access has ended. */
  nameOf(id: string): string {
    if (id === this.owner.id) return this.owner.name;
    const found = this.#entries.find(person => person.id === id);
    return found ? `${found.name}${found.removed === undefined ? '' : ' (removed)'}` : 'somebody unknown';
  }

  /** Those who have access now, without the owner; in the order in which they came. */
  present(): readonly Entry[] {
    return this.#entries.filter(person => person.removed === undefined);
  }

  /** Whether the runs of a person may start and go on. */
  mayRun(id: string): boolean {
    return this.byId(id) !== undefined || this.#entries.some(person => person.id === id && person.keepsRuns === true);
  }

  /**
   * Adds a person, or changes one; a new token ends the access of the old one.
   * @param hash of the token; undefined keeps the token of somebody who is there
   * @throws HttpError 400, 409, 413
   */
  put(text: string, { hash, quota }: { hash?: string | undefined; quota?: number | undefined }): Promise<Entry> {
    const name = checked(text);
    return this.#inTurn(async () => {
      if (name === this.owner.name.toLowerCase()) throw new HttpError(409, `${name} is the owner of this cluster.`);
      const before = this.present().find(person => person.name === name);
      const known = hash ?? before?.hash;
      if (known === undefined) throw new HttpError(400, 'A new person needs the hash of a token.');
      if (!before && this.#entries.length >= most) throw new HttpError(413, `There can be ${most} people at most.`);
      const base = before ?? { id: randomUUID(), name, since: Date.now() };
      const now: Entry = { ...base, hash: known, ...(quota === undefined ? {} : { quota }) };
      await this.#write([...this.#entries.filter(person => person.id !== now.id), now]);
      if (before && before.hash !== known) this.#tell(now.id);
      return now;
    });
  }

  /** Ends a person's access. @returns undefined if there is no such person */
  remove(text: string, keepsRuns: boolean): Promise<Entry | undefined> {
    const name = checked(text);
    return this.#inTurn(async () => {
      const before = this.present().find(person => person.name === name);
      if (!before) return undefined;
      const now: Entry = { ...before, removed: Date.now(), keepsRuns };
      await this.#write(this.#entries.map(person => (person.id === now.id ? now : person)));
      this.#tell(now.id);
      return now;
    });
  }

  /** Called when the connections of a person must end. */
  onCut(listener: (id: string) => void): void {
    this.#listeners.add(listener);
  }

  #tell(id: string): void {
    for (const listener of this.#listeners) listener(id);
  }

  async #write(entries: readonly Entry[]): Promise<void> {
    const part = `${this.file}.new`;
    await writeFile(part, `${JSON.stringify(entries)}\n`, { mode: 0o600, flush: true });
    await chmod(part, 0o600);
    await rename(part, this.file);
    this.#entries = entries;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}

const personOf = ({ id, name, quota }: Entry): Person => ({ id, name, quota, isOwner: false });

function checked(text: string): string {
  const name = personName(text);
  if (name !== undefined) return name;
  throw new HttpError(400, `${JSON.stringify(text.slice(0, 80))} can't be the name of a person.`);
}

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

const same = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

async function read(file: string): Promise<readonly Entry[]> {
  const text = await readFile(file, 'utf8').catch(error => {
    if (error.code === 'ENOENT') return '[]';
    throw error;
  });
  try {
    return z.array(entry).parse(JSON.parse(text));
  } catch (error) {
    const why = error instanceof SyntaxError ? 'it is not JSON' : messageOf(error);
    throw new ScailfinError(`the people of this cluster, in ${file}, can't be read: ${why}`);
  }
}
