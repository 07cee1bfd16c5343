import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../../errors.js';
import { templateText } from '../../../templates.js';
import { isStepOver, type Step, type StepRequest, type StepService } from '../../jobs/step.js';
import { HttpError } from '../http/errors.js';
import { fullName, type RunRecord } from '../runs/record.js';
import { LiveSession } from './live.js';
import type { SessionBook, SessionRecord } from './record.js';

/** The types of REANA's sessions; it has no others (reana-db, InteractiveSessionType). */
export const sessionTypes = ['jupyter'] as const;

/** The image that REANA 0.9.4 recommends (helm/reana/values.yaml, interactive_sessions). */
export const defaultImage = 'quay.io/jupyter/scipy-notebook:notebook-7.2.2';
/** Seconds without use after which a session is closed: it holds a core of the allocation. */
export const defaultIdle = 3600;

export interface SessionsOptions {
  /** Seconds. */
  readonly idle?: number | undefined;
  /** For sessions that name none. */
  readonly image?: string | undefined;
}

export interface SessionsParts extends SessionsOptions {
  readonly book: SessionBook;
  readonly steps: StepService;
  /** The service that submits for the owner of a run. */
  readonly stepsFor: (run: RunRecord) => StepService;
  /** Environment, secrets and files of a run's session. */
  readonly around: (run: RunRecord) => Promise<Pick<StepRequest, 'workspace' | 'environment' | 'secrets' | 'cvmfs'>>;
  /** A directory for what is on its way. */
  readonly incoming: string;
  readonly changed: (run: string) => void;
  readonly say: (line: string) => void;
}

/** The states of a session, in REANA's words for runs. */
export type SessionStatus = 'created' | 'running' | 'stopped' | 'failed';

/** Jupyter wants room of its own beside that of its kernels. MiB. */
const resources = { cores: 1, memory: 2048 };
/** A session that was asked to end has so much time to do so, before its step is removed without its changes. */
const endingMs = 120_000;
/** A request to close one waits for so long; then its files come later. */
const answerMs = 20_000;
const lookMs = 30_000;
/** The program in the container waits for so much longer than the edge, which may be away for a while. Seconds. */
const agentsPatience = 3600;

/** Interactive sessions of runs: each is a job of the pool in which Jupyter runs, and a way to it. */
export class Sessions {
  readonly #live = new Map<string, LiveSession>();
  readonly #ending = new Map<string, Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  readonly #off: () => void;

  constructor(private readonly parts: SessionsParts) {
    this.#timer = setInterval(() => void this.#look(), Math.min(lookMs, (1000 * this.idle) / 4)).unref();
    this.#off = parts.steps.onChange(step => void this.#learn(step).catch(error => parts.say(messageOf(error))));
  }

  /** Continues the sessions of an earlier edge. */
  async open(): Promise<void> {
    for (const record of this.parts.book.all()) {
      const step = this.parts.steps.get(record.id);
      if (record.failed !== undefined) continue;
      if (!step || isStepOver(step.state)) await this.#over(record, step);
      else this.#connect(record);
      if (record.closing) void this.#end(record).catch(error => this.parts.say(messageOf(error)));
    }
  }

  /** Seconds. */
  get idle(): number {
    return this.parts.idle ?? defaultIdle;
  }

  get image(): string {
    return this.parts.image ?? defaultImage;
  }

  of(run: string): SessionRecord | undefined {
    return this.parts.book.of(run);
  }

  live(run: string): LiveSession | undefined {
    const record = this.of(run);
    return record && this.#live.get(record.id);
  }

  status({ id, run, closing, failed }: SessionRecord): SessionStatus {
    if (failed !== undefined) return 'failed';
    if (closing) return 'stopped';
    return this.#live.get(id)?.isReady && this.of(run)?.id === id ? 'running' : 'created';
  }

  /** What a session waits for, or why it failed; a sentence, if it is known. */
  reason({ id, failed }: SessionRecord): string | undefined {
    return failed ?? this.parts.steps.get(id)?.reason;
  }

  /** What its step printed. */
  log({ id }: SessionRecord): Promise<string> {
    return this.parts.steps.log(id, 4096);
  }

  /** @param image that of the request, if it names one @throws HttpError 404 as REANA does if there is one */
  async begin(run: RunRecord, image: string | undefined): Promise<SessionRecord> {
    const before = this.of(run.id);
    if (before && before.failed === undefined) {
      const words = before.closing ? 'is still being closed' : 'is already open';
      throw new HttpError(404, `Interactive session ${words}`);
    }
    if (before) await this.#forget(before);
    const secret = (): string => randomBytes(32).toString('base64url');
    const record: SessionRecord = {
      ...{ id: randomUUID(), run: run.id, image: image ?? this.image },
      ...{ created: Date.now(), token: secret(), cookies: secret() },
    };
    await this.parts.book.put(record);
    try {
      const step = await this.#request(run, record);
      await this.parts.stepsFor(run).submit(step, record.id);
    } catch (error) {
      await this.parts.book.remove(record);
      throw error;
    }
    this.#connect(record);
    this.parts.changed(run.id);
    return record;
  }

