import { type FileHandle, open, rename, writeFile } from 'node:fs/promises';
import { ifMissing } from './manifest.js';
import type { Entry } from './record.js';

/** Characters. */
const PIECE = 2 ** 16;

/**
 * The service's memory: one JSON line per change, which is on the disk before `append` resolves. Lines that come at the
 * same time are written together. A line that a crash cut short is ignored when reading.
 */
export class Journal {
  #waiting: string[] = [];
  #writing: Promise<void> | undefined;

  private constructor(private readonly file: FileHandle) {}

  /** The entries one by one, because all of them together may not fit into the memory. */
  static async *read(path: string): AsyncGenerator<Entry> {
    const file = await open(path, 'r').catch(ifMissing);
    if (!file) return;
    let rest = '';
    // closes the file; it is not read by lines of `readline`, for which a line also ends at U+2028
    for await (const piece of file.createReadStream({ encoding: 'utf8', highWaterMark: 2 ** 20 })) {
      const lines = `${rest}${piece}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield* entryOf(line);
    }
    yield* entryOf(rest);
  }

  /** Replaces the journal by one with these entries, and opens it for more. */
  static async begin(path: string, entries: Iterable<Entry>): Promise<Journal> {
    await writeFile(`${path}.new`, linesOf(entries), { mode: 0o600, flush: true });
    await rename(`${path}.new`, path);
    return new Journal(await open(path, 'a', 0o600));
  }

  async append(entry: Entry): Promise<void> {
    this.#waiting.push(lineOf(entry));
    await this.flushed();
  }

  /** Resolves when everything appended before is on the disk. */
  async flushed(): Promise<void> {
    while (this.#waiting.length > 0 || this.#writing) {
      this.#writing ??= this.#write().finally(() => {
        this.#writing = undefined;
      });
      await this.#writing;
    }
  }

  async close(): Promise<void> {
    await this.flushed();
    await this.file.close();
  }

  async #write(): Promise<void> {
    await null; // lines that come in the same turn are written together
    const lines = this.#waiting.splice(0).join('');
    await this.file.write(lines);
    await this.file.datasync();
  }
}

/** The newline comes first, so that it also ends a line that a crash cut short. JSON can't represent undefined. */
const lineOf = (entry: Entry): string =>
  `\n${JSON.stringify(entry, (_, value) => (value === undefined ? null : value))}`;

/** In pieces of some size: a write for each line would take long. */
function* linesOf(entries: Iterable<Entry>): Generator<string> {
  let piece = '';
  for (const entry of entries) {
    piece += lineOf(entry);
    if (piece.length < PIECE) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}

function entryOf(line: string): Entry[] {
  try {
    const entry = JSON.parse(line) as Entry | null;
    if (typeof entry !== 'object' || entry === null) return [];
    if (!entry.set) return [entry];
    return [{ ...entry, set: withUndefined(entry.set) as NonNullable<Entry['set']> }];
  } catch {
    return [];
  }
}

/** The value before `lineOf`, at every depth. */
function withUndefined(value: unknown): unknown {
  if (value === null) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withUndefined(inner)]));
}
