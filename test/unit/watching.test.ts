import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { failure, follow } from '../../src/cli/run-watch.js';
import { Ui } from '../../src/cli/ui.js';
import type { ReanaClient, RunReport } from '../../src/reana/client.js';

class Listener extends Ui {
  readonly heard: string[] = [];
  override say(...words: readonly unknown[]): void {
    this.heard.push(words.join(''));
  }
}

/** A run of one step, which begins after 30 s and ends after 90 s; its logs take a while. Times are in milliseconds. */
class Run {
  asked = 0;
  readonly began = Date.now();
  constructor(private readonly logsTake: number) {}

  get #age(): number {
    return Date.now() - this.began;
  }

  async status(): Promise<unknown> {
    const [running, finished] = [this.#age >= 30_000 && this.#age < 90_000 ? 1 : 0, this.#age < 90_000 ? 0 : 1];
    const progress = { total: { total: 1 }, running: { total: running }, finished: { total: finished } };
    return { id: '1', name: 'fit.1', status: finished === 1 ? 'finished' : 'running', progress };
  }

  async logs(): Promise<unknown> {
    this.asked += 1;
    const status = this.#age < 30_000 ? 'queued' : this.#age < 90_000 ? 'running' : 'finished';
    const why = this.#age < 10_000 ? 'no node is free' : 'its node is being cleaned';
    await new Promise(resolve => setTimeout(resolve, this.logsTake));
    return { job_logs: { a: { job_name: 'fit', status, logs: status === 'queued' ? why : 'printed' } } };
  }
}

describe('watching a run', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const watch = async (logsTake: number) => {
    const [run, ui] = [new Run(logsTake), new Listener()];
    const done = follow(run as unknown as ReanaClient, 'fit.1', ui);
    await vi.advanceTimersByTimeAsync(120_000);
    expect((await done).status).toBe('finished');
    return { asked: run.asked, heard: ui.heard };
  };

  it('tells what each step does, and asks for the logs only now and then', async () => {
    const { asked, heard } = await watch(10);
    expect(heard).toEqual([
      ' · fit: queued: no node is free',
      ' · fit: queued: its node is being cleaned',
      ' ▸ fit: running',
      ' ✓ fit: finished',
      'fit.1: finished, 1 of 1 steps',
    ]);
    // 180 if it was each time
    expect(asked).toBeLessThanOrEqual(22);
  });

  it('spends a tenth of the time on logs that are long', async () => {
    expect((await watch(3000)).asked).toBeLessThanOrEqual(5);
  });
});

describe('why a run failed', () => {
  const why = async (job_logs: Readonly<Record<string, unknown>>) => {
    const workflow_logs =
      '  File "adage.py", line 89\nRuntimeError: workflow finished but failed\nstep plot ended with status 1';
    const client = { logs: async () => ({ workflow_logs, job_logs }) } as unknown as ReanaClient;
    return (await failure(client, { name: 'fit.1', status: 'failed' } as RunReport)).message;
  };

  it('is told by the step that failed first, and not by the traceback of the workflow engine', async () => {
    const step = { status: 'failed', job_name: 'hepdata', logs: 'no file', finished_at: '2026-11-29T10:00:02' };
    const first = { ...step, job_name: 'plot', logs: 'no such histogram', finished_at: '2026-11-29T10:00:01' };
    expect(await why({ a: { ...step, status: 'finished' }, b: step, c: first })).toBe(
      'fit.1 failed\n  step plot ended with status 1\nstep plot printed:\n  no such histogram',
    );
  });

  it('is all that the workflow engine said, if no step failed', async () => {
    expect(await why({})).toContain('workflow finished but failed');
  });
});
