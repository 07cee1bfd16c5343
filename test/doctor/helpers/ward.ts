import { expect } from 'vitest';
import type { CheckReport } from '../../../src/doctor/check.js';
import { Started } from '../../cluster/helpers/bench.js';
import { type HostName, Lab } from '../../lab/lab.js';
import { until } from '../../lab/programs.js';
import type { SiteName } from '../../lab/site.js';

export interface Examined extends CheckReport {
  /** Of `--write`. */
  readonly written?: string;
}

export interface Diagnosis {
  readonly stage: string;
  readonly says: readonly (RegExp | string)[];
  readonly hint: RegExp | string;
}

export const root = { user: 'root' };
const port = 8099;

/** A lab whose site is examined by scail on the headnode, and what must be so afterwards. */
export class Ward {
  private constructor(
    readonly lab: Lab,
    /** What the profile is called. */
    readonly site: string,
  ) {}

  /** What `sites check` tries to reach is a web server on the headnode: nothing leaves the lab. */
  static async open(site: SiteName): Promise<Ward> {
    const lab = await Lab.up({ site });
    const ward = new Ward(lab, lab.site.profileName);
    await lab.write('headnode', '.config/scailfin/config.yaml', `probeUrls: ['http://headnode:${port}/']\n`);
    await lab.exec('headnode', ['mkdir', '-p', '/srv/empty'], root);
    const server = ['python3', '-m', 'http.server', '--directory', '/srv/empty', String(port)];
    // not scail's, whose processes are looked at
    lab.spawn('headnode', server, { ...root, stdio: 'ignore' });
    await until('the web server', 10_000, async () => {
      const { exitCode } = await lab.exec('headnode', ['curl', '-s', `http://headnode:${port}/`], { check: false });
      return exitCode === 0;
    });
    return ward;
  }

  async close(): Promise<void> {
    await this.lab.down();
  }

  /** Runs the check to its end, and reads its document. */
  async examine(args: readonly string[] = [], site = this.site): Promise<Examined & { exitCode: number | null }> {
    const argv = ['scailfin', 'sites', 'check', site, '--json', ...args];
    const { stdout, stderr, exitCode } = await this.lab.exec('headnode', argv, { check: false, timeoutMs: 120_000 });
    expect(stderr).toBe('');
    return { ...(JSON.parse(stdout) as Examined), exitCode };
  }

  /** As a person reads it. */
  async read(args: readonly string[] = [], site = this.site): Promise<{ text: string; exitCode: number | null }> {
    const argv = ['scailfin', 'sites', 'check', site, ...args];
    const ran = await this.lab.exec('headnode', argv, { check: false, timeoutMs: 120_000 });
    expect(ran.stderr).toBe('');
    return { text: ran.stdout, exitCode: ran.exitCode };
  }

  start(args: readonly string[] = []): Started {
    return new Started(this.lab.spawn('headnode', ['scailfin', 'sites', 'check', this.site, ...args]));
  }

  /** The check names this stage, says this and advises that, on the terminal as in JSON; later stages are skipped. */
  async diagnoses(diagnosis: Diagnosis, args: readonly string[] = [], site = this.site): Promise<Examined> {
    const report = await this.examine(args, site);
    expectCulprit(report, diagnosis);
    expect(report.exitCode).toBe(1);
    const { text, exitCode } = await this.read(args, site);
    expect(exitCode).toBe(1);
    const marks = text.split('\n').flatMap(line => /^ ([✓!✗–]) /.exec(line)?.[1] ?? []);
    expect(
      marks.filter(m => m === '✗'),
      text,
    ).toHaveLength(1);
    expect(
      marks.slice(marks.indexOf('✗') + 1).every(m => m === '–'),
      text,
    ).toBe(true);
    expect(text.split('\n   → ').at(-1)).toMatch(diagnosis.hint);
    const culprit = report.stages.find(s => s.id === diagnosis.stage);
    expect(text).toContain(`What to mend first: ${culprit?.title}.`);
    return report;
  }

  /** All is well but for this warning, after which everything else was looked at. */
  async warns({ stage, says, hint }: Diagnosis, args: readonly string[] = []): Promise<Examined> {
    const report = await this.examine(args);
    const found = report.stages.find(s => s.id === stage);
    expect(found, JSON.stringify(report.stages, null, 1)).toMatchObject({ status: 'warning' });
    for (const part of says) expect(found?.detail).toMatch(part);
    expect(found?.hint).toMatch(hint);
    expect(report.stages.filter(s => s.status === 'failed' || s.status === 'skipped')).toEqual([]);
    expect([report.ok, report.exitCode]).toEqual([true, 0]);
    return report;
  }

  /** A profile of the lab's site with something changed, found by name on the headnode. */
  async profile(name: string, change: (text: string) => string): Promise<void> {
    const text = change(this.lab.site.profile.replace(`name: ${this.site}`, `name: ${name}`));
    await this.lab.write('headnode', `.config/scailfin/sites/${name}.yaml`, text);
  }

  async sh(host: HostName, script: string, user?: string): Promise<string> {
    return (await this.lab.exec(host, ['sh', '-ec', script], user ? { user } : {})).stdout;
  }

  /** Does something to a host for as long as `work` lasts. */
  async during<T>(host: HostName, begin: string, end: string, work: () => Promise<T>): Promise<T> {
    await this.sh(host, begin, 'root');
    return await work().finally(() => this.sh(host, end, 'root'));
  }

  /** No job, no process, no file of a check anywhere. */
  async expectNothing(): Promise<void> {
    let found: string[] = [];
    const gone = async () => {
      found = await this.lab.leftovers();
      return found.length === 0;
    };
    await until('nothing to be left', 10_000, gone).catch(() => expect(found.slice(0, 12)).toEqual([]));
  }

  /** Waits until the batch system has the check's job. */
  async untilSubmitted(): Promise<void> {
    await until('the job', 30_000, async () => (await this.jobs()).length > 0);
  }

  /** The site's jobs, a line each. */
  async jobs(): Promise<string[]> {
    return (await this.lab.leftovers()).filter(line => line.startsWith(`${this.lab.site.name}: job`));
  }
}

/** One stage failed, with these words and this advice; those before it did not, those after it were not looked at. */
export function expectCulprit(report: Examined, { stage, says, hint }: Diagnosis): void {
  const shown = JSON.stringify(report.stages, null, 1);
  const at = report.stages.findIndex(s => s.status === 'failed');
  const culprit = report.stages[at];
  expect(culprit?.id, shown).toBe(stage);
  for (const part of says) expect(culprit?.detail).toMatch(part);
  expect(culprit?.hint).toMatch(hint);
  expect(report.stages.slice(at + 1).map(s => s.status)).toEqual(report.stages.slice(at + 1).map(() => 'skipped'));
  for (const later of report.stages.slice(at + 1)) expect(later.detail).toContain(`first correct "${culprit?.title}"`);
  expect(report.ok).toBe(false);
}
