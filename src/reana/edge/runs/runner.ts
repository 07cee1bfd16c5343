import { appendFile, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, ScailfinError } from '../../../errors.js';
import { cvmfsOf } from '../../cvmfs.js';
import { asksForCache } from '../../engines/cache.js';
import type { WorkflowEngine } from '../../engines/engine.js';
import { type Counts, countsOf, Tally } from '../../engines/tally.js';
import { isStepOver, type StepService } from '../../jobs/step.js';
import { isRunOver, type Progress, type WorkflowType } from '../../run.js';
import type { RunBook } from './book.js';
import type { Cache } from './cache.js';
import { parametersOf, type RunRecord } from './record.js';
import { nextInTurn } from './turn.js';

export type WorkflowEngines = Readonly<Partial<Record<WorkflowType, WorkflowEngine>>>;

export interface RunnerParts {
  readonly book: RunBook;
  readonly steps: StepService;
  /** The service with which the workflow engine of a run submits its steps. */
  readonly stepsFor: (run: RunRecord) => StepService;
  /** Whether the run's owner may still run something. */
  readonly mayRun: (run: RunRecord) => boolean;
  readonly engines: WorkflowEngines;
  /** How many workflows may run at a time; the others wait (turn.ts says in which order). */
  readonly limit: number;
  /** The outputs of the person's earlier runs. */
  readonly cache: Cache;
  readonly workspace: (run: RunRecord) => string;
  /** Writes to the edge's own log. */
  readonly say: (line: string) => void;
  /** The environment of steps in addition to REANA's own variables. */
  readonly secrets: (
    run: RunRecord,
  ) => Promise<{ readonly environment: Record<string, string>; readonly dir: string | undefined }>;
}

const RETRY_MS = 5000;
/** Limit of a run's own log, in bytes. */
const MOST_LOG = 64 * 2 ** 20;

interface Active {
  readonly abort: AbortController;
  readonly done: Promise<void>;
  readonly tally: Tally;
}

const none: Progress = { total: 0, running: [], finished: [], failed: [] };

/** Gives queued runs to their workflow engines, and continues the runs of an edge that was killed. */
export class Runner {
  readonly #active = new Map<string, Active>();
  #closing = false;

  constructor(private readonly parts: RunnerParts) {}

  /** Continues running runs, and removes from the pool what is left of stopped ones. */
  async open(): Promise<void> {
    const { book, steps } = this.parts;
    for (const run of book.all()) {
      if (run.status === 'running') this.#go(run);
      if (!isRunOver(run.status)) continue;
      // the pool may take a while
      const left = steps.of(run.id).some(step => !isStepOver(step.state));
      if (left) void this.stop(run.id).catch(error => this.parts.say(messageOf(error)));
    }
    await this.next();
  }

