import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { execa } from 'execa';
import type { Result } from './trial.js';

/** A line of the file: what became of a trial that ended well, and the commit that was tried. */
interface Line extends Pick<Result, 'scenario' | 'point' | 'fault' | 'ending' | 'ended'> {
  readonly commit: string;
}

/**
 * A file of results, a JSON object in each line, so that a campaign of many hours can be made in parts.
 * A trial that is there is not made again, whatever has changed since then: to try it again, remove its line.
 */
export class Kept {
  readonly results: readonly Result[];

  private constructor(
    readonly file: string,
    private readonly commit: string,
  ) {
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
    this.results = lines.map(line => ({ ...(JSON.parse(line) as Line), said: '', wrong: [], seconds: 0 }));
  }

  static async open(file: string): Promise<Kept> {
    const { stdout } = await execa('git', ['rev-parse', '--short', 'HEAD'], { cwd: import.meta.dirname });
    return new Kept(file, stdout);
  }

  /** Whether a fault was tried at a point, with any ending. */
  has({ scenario, point, fault }: Pick<Result, 'scenario' | 'point' | 'fault'>): boolean {
    return this.results.some(one => one.scenario === scenario && one.point === point && one.fault === fault);
  }

  /** Results that are not as they must be are not kept, because they are to be tried again. */
  add({ scenario, point, fault, ending, ended, wrong }: Result): void {
    if (wrong.length > 0) return;
    const line: Line = { scenario, point, fault, ending, ended, commit: this.commit };
    appendFileSync(this.file, `${JSON.stringify(line)}\n`);
  }
}
