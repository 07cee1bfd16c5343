import { type FileHandle, open, readFile, rename, writeFile } from 'node:fs/promises';
import type { Entry } from './record.js';

/**
 * The service's memory: one JSON line per change, which is on the disk before `append` resolves. Lines that come at the
 * same time are written together. A line that a crash cut short is ignored when reading.
 */
export class Journal {
  #waiting: string[] = [];
  #writing: Promise<void> | undefined;

  private constructor(private readonly file: FileHandle) {}

  static async read(path: string): Promise<Entry[]> {
    const text = await readFile(path, 'utf8').catch(error => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    return text.split('\n').flatMap(entryOf);
  }

  /** Replaces the journal by one with these entries, and opens it for more. */
  static async begin(path: string, entries: readonly Entry[]): Promise<Journal> {
    await writeFile(`${path}.new`, entries.map(lineOf).join(''), { mode: 0o600, flush: true });
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