  /** Starts queued runs while there is room. */
  async next(): Promise<void> {
    const { book, limit, mayRun } = this.parts;
    for (;;) {
      const all = book.all();
      const active = all.filter(run => this.#active.has(run.id));
      const waiting = all.filter(run => run.status === 'queued' && !this.#active.has(run.id));
      const id = nextInTurn(waiting, active, limit)?.id;
      if (this.#closing || id === undefined) return;
      // counted at once, so that two callers do not use the same room
      const reserved = { abort: new AbortController(), done: Promise.resolve(), tally: new Tally() };
      this.#active.set(id, reserved);
      const run = await this.#record(id, known =>
        mayRun(known) ? { status: 'running', started: Date.now() } : { status: 'stopped', stopped: Date.now() },
      );
      this.#active.delete(id);
      if (run?.status === 'running' && !this.#closing) this.#go(run);
    }
  }

  progress(run: RunRecord): Progress {
    return this.#active.get(run.id)?.tally.progress ?? run.progress ?? none;
  }

  /** The same as numbers, for which no list is made. */
  counts(run: RunRecord): Counts {
    return this.#active.get(run.id)?.tally.counts ?? countsOf(run.progress ?? none);
  }

  /** Ends what a run has in the pool, once its stop is recorded. Resolves when everything is over. */
  async stop(id: string): Promise<void> {
    const { steps } = this.parts;
    const active = this.#active.get(id);
    active?.abort.abort();
    await active?.done;
    for (const step of steps.of(id)) if (!isStepOver(step.state)) await steps.stop(step.id);
  }

  get isBusy(): boolean {
    return this.#active.size > 0;
  }

  /** Writes a line to the run's own log. */
  async log(id: string, text: string): Promise<void> {
    await mkdir(this.parts.book.dir(id), { recursive: true, mode: 0o700 });
    const file = this.logFile(id);
    const size = await stat(file).then(
      stats => stats.size,
      () => 0,
    );
    // a workflow engine may print without end
    if (size > MOST_LOG) return;
    const end = size + text.length > MOST_LOG ? '\n… the log is full: later lines are not kept\n' : '';
    await appendFile(file, `${text}${text.endsWith('\n') ? '' : '\n'}${end}`, { mode: 0o600 });
  }

  logFile(id: string): string {
    return join(this.parts.book.dir(id), 'log.txt');
  }

  /** The directory of a run's workflow engine, in which the workflow's author can do anything. */
  engineDir(id: string): string {
    return join(this.parts.book.dir(id), 'engine');
  }

  /** Lets go of the runs: their records and their steps stay, and the next edge continues with them. */
  close(): void {
    this.#closing = true;
  }

  #go(run: RunRecord): void {
    const [abort, tally] = [new AbortController(), new Tally()];
    const active: Active = { abort, tally, done: this.#run(run, abort.signal, tally) };
    this.#active.set(run.id, active);
    active.done.finally(() => {
      this.#active.delete(run.id);
      void this.next();
    });
  }

  async #run(run: RunRecord, signal: AbortSignal, tally: Tally): Promise<void> {
    let isTold = false;
    const told = (): void => {
      isTold = true;
      this.parts.book.touch(run.id);
    };
    const progress = (): Progress | undefined => (isTold ? tally.progress : undefined);
    await null; // the run must be on the list of active runs first
    try {
      await this.#engine(run, signal, tally, told);
      if (!this.#closing)
        await this.#record(run.id, { status: 'finished', finished: Date.now(), progress: progress() });
    } catch (error) {
      if (this.#closing) return;
      if (signal.aborted) await this.#record(run.id, { progress: progress() });
      else await this.#failed(run, error, progress());
    }
  }

  async #engine(run: RunRecord, signal: AbortSignal, tally: Tally, progress: () => void): Promise<void> {
    const { engines, stepsFor, workspace, secrets } = this.parts;
    const engine = engines[run.specification.workflow.type];
    if (!engine)
      throw new ScailfinError(`there is no workflow engine for ${run.specification.workflow.type} workflows here`);
    const dir = this.engineDir(run.id);
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const options = { ...run.specification.inputs?.options, ...run.options };
    const { environment, dir: secretsDir } = await secrets(run);
    const shared = { workflow: run.id, workspace: workspace(run), dir, steps: stepsFor(run), tally, progress };
    await engine.run(
      {
        ...shared,
        specification: run.specification,
        cvmfs: cvmfsOf(run.specification),
        parameters: parametersOf(run),
        options,
        environment: { ...environment, REANA_WORKSPACE: workspace(run) },
        secrets: secretsDir,
        cache: asksForCache(options) ? this.parts.cache.of(run) : undefined,
        log: text => void this.log(run.id, text).catch(() => {}),
      },
      signal,
    );
  }

  async #failed(run: RunRecord, error: unknown, progress: Progress | undefined): Promise<void> {
    const hint = error instanceof ScailfinError && error.hint ? `\n${error.hint}` : '';
    await this.log(run.id, `${messageOf(error)}${hint}`).catch(() => {});
    const reason = messageOf(error);
    await this.#record(run.id, { status: 'failed', finished: Date.now(), reason, progress });
  }

  /** Tries until the change is recorded: a full disk must not lose how a run has ended. */
  async #record(id: string, change: Parameters<RunBook['change']>[1]): Promise<RunRecord | undefined> {
    while (!this.#closing) {
      try {
        return await this.parts.book.change(id, change);
      } catch (error) {
        this.parts.say(`a run's journal can't be written: ${messageOf(error)}`);
        await sleep(RETRY_MS, undefined, { ref: false });
      }
    }
    return undefined;
  }
}
