import { execFile } from 'node:child_process';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { messageOf, ScailfinError } from '../../../errors.js';
import { type PoolStatus, parsePool, poolScript } from '../../../htcondor/query.js';
import type { PoolSample, PoolView } from '../overview.js';

const dayMs = 86_400_000;
const mostSamples = 500;

export type AskPool = () => Promise<PoolStatus>;

/** Asks the pool on this machine, as `scailfin status` does. @param dir the pool's directory */
export const askPool =
  (dir: string): AskPool =>
  () => {
    const args = ['--norc', '-c', poolScript(), 'scailfin', dir];
    return new Promise((resolve, reject) => {
      execFile('bash', args, { timeout: 75_000, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
        if (error) return reject(new ScailfinError(`the pool could not be asked: ${stderr.trim() || error.message}`));
        try {
          resolve(parsePool(stdout, stderr));
        } catch (wrong) {
          reject(wrong);
        }
      });
    });
  };

/** The pool's last answer, and the samples of the last day. It is asked rarely, and only while that is useful. */
export class PoolWatch {
  view: PoolView = { glideins: [], jobs: { waiting: 0, running: 0, held: 0 } };
  #samples: PoolSample[] = [];
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #listeners = new Set<(view: PoolView, sample: PoolSample | undefined) => void>();

  private constructor(
    private readonly ask: AskPool,
    private readonly file: string,
    /** Whether a run is active. */
    private readonly isBusy: () => boolean,
    private readonly everyMs: number,
  ) {}

  /** @param file the file of samples @param everyMs milliseconds between two queries */
  static async open(ask: AskPool, file: string, isBusy: () => boolean, everyMs = 10_000): Promise<PoolWatch> {
    const watch = new PoolWatch(ask, file, isBusy, everyMs);
    const text = await readFile(file, 'utf8').catch(() => '');
    watch.#samples = text.split('\n').flatMap(sampleOf).filter(isRecent);
    await writeFile(file, watch.#samples.map(lineOf).join(''), { mode: 0o600 });
    watch.#again();
    return watch;
  }

  /** Oldest first, reduced to what a plot can show. */
  get history(): readonly PoolSample[] {
    const stride = Math.ceil(this.#samples.length / mostSamples);
    // counted from the end, so that the newest sample is included
    return this.#samples.filter((_, i) => (this.#samples.length - 1 - i) % stride === 0);
  }

  /** Calls back with each answer, and keeps querying. @returns a function that ends the subscription */
  onAnswer(listener: (view: PoolView, sample: PoolSample | undefined) => void): () => void {
    this.#listeners.add(listener);
    if (Date.now() - (this.view.time ?? 0) > this.everyMs) void this.#look();
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #again(): void {
    const next = async (): Promise<void> => {
      if (this.#listeners.size > 0 || this.isBusy()) await this.#look();
      if (this.#timer) this.#again();
    };
    this.#timer = setTimeout(() => void next(), this.everyMs).unref();
  }

  /** One query at a time. */
  #look(): Promise<void> {
    this.#looking ??= this.#question().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #question(): Promise<void> {
    try {
      this.view = viewOf(await this.ask());
      const sample = sampleFrom(this.view);
      this.#samples = [...this.#samples.filter(isRecent), sample];
      await appendFile(this.file, lineOf(sample)).catch(() => {});
    } catch (error) {
      this.view = { ...this.view, problem: messageOf(error) };
    }
    for (const listener of this.#listeners) listener(this.view, this.#samples.at(-1));
  }
}

function viewOf({ pool, glideins, jobs }: PoolStatus): PoolView {
  if (pool !== 'alive' || !jobs) throw new ScailfinError('the pool does not run');
  return {
    time: Date.now(),
    glideins: glideins.map(({ job, site, node, cores, busy, ends }) => ({
      ...{ id: job, site, node, slots: cores, used: busy },
      ...(ends === undefined ? {} : { ends: ends * 1000 }),
    })),
    jobs: { waiting: jobs.idle, running: jobs.running, held: jobs.held },
  };
}

function sampleFrom({ time, glideins, jobs }: PoolView): PoolSample {
  const used = glideins.reduce((sum, glidein) => sum + glidein.used, 0);
  const slots = glideins.reduce((sum, glidein) => sum + glidein.slots, 0);
  return { time: time ?? Date.now(), used, free: Math.max(0, slots - used), waiting: jobs.waiting };
}

const isRecent = ({ time }: PoolSample): boolean => time > Date.now() - dayMs;
const lineOf = (sample: PoolSample): string => `${JSON.stringify(sample)}\n`;

function sampleOf(line: string): PoolSample[] {
  try {
    const { time, used, free, waiting } = JSON.parse(line);
    return [time, used, free, waiting].every(Number.isFinite) ? [{ time, used, free, waiting }] : [];
  } catch {
    return [];
  }
}
