import { randomUUID } from 'node:crypto';
import { isStepOver, type Step, type StepRequest, type StepService } from '../../src/reana/jobs/step.js';
import type { Wire, WireEvents } from '../../src/reana/jobs/wire.js';

/**
 * Stands in for the pool: a step ends as its test says, at once or when the test says so.
 * @param outcome what becomes of a step; undefined leaves it running
 */
export class FakeSteps implements StepService {
  readonly requests: StepRequest[] = [];
  readonly #steps = new Map<string, Step>();
  readonly #listeners = new Set<(step: Step) => void>();

  constructor(
    private readonly outcome: (request: StepRequest) => Partial<Step> | undefined = () => ({ exitCode: 0 }),
  ) {}

  async submit(request: StepRequest, id: string = randomUUID()): Promise<Step> {
    const known = this.#steps.get(id);
    if (known) return known;
    this.requests.push(request);
    const step: Step = { id, request, state: 'running', attempts: 1, created: Date.now() };
    this.#steps.set(id, step);
    const outcome = this.outcome(request);
    if (outcome) setImmediate(() => this.end(id, outcome));
    return step;
  }

  end(id: string, outcome: Partial<Step>): void {
    const step = this.#steps.get(id);
    if (!step || isStepOver(step.state)) return;
    const state = (outcome.exitCode ?? 0) === 0 ? 'finished' : 'failed';
    const ended: Step = { ...step, state, ended: Date.now(), ...outcome };
    this.#steps.set(id, ended);
    for (const listener of this.#listeners) listener(ended);
  }

  get(id: string): Step | undefined {
    return this.#steps.get(id);
  }

  of(workflow: string): readonly Step[] {
    return [...this.#steps.values()].filter(s => s.request.workflow === workflow);
  }

  async ended(id: string, signal?: AbortSignal): Promise<Step> {
    const now = this.#steps.get(id) as Step;
    if (isStepOver(now.state)) return now;
    return new Promise((resolve, reject) => {
      const off = this.onChange(step => {
        if (step.id !== id || !isStepOver(step.state)) return;
        off();
        resolve(step);
      });
      signal?.addEventListener('abort', () => {
        off();
        reject(signal.reason);
      });
      if (signal?.aborted) reject(signal.reason);
    });
  }

  async stop(id: string): Promise<void> {
    this.end(id, { state: 'stopped' });
  }

  async log(id: string): Promise<string> {
    return `printed by ${this.#steps.get(id)?.request.name}\n`;
  }

  /** A session says nothing, and ends when it is told to. */
  wire(id: string, _events: WireEvents): Wire {
    const send = async (batch: Buffer): Promise<void> => {
      if (batch.includes('{"close":true}')) this.end(id, { exitCode: 0 });
    };
    return { send, close: () => {} };
  }

  async save(): Promise<void> {}

  onChange(listener: (step: Step) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async forget(workflow: string): Promise<void> {
    for (const { id } of this.of(workflow)) this.#steps.delete(id);
  }

  async close(): Promise<void> {}
}
