import { table } from '../bench/report.js';
import type { Report } from './soak.js';
import type { Tally } from './tally.js';

const mib = (kib: number): string => `${(kib / 1024).toFixed(0)} MiB`;

/** A ground's report, for people. */
export function describe(report: Report): string {
  const { ground, seconds, seed, faults, stall, slopes, isGone, problems } = report;
  const counts: [string, Tally][] = [
    ['jobs', report.jobs],
    ['steps', report.steps],
    ['runs', report.runs],
  ];
  const row = (name: string, t: Tally): string[] => [
    name,
    ...[t.done, t.right, t.wrong, t.doubled, t.missing, t.again, t.needless].map(String),
  ];
  const heads = ['', 'done', 'right', 'wrong', 'doubled', 'missing', 'again: something died', 'again: needless'];
  const sizes = slopes.map(({ program, looks, memory, files }) => [
    ...[program, String(looks), mib(memory.first), mib(memory.last), String(files.first), String(files.last)],
  ]);
  return [
    `${ground}, seed ${seed}, ${seconds} s`,
    table([['fault', 'times'], ...Object.entries(faults).map(([kind, times]) => [kind, String(times)])]),
    table([heads, ...counts.map(([name, tally]) => row(name, tally))]),
    table([['program', 'looks', 'memory, first third', 'last third', 'files, first third', 'last third'], ...sizes]),
    `  longest time in which nothing ended: ${stall.toFixed(0)} s`,
    `  down: ${isGone ? 'verified, and nothing is left' : 'NOT verified, or something is left'}`,
    problems.length === 0
      ? '  all is well'
      : `  NOT WELL, ${problems.length}:\n${problems.map(p => `  - ${p}`).join('\n')}`,
  ].join('\n\n');
}
