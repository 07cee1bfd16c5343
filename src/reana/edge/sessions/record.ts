import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf, ScailfinError } from '../../../errors.js';

const schema = z.object({
  /** A UUID: its step's id, and, as nobody's run, its step's workflow. */
  id: z.uuid(),
  /** The id of the run in whose files it works; its path is `/RUN`, as in REANA. */
  run: z.uuid(),
  image: z.string(),
  /** Milliseconds since 1970. */
  created: z.number(),
  /** Secret: Jupyter's own token, which no person knows. */
  token: z.string(),
  /** Secret: the cookies of its visitors are made from it. */
  cookies: z.string(),
  /** It was told to end; its files may still be on their way. */
  closing: z.boolean().optional(),
  /** Why it ended by itself, or never began. */
  failed: z.string().optional(),
});

/** An interactive session of a run, as it is recorded. */
export type SessionRecord = z.infer<typeof schema>;

/** The sessions in a file of mode 0600; each change is on the disk before it takes effect. */
export class SessionBook {
  /** By run: each has one at most. */
  readonly #sessions = new Map<string, SessionRecord>();
  #last: Promise<unknown> = Promise.resolve();

  private constructor(private readonly file: string) {}

  /** @throws ScailfinError if the file can't be read */
  static async open(file: string): Promise<SessionBook> {
    const book = new SessionBook(file);
    const text = await readFile(file, 'utf8').catch(error => {
      if (error.code === 'ENOENT') return '[]';
      throw error;
    });
    try {
      for (const each of z.array(schema).parse(JSON.parse(text))) book.#sessions.set(each.run, each);
    } catch (error) {
      // zod's messages would show what is in it
      const why = error instanceof SyntaxError ? 'it is not JSON' : 'it is not complete';
      throw new ScailfinError(`the sessions of this cluster, in ${file}, can't be read: ${why}`);
    }
    return book;
  }

  all(): readonly SessionRecord[] {
    return [...this.#sessions.values()];
  }

  of(run: string): SessionRecord | undefined {
    return this.#sessions.get(run);
  }

  put(session: SessionRecord): Promise<void> {
    return this.#inTurn([...this.all().filter(({ run }) => run !== session.run), session]);
  }

  /** Removes this very session of a run, not one that was opened since. */
  remove({ id }: SessionRecord): Promise<void> {
    return this.#inTurn(this.all().filter(each => each.id !== id));
  }

  #inTurn(sessions: readonly SessionRecord[]): Promise<void> {
    this.#sessions.clear();
    for (const each of sessions) this.#sessions.set(each.run, each);
    const done = this.#last.then(async () => {
      const part = `${this.file}.new`;
      await writeFile(part, `${JSON.stringify(this.all())}\n`, { mode: 0o600, flush: true });
      await rename(part, this.file);
    });
    this.#last = done.catch(() => {});
    return done.catch(error => {
      throw new ScailfinError(`the sessions can't be written: ${messageOf(error)}`);
    });
  }
}
