import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, ms, ratio, type Times, table } from './report.js';

const door = fileURLToPath(new URL('../../bin/scailfin.js', import.meta.url));
const dryRun = ['up', '--site', 'local', '--dry-run'];

const contestants: { readonly [what: string]: readonly string[] } = {
  'node -e 0': ['-e', '0'],
  'scailfin --version': [door, '--version'],
  'scailfin --help': [door, '--help'],
  'scailfin up --site local --dry-run': [door, ...dryRun],
};
const reference = 'node -e 0';
/** Of `--version`, against the reference. */
const goal = 1.6;

export interface Startup {
  readonly times: { readonly [what: string]: Times };
  /** Whether a dry run did its work where there is no network at all; undefined when that could not be tried. */
  readonly dryRunWithoutNetwork: boolean | undefined;
}

/** Starts each in turn, `rounds` times, so that what else the machine does falls on all alike. */
export function measureStartup(rounds: number): Startup {
  const home = mkdtempSync(join(tmpdir(), 'scailfin-bench-'));
  // nobody's settings, and a place of its own for what dry runs write
  const env = { PATH: process.env.PATH, HOME: home, TMPDIR: home };
  const start = (argv: readonly string[]) => {
    const [file, ...args] = argv as [string, ...string[]];
    return spawnSync(file, args, { env, timeout: 30_000, encoding: 'utf8' });
  };
  const times = Object.fromEntries(Object.keys(contestants).map((what): [string, number[]] => [what, []]));
  try {
    for (let round = -1; round < rounds; round++) {
      for (const [what, args] of Object.entries(contestants)) {
        const began = performance.now();
        const { status, stderr } = start([process.execPath, ...args]);
        const took = performance.now() - began;
        if (status !== 0) throw new Error(`${what}: exit status ${status}: ${stderr}`);
        // the first round only fills the machine's caches
        if (round >= 0) times[what]?.push(took);
      }
    }
    const canUnshare = start(['unshare', '--net', 'true']).status === 0;
    const alone = () => start(['unshare', '--net', process.execPath, door, ...dryRun]).status === 0;
    return { times, dryRunWithoutNetwork: canUnshare ? alone() : undefined };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

export function describeStartup({ times, dryRunWithoutNetwork }: Startup): string {
  const base = median(times[reference] as Times);
  const rows = Object.entries(times).map(([what, each]) => {
    const time = median(each);
    const verdict = time / base <= goal ? 'met' : 'missed';
    const note = what === 'scailfin --version' ? `goal ≤ ${goal}×: ${verdict}` : '';
    return [what, ms(time), ratio(time, base), note];
  });
  const rounds = times[reference]?.length;
  const how = { true: 'works', false: 'FAILS', undefined: 'not tried, that needs root' }[String(dryRunWithoutNetwork)];
  return [
    `Start-up (median of ${rounds})`,
    table([['', 'time', `× ${reference}`, ''], ...rows]),
    `  a dry run without any network: ${how}`,
  ].join('\n');
}
