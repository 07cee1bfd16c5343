import { randomUUID } from 'node:crypto';
import type { Specification } from '../../run.js';
import { HttpError } from '../http/errors.js';
import { ownerId } from '../people/person.js';
import { RunJournals } from './journal.js';
import { mayBecome, type RunRecord } from './record.js';

type Change = Partial<Omit<RunRecord, 'id'>>;

const uuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i;
export const isUuid = (text: string): boolean => uuid.test(text);

/** Limits; deleted runs count, because they stay recorded. Bytes of JSON. */
const most = { runs: 20_000, bytes: 256 * 2 ** 20 };
/** The part of it that is there for each person beside the owner, so that one can't take the others' room. */
const partOfOthers = 1 / 8;
/** How much of its specification a deleted run keeps, in bytes. */
const mostDeleted = 2 ** 16;

const weightOf = (value: unknown): number => JSON.stringify(value ?? null).length;

/** All runs, by number and by name; every change is recorded before it takes effect. */
export class RunBook {
  readonly #journals: RunJournals;
  /** Oldest first. */
  readonly #runs = new Map<string, RunRecord>();
  /** By name: the ids of its runs, oldest first. */
  readonly #named = new Map<string, string[]>();
  readonly #bytes = new Map<string, number>();
  /** By person: how many runs there are, and the sum of their bytes. */
  readonly #rooms = new Map<string, { runs: number; bytes: number }>();
  readonly #listeners = new Set<(run: RunRecord) => void>();
  /** Changes run one after the other, so that two requests never find the same number free. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(runsDir: string) {
    this.#journals = new RunJournals(runsDir);
  }

  async open(): Promise<void> {
    const runs = await this.#journals.read();
    for (const run of runs.sort((a, b) => a.created - b.created || a.number - b.number)) {
      this.#keep(run);
      this.#weigh(run);
    }
  }

  /** Oldest first. */
  all(): RunRecord[] {
    return [...this.#runs.values()];
  }

  /** The runs of one name, oldest first. */
  of(name: string): RunRecord[] {
    return (this.#named.get(name) ?? []).map(id => this.#runs.get(id) as RunRecord);
  }

  dir(id: string): string {
    return this.#journals.dir(id);
  }

  get(id: string): RunRecord | undefined {
    return this.#runs.get(id);
  }

  /** The runs that work on the same files, this one among them; they are the same person's. */
  onFilesOf({ workspace }: Pick<RunRecord, 'workspace'>): RunRecord[] {
    return this.all().filter(run => run.workspace === workspace);
  }

  /** The runs of the same name and the same person, this one among them. */
  namedAs({ name, owner }: Pick<RunRecord, 'name' | 'owner'>): RunRecord[] {
    return this.of(name).filter(run => run.owner === owner);
  }

  /** @param owner the person whose run it is @param launcher the URL from which it was launched @throws HttpError 413 */
  create(owner: string, name: string, specification: Specification, launcher?: string): Promise<RunRecord> {
    return this.#inTurn(() => {
      this.#checkRoom(owner, specification);
      const id = randomUUID();
      const number = 1 + this.namedAs({ name, owner }).reduce((most, run) => Math.max(most, run.number), 0);
      const from = launcher === undefined ? {} : { launcher };
      return this.#begin({ id, owner, name, number, restart: 0, workspace: id, specification, ...from });
    });
  }

  /** Another run with the same number, on the same files, of the same person. */
  restart(run: RunRecord, specification: Specification): Promise<RunRecord> {
    return this.#inTurn(() => {
      this.#checkRoom(run.owner, specification);
      const same = this.namedAs(run).filter(other => other.number === run.number);
      const restart = 1 + same.reduce((most, other) => Math.max(most, other.restart), 0);
      const { owner, name, number, workspace } = run;
      return this.#begin({ id: randomUUID(), owner, name, number, restart, workspace, specification });
    });
  }

  /**
   * @param wanted the change, or what it is for the run as it is then; if it has a status, only one that may follow the
   * run's present status
   * @returns undefined if it may not follow
   */
  change(id: string, wanted: Change | ((run: RunRecord) => Change)): Promise<RunRecord | undefined> {
    return this.#inTurn(async () => {
      const run = this.#runs.get(id);
      if (!run) return undefined;
      const change = typeof wanted === 'function' ? wanted(run) : wanted;
      if (change.status && !mayBecome(run, change.status)) return undefined;
      await this.#journals.write(id, change);
      return this.#set({ ...run, ...change });
    });
  }

  /** Removes the specification of a deleted run, if it is large. */
  lighten(id: string): Promise<void> {
    return this.#inTurn(async () => {
      const run = this.#runs.get(id);
      if (!run || (this.#bytes.get(id) ?? 0) <= mostDeleted) return;
      const { type } = run.specification.workflow;
      const light: RunRecord = { ...run, specification: { workflow: { type } }, parameters: {}, options: {} };
      await this.#journals.rewrite(light);
      this.#set(light);
    });
  }

  /** Tells listeners that the workflow engine of a run made progress. */
  touch(id: string): void {
    const run = this.#runs.get(id);
    if (run) for (const listener of this.#listeners) listener(run);
  }

  /** Called after each change. @returns a function that ends the subscription */
  onChange(listener: (run: RunRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when everything that was asked for before is on the disk. */
  async settled(): Promise<void> {
    await this.#last;
  }

  async #begin(
    run: Pick<RunRecord, 'id' | 'owner' | 'name' | 'number' | 'restart' | 'workspace' | 'specification'>,
  ): Promise<RunRecord> {
    const record: RunRecord = { ...run, status: 'created', created: Date.now(), parameters: {}, options: {} };
    await this.#journals.write(run.id, record);
    return this.#set(record);
  }

  /** All specifications are in memory, and are read again when the edge restarts. */
  #checkRoom(owner: string, specification: Specification): void {
    const part = owner === ownerId ? 1 : partOfOthers;
    const { runs, bytes: before } = this.#roomOf(owner);
    const bytes = before + weightOf(specification);
    if (runs < part * most.runs && bytes <= part * most.bytes) return;
    const text = `There are ${runs} runs, with ${Math.ceil(bytes / 2 ** 20)} MiB of specifications`;
    throw new HttpError(413, `${text}: no more can be kept. Deleting runs makes room.`);
  }

  #weigh(run: RunRecord): void {
    const bytes = weightOf(run.specification) + weightOf(run.parameters) + weightOf(run.options);
    const known = this.#bytes.get(run.id);
    const room = this.#roomOf(run.owner);
    const runs = room.runs + (known === undefined ? 1 : 0);
    this.#rooms.set(run.owner, { runs, bytes: room.bytes + bytes - (known ?? 0) });
    this.#bytes.set(run.id, bytes);
  }

  #roomOf(owner: string): { readonly runs: number; readonly bytes: number } {
    return this.#rooms.get(owner) ?? { runs: 0, bytes: 0 };
  }

  #keep(run: RunRecord): void {
    const named = this.#named.get(run.name) ?? [];
    this.#named.set(run.name, named);
    if (!this.#runs.has(run.id)) named.push(run.id);
    this.#runs.set(run.id, run);
  }

  #set(run: RunRecord): RunRecord {
    const before = this.#runs.get(run.id);
    this.#keep(run);
    if (run.specification !== before?.specification || run.parameters !== before.parameters) this.#weigh(run);
    this.touch(run.id);
    return run;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}
