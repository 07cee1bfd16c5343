import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Lab } from '../lab/lab.js';
import { offer } from '../lab/wheels.js';
import { median, ratio, table } from './report.js';

export interface FrameworksPlan {
  readonly tasks: number;
  readonly rounds: number;
}

/** On both sides: so many workers, or blocks of workers, with so many cores each. */
const WORKERS = 2;
const CORES = 2;

const frameworks = ['dask', 'parsl'] as const;
type Framework = (typeof frameworks)[number];

interface Side {
  /** Seconds from the start of the program until it has the result of its first task. */
  readonly first: number;
  /** Seconds that each map took. */
  readonly took: readonly number[];
  /** Lines that the user writes, in the program and in the shell. */
  readonly lines: number;
}

interface Pair {
  readonly framework: Framework;
  readonly pool: Side & {
    /** Seconds that `scailfin up` took before, from nothing. */
    readonly up: number;
  };
  readonly slurm: Side;
}

export interface FrameworksFound extends FrameworksPlan {
  readonly workers: number;
  readonly cores: number;
  readonly pairs: readonly Pair[];
}

const beside = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
export const programOf = (framework: Framework): string => beside(`frameworks/with-${framework}.py`);
const requirementsOf = (framework: Framework): string => beside(`../../templates/worker/${framework}/requirements.txt`);
const jobqueue = beside('frameworks/requirements.txt');
const there = (framework: Framework) => `/opt/with-${framework}.py`;

/** The lines between the marks for one way, in the order of the program: the pool's, and then Slurm's. Blank ones do not count. */
export function linesOf(program: string, way: 'pool' | 'slurm'): number {
  const parts = program.split(/^ *# ----.*$/m);
  // between the first two marks, and between the last two
  const part = parts[way === 'pool' ? 1 : 3];
  if (parts.length !== 5 || part === undefined) throw new Error('the program has not four marks');
  return part.split('\n').filter(line => line.trim() !== '').length;
}

/** The same map of short tasks on our pool, and by what else there is for the same Slurm. */
export async function measureFrameworks(
  lab: Lab,
  { tasks, rounds }: FrameworksPlan,
  say: (text: string) => void,
): Promise<FrameworksFound> {
  const lists = [...frameworks.map(requirementsOf), jobqueue];
  await Promise.all((['headnode', 'login'] as const).map(host => offer(lab, host, lists)));
  for (const framework of frameworks)
    for (const host of ['headnode', 'login'] as const)
      await lab.write(host, there(framework), readFileSync(programOf(framework)), { user: 'root', mode: 0o644 });
  await Promise.all(
    lists.map((list, n) => lab.write('login', `/opt/${n}.txt`, readFileSync(list), { user: 'root', mode: 0o644 })),
  );
  // the site's nodes have the same home directories
  const install = ['python3 -m venv own', ...lists.map((_, n) => `own/bin/pip install -q --no-deps -r /opt/${n}.txt`)];
  await lab.exec('login', ['sh', '-c', install.join(' && ')], { user: 'alice', timeoutMs: 300_000 });
  const pairs: Pair[] = [];
  for (const framework of frameworks) {
    const text = readFileSync(programOf(framework), 'utf8');
    const words = [WORKERS, CORES, tasks, rounds].map(String);
    const run = async (host: 'headnode' | 'login', user: string, argv: readonly string[]) => {
      const { stdout } = await lab.exec(host, argv, { user, timeoutMs: 600_000 });
      const found = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Omit<Side, 'lines'> & { threads: number };
      if (found.threads !== WORKERS * CORES)
        throw new Error(`${framework}: ${found.threads} cores, not ${WORKERS * CORES}`);
      return { first: found.first, took: found.took };
    };
    const slurm = await run('login', 'alice', [
      'sh',
      '-c',
      '. own/bin/activate && exec python "$@"',
      'python',
      there(framework),
      'slurm',
      ...words,
    ]);
    say(`frameworks: ${framework} by Slurm is measured`);
    await settled(lab);
    const size = ['--workers', String(WORKERS), '--worker-cores', String(CORES), '--worker-memory', '600'];
    const began = performance.now();
    const up = ['scailfin', 'up', '--site', 'lab-slurm', '--nodes', '2', '--framework', framework, ...size];
    await lab.exec('headnode', up, { timeoutMs: 300_000 });
    const took = (performance.now() - began) / 1000;
    const use = ['scailfin', 'exec', 'lab-slurm', '--', 'python3', there(framework), 'pool', ...words];
    const pool = await run('headnode', 'scail', use);
    await lab.exec('headnode', ['scailfin', 'down', 'lab-slurm'], { timeoutMs: 120_000 });
    say(`frameworks: ${framework} on the pool is measured`);
    pairs.push({
      framework,
      // and `scailfin up`, `scailfin exec`
      pool: { ...pool, up: took, lines: linesOf(text, 'pool') + 2 },
      // and the command that runs the program
      slurm: { ...slurm, lines: linesOf(text, 'slurm') + 1 },
    });
  }
  return { tasks, rounds, workers: WORKERS, cores: CORES, pairs };
}

/** No job is there any more. */
async function settled(lab: Lab): Promise<void> {
  const wait = 'n=0; while squeue -h | grep -q . && [ $n -lt 120 ]; do sleep 0.5; n=$((n + 1)); done';
  await lab.exec('login', ['sh', '-c', wait], { user: 'root', timeoutMs: 90_000 });
}

const titles = { dask: ['Dask', 'dask-jobqueue'], parsl: ['Parsl', "Parsl's SlurmProvider"] } as const;

export function describeFrameworks({ tasks, workers, cores, rounds, pairs }: FrameworksFound): string {
  const rate = ({ took }: Side): number => tasks / (median(took.map(s => s * 1000)) / 1000);
  const rows = pairs.flatMap(({ framework, pool, slurm }) => {
    const [own, other] = titles[framework];
    const row = (name: string, side: Side, first: string) => [
      ...[name, first, `${side.first.toFixed(1)} s`, rate(side).toFixed(0), ratio(rate(side), rate(slurm))],
      String(side.lines),
    ];
    return [row(`${own} on the pool`, pool, `${pool.up.toFixed(1)} s`), row(other, slurm, '-')];
  });
  return [
    `Frameworks: ${tasks} short tasks, ${workers} workers of ${cores} cores on the same lab's Slurm; the median of ${rounds}`,
    table([['', 'up', 'first task', 'tasks/s', 'ratio', 'lines'], ...rows]),
    "  up: scailfin's, from nothing, with the nodes. first task: from the start of the program, by Slurm with the wait for its nodes.",
    '  lines: what the user writes, beside the tasks themselves, with the commands of the shell.',
  ].join('\n');
}
