import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf, plainly, ScailfinError } from '../errors.js';
import { hasFields } from '../fields.js';
import { modern } from '../frameworks/older.js';
import { stateDir } from '../paths.js';
import { after, type ClusterRecord, type Entry, FORMAT, fold, isEntry } from './record.js';

/** `Omit` that keeps a union as a union. */
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/**
 * A cluster's journal: one JSON line per intent or outcome, which is on the disk before `append` returns. A line that
 * a crash cut short is ignored when reading; the next entry begins a new line after it.
 */
export class Journal {
  #entries: Entry[] = [];
  #record: ClusterRecord | undefined;

  private constructor(
    readonly name: string,
    readonly dir: string,
  ) {
    this.reload();
  }

  static open(name: string): Journal {
    return new Journal(name, join(clustersDir(), name));
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  get record(): ClusterRecord | undefined {
    return this.#record;
  }

  /** Reads again what other commands have written since. */
  reload(): void {
    this.#entries = read(join(this.dir, 'journal.jsonl'));
    this.#record = fold(this.#entries);
  }

  /**
   * Writes one entry to the disk. Only the owner can read it, because it names accounts and hosts.
   * @throws ScailfinError if it can't be written, for example because the disk is full
   */
  append(entry: Without<Entry, 'at'>): void {
    const form = entry.type === 'created' ? { format: FORMAT } : {};
    const full = { at: new Date().toISOString(), ...entry, ...form } as Entry;
    try {
      // the newline comes first, so that it also ends a line that a crash cut short
      append(this.dir, `\n${JSON.stringify(full)}`);
    } catch (error) {
      throw new ScailfinError(`the journal in ${this.dir} can't be written: ${plainly(error)}`, {
        hint: 'make room there (`df -h`), or make it writable; then run the same command again: it continues',
      });
    }
    this.#entries = [...this.#entries, full];
    this.#record = after(this.#record, full);
  }
}

function append(dir: string, text: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const file = openSync(join(dir, 'journal.jsonl'), 'a', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Every cluster that this machine knows, sorted by name. */
export function allRecords(): ClusterRecord[] {
  if (!existsSync(clustersDir())) return [];
  return readdirSync(clustersDir())
    .sort()
    .flatMap(name => Journal.open(name).record ?? []);
}

const clustersDir = (): string => join(stateDir(), 'clusters');

/** @throws ScailfinError naming a line that scailfin can't have written */
function read(file: string): Entry[] {
  if (!existsSync(file)) return [];
  return textOf(file)
    .split('\n')
    .flatMap((line, n) => {
      const entry = parsed(line);
      if (entry === undefined) return [];
      const format = hasFields(entry, { format: 'number' }) ? Number(entry.format) : 1;
      if (format > FORMAT)
        throw new ScailfinError(
          `${dirname(file)} is of a cluster that a newer scailfin made, which this one can't handle`,
          {
            hint: 'use the newer scailfin again, which the cluster was made with; it can also take the cluster down',
          },
        );
      if (isEntry(entry)) return [entry];
      throw new ScailfinError(`${file}:${n + 1}: this line of the journal is damaged`, {
        hint: 'remove the line, or the whole directory; a cluster without a record is found by: scailfin down NAME --site SITE --headnode WHERE',
      });
    });
}

/** Undefined for a line that a crash cut short, and for what is not an entry. */
function parsed(line: string): unknown {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'type' in value ? modern({ ...value }) : undefined;
  } catch {
    return undefined;
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ScailfinError(`the journal ${file} can't be read: ${messageOf(error)}`, { hint: `ls -l ${file}` });
  }
}
