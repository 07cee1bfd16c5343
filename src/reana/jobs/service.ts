import { randomUUID } from 'node:crypto';
import { appendFile, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { plainly } from '../../errors.js';
import { LogFollower } from '../../htcondor/follow.js';
import type { LoggedEvent } from '../../htcondor/userlog.js';
import { removeTree } from '../tree.js';
import { Collector } from './collect.js';
import { checkRequest, type Place } from './description.js';
import { FileWire } from './filewire.js';
import { Hashes } from './hashes.js';
import { tidy } from './inputs.js';
import { Ledger } from './ledger.js';
import { Limits } from './limits.js';
import { Manifests } from './manifests.js';
import { eventLog, notesPath, stepDir } from './places.js';
import { printed } from './printed.js';
import { JobQueue } from './queue.js';
import type { StepRecord } from './record.js';
import { othersSubmitted, reconcile } from './recovery.js';
import { isStepOver, type Step, type StepRequest, type StepService } from './step.js';
import { changeBy } from './story.js';
import { Submitter } from './submitter.js';
import { Waiting } from './waiting.js';
import type { Wire, WireEvents } from './wire.js';

export interface PoolStepsOptions {
  /** Absolute: `<edge>/steps`; it is made if it does not exist. */
  readonly dir: string;
  /** The directory of condor_submit. */
  readonly condorBin: string;
  readonly condorConfig: string;
  /** Absolute; the script that every job runs. */
  readonly wrapper: string;
  /** Seconds after which the step of a silent node runs elsewhere; default: the pool's own. */
  readonly lease?: number;
  /** Time between comparisons of the records with the pool; default one minute. */
  readonly reconcileMs?: number;
  /** How many bytes a step may print; default 1 GiB. */
  readonly mostPrinted?: number;
}

/** A stop is answered after this time at the latest; it continues in the background. */
const STOP_MS = 30_000;
const RETRY_MS = 2000;
/** Time between checks of why steps wait. */
const WAITING_MS = 5000;
/** Time in which the log can still report on jobs that have left the queue. */
const SETTLE_MS = 1000;
const LOG_BYTES = 1 << 20;
/** HTCondor 23.9 sends its last data again after a lost connection. */
const TWICE = 'The headnode was away for a while: a piece of what the step printed may appear twice';

/** Steps as jobs of an HTCondor pool on this machine. */
export class PoolSteps implements StepService {
  readonly #submitter: Submitter;
  readonly #collector: Collector;
  /** The step of each job. */
  readonly #jobs = new Map<string, string>();
  readonly #unwanted: string[] = [];
  readonly #collecting = new Map<string, Promise<void>>();
  #follower: LogFollower | undefined;
  readonly #timers: NodeJS.Timeout[] = [];
  #reconciling: Promise<void> | undefined;
  #isKnown = false;
  #closed = false;

  private constructor(
    private readonly options: PoolStepsOptions,
    private readonly ledger: Ledger,
    private readonly queue: JobQueue,
    place: Place,
    hashes: Hashes,
  ) {
    const manifests = new Manifests();
    this.#submitter = new Submitter(ledger, queue, place, hashes, manifests);
    this.#collector = new Collector(place.dir, hashes, manifests);
  }

  /**
   * Continues all steps of an earlier service. When it resolves, everything that happened meanwhile is known, except what
   * only the pool can say, which may not answer yet.
   */
  static async open(options: PoolStepsOptions): Promise<PoolSteps> {
    const { dir, wrapper, lease } = options;
    const ledger = await Ledger.open(dir);
    const log = eventLog(dir);
    await mkdir(dirname(log), { recursive: true, mode: 0o700 });
    const hashes = await Hashes.open(join(dir, 'hashes'));
    const queue = new JobQueue(options.condorBin, options.condorConfig);
    const service = new PoolSteps(options, ledger, queue, { dir, wrapper, log, lease }, hashes);
    ledger.onChange(step => service.#know(step));
    ledger.onChange(step => service.#tidy(step));
    for (const step of ledger.steps.all.values()) service.#know(step);
    for (const step of ledger.steps.left()) service.#collect(step);
    service.#follower = await LogFollower.open(log, ledger.read, events => service.#learn(events));
    service.#reconcile();
    const waiting = new Waiting(ledger, queue);
    const limits = new Limits(ledger, dir, options.mostPrinted, job => service.#removeSoon(job));
    service.#timers.push(
      setInterval(() => service.#reconcile(), options.reconcileMs ?? 60_000).unref(),
      setInterval(() => void waiting.look(), WAITING_MS).unref(),
      ...limits.watch(),
    );
    return service;
  }

  async submit(request: StepRequest, id: string = randomUUID()): Promise<Step> {
    const known = this.ledger.get(id);
    if (known) {
      await this.ledger.flushed();
      return known;
    }
    checkRequest(request);
    const step: StepRecord = { id, request, state: 'queued', attempts: 0, created: Date.now() };
    await this.ledger.add(step);
    // a step that an earlier service submitted is one of those about which the pool is asked first
    this.#submitter.add([id]);
    return this.ledger.get(id) ?? step;
  }

  get(id: string): Step | undefined {
    return this.ledger.get(id);
  }

  of(workflow: string): readonly Step[] {
    return [...this.ledger.steps.of(workflow).values()];
  }

  ended(id: string, signal?: AbortSignal): Promise<Step> {
    return this.ledger.ended(id, signal);
  }

  async stop(id: string): Promise<void> {
    const step = this.ledger.get(id);
    if (!step || isStepOver(step.state) || step.ending) return;
    const isBusy = this.#submitter.busy.has(id) || !this.#isKnown;
    if (step.job === undefined && !isBusy) {
      return this.ledger.change(id, { stopping: true, state: 'stopped', ended: Date.now(), reason: 'stopped' });
    }
    if (!step.stopping) await this.ledger.change(id, { stopping: true });
    if (step.job !== undefined) this.#removeSoon(step.job);
    await Promise.race([this.ended(id), new Promise(resolve => setTimeout(resolve, STOP_MS).unref())]);
  }

  async log(id: string, bytes = LOG_BYTES): Promise<string> {
    return printed(this.options.dir, id, bytes);
  }

  wire(id: string, events: WireEvents): Wire {
    return new FileWire(this.options.dir, id, events);
  }

  async save(id: string, archive: string, deleted: readonly string[]): Promise<void> {
    const step = this.ledger.get(id);
    try {
      // once it has ended, what it returns is newer
      const goesOn = (): boolean => this.ledger.get(id)?.state === 'running' && !this.ledger.get(id)?.ending;
      if (step) await this.#collector.save(step, archive, deleted, goesOn);
    } finally {
      await rm(archive, { force: true });
    }
  }

  onChange(listener: (step: Step) => void): () => void {
    return this.ledger.onChange(listener);
  }

  async forget(workflow: string): Promise<void> {
    const steps = this.of(workflow);
    await Promise.all(steps.map(({ id }) => this.stop(id)));
    for (const { id, request } of steps) {
      await removeTree(stepDir(this.options.dir, id));
      await this.ledger.forget(id);
      this.#collector.forget(request.workspace);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
    await this.#submitter.close();
    await this.#reconciling;
    await this.#follower?.close();
    await Promise.all(this.#collecting.values());
    await this.ledger.close();
  }

  #know({ id, job }: Step): void {
    if (job !== undefined) this.#jobs.set(job, id);
  }

  #tidy({ id, state }: Step): void {
    if (isStepOver(state)) void tidy(this.options.dir, id).catch(() => {});
  }

  #learn(events: readonly LoggedEvent[]): void {
    for (const { event, end } of events) {
      if (event.kind === 'submitted') this.#jobs.set(event.job, event.notes?.split(' ').at(-1) ?? '');
      const step = this.ledger.get(this.#jobs.get(event.job) ?? '');
      if (step && event.kind === 'reconnected') this.#note(step, TWICE);
      const change = step && changeBy(event, step);
      if (!step || !change) continue;
      void this.ledger.change(step.id, change, end);
      if (change.ending) this.#collect({ ...step, ...change });
      else if (change.state === 'failed' && event.kind !== 'aborted') this.#removeSoon(event.job);
    }
  }

  #note({ id }: StepRecord, text: string): void {
    void appendFile(notesPath(this.options.dir, id), `${text}\n`).catch(() => {});
  }

  #collect(step: StepRecord): void {
    const { id, ending } = step;
    if (!ending || isStepOver(step.state) || this.#collecting.has(id)) return;
    const collected = this.#collector
      .collect({ ...step, ending })
      .catch(error => ({ state: 'failed' as const, ended: Date.now(), reason: plainly(error) }))
      .then(change => this.ledger.change(id, change))
      .finally(() => this.#collecting.delete(id));
    this.#collecting.set(id, collected);
  }

  /** Many removals become one command; what fails is found again in the next comparison with the pool. */
  #removeSoon(job: string): void {
    this.#unwanted.push(job);
    if (this.#unwanted.length > 1) return;
    setImmediate(() => {
      void this.queue.remove(this.#unwanted.splice(0)).catch(() => {});
    });
  }

  #reconcile(): void {
    if (this.#closed || this.#reconciling) return;
    this.#reconciling = this.#compare()
      .catch(() => {
        // the pool does not answer: its jobs are unknown, and nothing is done that relies on them
        if (!this.#isKnown) setTimeout(() => this.#reconcile(), RETRY_MS).unref();
      })
      .finally(() => {
        this.#reconciling = undefined;
      });
  }

  async #compare(): Promise<void> {
    if (!this.#isKnown) await othersSubmitted(this.options.dir);
    const settled = async () => {
      await new Promise(resolve => setTimeout(resolve, SETTLE_MS));
      await this.#follower?.catchUp();
    };
    const never = await reconcile(this.ledger, this.queue, id => this.#submitter.busy.has(id), settled);
    this.#isKnown = true;
    this.#submitter.add(never);
    for (const step of this.ledger.steps.left()) this.#collect(step);
  }
}
