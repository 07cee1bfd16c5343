import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../errors.js';
import type { Hashes } from './hashes.js';
import { ifMissing, parseManifest } from './manifest.js';
import { merge } from './merge.js';
import { jobDir, manifestPath, notesPath, returnedDir } from './places.js';
import type { Change, Ending, StepRecord } from './record.js';
import { outcomeOf, parseReport, type Report } from './report.js';

/** Brings what steps made into their runs' workspaces, one of a run at a time. */
export class Collector {
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #writers = new Map<string, Map<string, string>>();

  constructor(
    private readonly dir: string,
    private readonly hashes: Hashes,
  ) {}

  /** @returns what becomes of a step whose job has ended; again after a crash gives the same */
  async collect(step: StepRecord & { readonly ending: Ending }): Promise<Change> {
    const { workspace } = step.request;
    const before = this.#turns.get(workspace) ?? Promise.resolve();
    const turn = before.then(() => this.#collect(step));
    const settled = turn.catch(() => {});
    this.#turns.set(workspace, settled);
    void settled.then(() => {
      if (this.#turns.get(workspace) === settled) this.#turns.delete(workspace);
    });
    return turn;
  }

  async #collect(step: StepRecord & { readonly ending: Ending }): Promise<Change> {
    const dir = jobDir(this.dir, step.id);
    const text = await readFile(join(dir, 'report'), 'utf8').catch(ifMissing);
    const report = text === undefined ? undefined : parseReport(text);
    const outcome = outcomeOf(step.ending, report, step.node);
    const over = { ...outcome, ended: step.ending.at };
    if (!report || report.exit === undefined || report.shared) return over;
    try {
      const notes = await this.#merge(step, report);
      if (notes.length > 0) await appendFile(notesPath(this.dir, step.id), `${notes.join('\n')}\n`);
      return over;
    } catch (error) {
      return { ...over, state: 'failed', reason: `what it made could not be brought back: ${messageOf(error)}` };
    }
  }

  async #merge(step: StepRecord, report: Report): Promise<string[]> {
    const { workspace, name } = step.request;
    const writers = this.#writers.get(workspace) ?? new Map<string, string>();
    this.#writers.set(workspace, writers);
    const before = parseManifest(await readFile(manifestPath(this.dir, step.id), 'utf8'));
    const archive = join(jobDir(this.dir, step.id), 'changed.tar');
    const staged = returnedDir(this.dir, step.id);
    const { deleted } = report;
    return merge({ workspace, before, archive, staged, deleted, writers, name, hashes: this.hashes });
  }

  forget(workspace: string): void {
    this.#writers.delete(workspace);
  }
}