  /** Ends a session and waits a while for what it changed. @throws HttpError 404 if there is none */
  async end(run: RunRecord): Promise<void> {
    const record = this.of(run.id);
    if (!record || record.closing) {
      throw new HttpError(404, `Workflow - ${fullName(run)} has no open interactive session.`);
    }
    if (record.failed !== undefined) return this.#forget(record);
    const closing = { ...record, closing: true };
    await this.parts.book.put(closing);
    this.parts.changed(run.id);
    const ended = this.#end(closing).catch(error => this.parts.say(messageOf(error)));
    await Promise.race([ended, sleep(answerMs, undefined, { ref: false })]);
  }

  /** Ends the session of a run that is deleted, with all that it changed. */
  async drop(run: string): Promise<void> {
    const record = this.of(run);
    if (!record) return;
    await this.parts.steps.stop(record.id);
    await this.#forget(record);
  }

  /** Ends the sessions of these runs; their changes are kept. */
  async endAll(runs: readonly RunRecord[]): Promise<void> {
    for (const run of runs) if (this.of(run.id) && !this.of(run.id)?.closing) await this.end(run);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#off();
    for (const live of this.#live.values()) live.close();
    this.#live.clear();
  }

  async #request(run: RunRecord, { id, image }: SessionRecord): Promise<StepRequest> {
    const around = await this.parts.around(run);
    // its arguments can be seen by all users of the node, and there is nothing secret among them
    const patience = this.idle + agentsPatience;
    const missing = 'echo "scailfin: this image has no python3, so it has no Jupyter" >&2; exit 127';
    const agent = `'${templateText('session/agent.py').replaceAll("'", "'\\''")}'`;
    return {
      ...{ ...around, workflow: id, isSession: true, name: 'session', image, resources },
      command: `command -v python3 >/dev/null || { ${missing}; }; exec python3 -c ${agent} ${patience}`,
      shown: 'jupyter',
    };
  }

  #connect(record: SessionRecord): void {
    const live = new LiveSession(record, this.parts.steps, this.parts.incoming, () => this.parts.changed(record.run));
    this.#live.set(record.id, live);
  }

  /** @returns when its step is over, and what it changed is in the run's files */
  #end(record: SessionRecord): Promise<void> {
    const { steps } = this.parts;
    const { id } = record;
    const known = this.#ending.get(id);
    if (known) return known;
    const end = async (): Promise<void> => {
      const live = this.#live.get(id);
      const step = steps.get(id);
      // one that has not begun has changed nothing
      if (step?.state === 'running' && live) {
        live.end();
        await Promise.race([steps.ended(id), sleep(endingMs, undefined, { ref: false })]);
      }
      await steps.stop(id);
      await this.#forget(record);
    };
    const ending = end().finally(() => this.#ending.delete(id));
    this.#ending.set(id, ending);
    return ending;
  }

  async #forget(record: SessionRecord): Promise<void> {
    this.#cut(record.id);
    await this.parts.book.remove(record);
    await this.parts.steps.forget(record.id);
    this.parts.changed(record.run);
  }

  #cut(id: string): void {
    this.#live.get(id)?.close();
    this.#live.delete(id);
  }

  async #learn(step: Step): Promise<void> {
    const { id, request, state } = step;
    if (!request.isSession || !isStepOver(state)) return;
    const record = this.parts.book.all().find(each => each.id === id);
    if (record && !record.closing) await this.#over(record, step);
  }

  /** It has ended by itself: its user shut Jupyter down, or it failed. */
  async #over(record: SessionRecord, step: Step | undefined): Promise<void> {
    this.#cut(record.id);
    if (step?.state === 'finished' || step?.state === 'stopped' || record.closing) return this.#forget(record);
    const said = step ? (await this.log(record)).trim().split('\n').at(-1) : '';
    const why = step?.reason ?? (said || 'nobody knows how it ended');
    await this.parts.book.put({ ...record, failed: why });
    this.parts.changed(record.run);
  }

  /** Closes the sessions that nobody uses. */
  async #look(): Promise<void> {
    for (const live of [...this.#live.values()]) {
      const { record } = live;
      if (!live.isReady || this.of(record.run)?.closing || Date.now() - live.used < 1000 * this.idle) continue;
      // a kernel that computes is in use; one that can't be asked is not known to be
      if (await live.isBusy().catch(() => false)) live.touch();
      else {
        this.parts.say(`the session of run ${record.run} was not used for ${this.idle} s: it is closed`);
        const closing = { ...record, closing: true };
        await this.parts.book.put(closing).catch(() => {});
        await this.#end(closing).catch(error => this.parts.say(messageOf(error)));
      }
    }
  }
}
