import { mkdir, open, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ownerId } from '../people/person.js';
import type { RunRecord } from './record.js';

/**
 * The records of all runs: one directory for each, with a journal of one JSON line per change. A change for which `write`
 * has resolved survives a kill and a power failure; an incomplete line counts as not written.
 */
export class RunJournals {
  constructor(private readonly runsDir: string) {}

  /** The run's own directory. */
  dir(id: string): string {
    return join(this.runsDir, id);
  }

  async read(): Promise<RunRecord[]> {
    await mkdir(this.runsDir, { recursive: true, mode: 0o700 });
    const runs: (RunRecord | undefined)[] = [];
    // one after the other: there may be many large journals
    const ids = await readdir(this.runsDir);
    while (ids.length > 0) runs.push(...(await Promise.all(ids.splice(0, 16).map(id => this.#read(id)))));
    return runs.filter(run => run !== undefined);
  }

  async #read(id: string): Promise<RunRecord | undefined> {
    const text = await readFile(this.#file(id), 'utf8').catch(error => {
      // the directory was made, but the edge was killed before the first line
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return '';
      throw error;
    });
    const changes = text.split('\n').flatMap(changeOf);
    // a run from before there were several people is the owner's
    return changes[0]?.id === id ? (Object.assign({ owner: ownerId }, ...changes) as RunRecord) : undefined;
  }

  /** @param change the complete record, if it is the first of a run */
  async write(id: string, change: Partial<RunRecord>): Promise<void> {
    await mkdir(this.dir(id), { recursive: true, mode: 0o700 });
    const file = await open(this.#file(id), 'a', 0o600);
    try {
      // the newline at the beginning also ends a line that a crash has cut short
      await file.write(`\n${JSON.stringify(change)}`);
      await file.datasync();
    } finally {
      await file.close();
    }
  }

  /** Replaces the run's whole journal. */
  async rewrite(run: RunRecord): Promise<void> {
    const file = this.#file(run.id);
    await writeFile(`${file}.new`, `\n${JSON.stringify(run)}`, { mode: 0o600, flush: true });
    await rename(`${file}.new`, file);
  }

  #file(id: string): string {
    return join(this.dir(id), 'journal.jsonl');
  }
}

function changeOf(line: string): Partial<RunRecord>[] {
  try {
    const change: unknown = JSON.parse(line);
    return typeof change === 'object' && change !== null ? [change] : [];
  } catch {
    return [];
  }
}
