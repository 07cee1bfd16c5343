import { appendFile, type FileHandle, open, readFile } from 'node:fs/promises';
import { plainly } from '../../errors.js';
import { outcomeOf, type Report, readReport } from '../../steps/report.js';
import { Claims } from '../space.js';
import type { Hashes } from './hashes.js';
import { openLeft, takeArchive } from './left.js';
import { type Item, parseManifest } from './manifest.js';
import type { Manifests } from './manifests.js';
import { merge, type Returned } from './merge.js';
import { manifestPath, notesPath, returnedDir, savedPath } from './places.js';
import type { Change, Ending, StepRecord } from './record.js';
import { Saved } from './saved.js';

type Ended = StepRecord & { readonly ending: Ending };

/** Limit for the notes about a step, in lines. */
const MOST_NOTES = 100;

/** Brings the outputs of steps into their runs' workspaces, one step of a run at a time. */
export class Collector {
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #writers = new Map<string, Map<string, string>>();
  readonly #claims: Claims;

  constructor(
    private readonly dir: string,
    private readonly hashes: Hashes,
    private readonly manifests: Manifests,
  ) {
    this.#claims = new Claims(dir);
  }

  /** @returns the changes to a step whose job has ended; after a crash the result is the same */
  async collect(step: Ended): Promise<Change> {
    return this.#inTurn(step.request.workspace, () => this.#collect(step));
  }

  #inTurn<T>(workspace: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(workspace) ?? Promise.resolve();
    const turn = before.then(work);
    const settled = turn.catch(() => {});
    this.#turns.set(workspace, settled);
    void settled.then(() => {
      if (this.#turns.get(workspace) === settled) this.#turns.delete(workspace);
    });
    return turn;
  }

  /**
   * Brings what a session has changed so far, in the same turns. Its later changes are compared with this.
   * @param archive made by its node: as hostile as what a step returns
   * @param goesOn whether it still runs when it is its turn
   */
  save(step: StepRecord, archive: string, deleted: readonly string[], goesOn: () => boolean): Promise<void> {
    return this.#inTurn(step.request.workspace, async () => {
      if (!goesOn()) return;
      const given =
        this.manifests.get(step.id) ?? parseManifest(await readFile(manifestPath(this.dir, step.id), 'utf8'));
      const saved = await Saved.open(savedPath(this.dir, step.id));
      const file = await open(archive, 'r');
      const before = saved.over(given);
      const onBrought = (items: readonly Item[]): void => saved.add(items, deleted);
      const notes = await closing(file, () => this.#bring(step, { archive: file, before, deleted, onBrought }));
      await saved.write();
      await this.#tell(step.id, notes);
    });
  }

  async #collect(step: Ended): Promise<Change> {
    const ended = step.ending.at;
    const lost = (what: string, error: unknown): Change => ({
      ...{ ended, state: 'failed', reason: `${what}${step.node ? ` on ${step.node}` : ''}: ${plainly(error)}` },
    });
    let report: Report | undefined;
    let before: readonly Item[];
    try {
      before = this.manifests.take(step.id) ?? parseManifest(await readFile(manifestPath(this.dir, step.id), 'utf8'));
      report = await this.#report(step.id, before);
    } catch (error) {
      return lost('it is unknown how it ended', error);
    }
    const over = { ...outcomeOf(step.ending, report, step.node), ended };
    if (!report || report.exit === undefined || report.shared) return over;
    try {
      await this.#tell(step.id, await this.#merge(step, before, report));
      return over;
    } catch (error) {
      return { ...over, ...lost('its output could not be brought back', error) };
    }
  }

  async #report(id: string, before: readonly Item[]): Promise<Report | undefined> {
    const file = await openLeft(this.dir, id, 'report');
    return file && (await closing(file, () => readReport(file, before)));
  }

  async #merge(step: StepRecord, given: readonly Item[], { deleted }: Report): Promise<string[]> {
    const archive = await takeArchive(this.dir, step.id);
    if (!archive) throw new Error('it left no archive');
    const { isSession } = step.request;
    const before = isSession ? (await Saved.open(savedPath(this.dir, step.id))).over(given) : given;
    return closing(archive, () => this.#bring(step, { archive, before, deleted }));
  }

  async #bring(
    { id, request }: StepRecord,
    what: Pick<Returned, 'archive' | 'before' | 'deleted' | 'onBrought'>,
  ): Promise<string[]> {
    const { workspace, name, resources } = request;
    const writers = this.#writers.get(workspace) ?? new Map<string, string>();
    this.#writers.set(workspace, writers);
    const staged = returnedDir(this.dir, id);
    const bytes = resources.disk === undefined ? undefined : resources.disk * 2 ** 20;
    return merge({
      ...what,
      workspace,
      staged,
      writers,
      name,
      asked: bytes,
      hashes: this.hashes,
      claims: this.#claims,
    });
  }

  async #tell(id: string, notes: readonly string[]): Promise<void> {
    if (notes.length === 0) return;
    const more = notes.length - MOST_NOTES;
    const told = more > 0 ? [...notes.slice(0, MOST_NOTES), `… and ${more} more notes`] : notes;
    await appendFile(notesPath(this.dir, id), `${told.join('\n')}\n`);
  }

  forget(workspace: string): void {
    this.#writers.delete(workspace);
  }
}

async function closing<T>(file: FileHandle, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } finally {
    await file.close();
  }
}
