import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Crowded, crowd, crowded, install, type Size } from '../crowd/crowd.js';
import { built, project } from './built.js';
import { median, ratio, table } from './report.js';

/** A way to ask in a process of its own. */
type Asker = (args: readonly string[], env?: NodeJS.ProcessEnv) => Used;

/** What one process used. */
interface Used {
  readonly jobs: number;
  readonly bytes: number;
  readonly cpuMs: number;
  readonly peakMib: number;
}

interface Queue {
  readonly system: Crowded;
  readonly what: string;
  readonly status: readonly Used[];
  /** The same calls, of whose answers only the bytes are counted. */
  readonly reference: readonly Used[];
}

export interface Queues {
  readonly queues: readonly Queue[];
  /** A process that does nothing at all. */
  readonly nothing: readonly Used[];
}

const own = 1000;
const others = 20_000;
const sizes: { readonly [what: string]: Size } = {
  'own only': { own, others: 0, array: true },
  'all, one array': { own, others, array: true },
  'all, no arrays': { own, others, array: false },
};
/** Of any answer, with all others in it. */
const goal = { cpuMs: 1000, peakMib: 200 };

/** Asks every batch system for 1,000 glide-ins, `rounds` times, each time from a process of its own. */
export async function measureQueues(rounds: number, say: (text: string) => void): Promise<Queues> {
  const program = await built('asker');
  const run: Asker = (args, env = process.env) => asked(program, args, env);
  const nothing = Array.from({ length: rounds }, () => run(['nothing']));
  const queues = crowded.flatMap(system =>
    Object.entries(sizes).map(([what, size]): Queue => {
      const queue = measure(run, system, size, rounds);
      const { cpuMs, peakMib } = typical(queue.status);
      say(`${system}, ${what}: ${cpuMs.toFixed(0)} ms, ${peakMib.toFixed(0)} MiB`);
      return { system, what, ...queue };
    }),
  );
  return { queues, nothing };
}

function asked(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Used {
  const options = { env, timeout: 300_000, encoding: 'utf8' } as const;
  const { stdout, stderr, status } = spawnSync(process.execPath, [join(project, program), ...args], options);
  if (status !== 0) throw new Error(`${args.slice(0, 2).join(' ')}: asking ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as Used;
}

function measure(run: Asker, system: Crowded, size: Size, rounds: number): Pick<Queue, 'status' | 'reference'> {
  const dir = mkdtempSync(join(tmpdir(), 'scailfin-bench-'));
  try {
    const { query, programs } = crowd(system, size);
    const env = { PATH: `${install(programs, dir)}:${process.env.PATH}`, TMPDIR: dir, HOME: dir };
    const ask = (what: 'status' | 'read') => run([what, system, JSON.stringify(query)], env);
    const each = Array.from({ length: rounds }, () => [ask('read'), ask('status')] as const);
    return { reference: each.map(([one]) => one), status: each.map(([, one]) => one) };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function typical(all: readonly Used[]): Used {
  const of = (key: keyof Used): number => median(all.map(one => one[key]));
  return { jobs: of('jobs'), bytes: of('bytes'), cpuMs: of('cpuMs'), peakMib: of('peakMib') };
}

export function describeQueues({ queues, nothing }: Queues): string {
  const least = typical(nothing);
  const rows = queues.map(({ system, what, ...queue }) => {
    const [ours, reference] = [typical(queue.status), typical(queue.reference)];
    const met = ours.cpuMs < goal.cpuMs && ours.peakMib < goal.peakMib;
    return [
      ...[`${system}, ${what}`, (reference.bytes / 1e6).toFixed(1), String(ours.jobs), (ours.cpuMs / 1000).toFixed(2)],
      ...[
        ratio(ours.cpuMs, reference.cpuMs),
        ours.peakMib.toFixed(0),
        reference.peakMib.toFixed(0),
        met ? '' : 'missed',
      ],
    ];
  });
  const heads = ['', 'MB', 'found', 'CPU s', '× reading', 'peak MiB', 'reading', ''];
  return `status of ${own} glide-ins among ${others} other jobs (goal < ${goal.cpuMs / 1000} s, < ${goal.peakMib} MiB)
${table([heads, ...rows])}
  own only: as the batch system answers where it can leave others out; all: it tells every job there is, and an
  adapter that has asked for its own only takes them for such.
  reading: a process that makes the same calls and counts the bytes.
  A process that does nothing takes ${(least.cpuMs / 1000).toFixed(2)} s and ${least.peakMib.toFixed(0)} MiB.`;
}
