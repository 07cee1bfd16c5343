import { faults } from './faults.js';
import type { Point } from './point.js';
import type { Result } from './trial.js';

/** The points of a scenario with what became of each fault at them: a line for a point, a column for a fault. */
export function table(scenario: string, points: readonly Point[], results: readonly Result[]): string {
  const mine = results.filter(result => result.scenario === scenario);
  const width = Math.max(...points.map(({ key }) => key.length));
  const head = `${scenario.padEnd(width)}  kind     ${faults.map(({ name }) => name.padEnd(9)).join(' ')}`;
  const lines = points.map(point => {
    const cells = faults.map(fault => {
      if (!fault.applies(point)) return '·';
      const here = mine.filter(result => result.point === point.key && result.fault === fault.name);
      return [...new Set(here.map(word))].join('/');
    });
    return `${point.key.padEnd(width)}  ${point.kind.padEnd(8)} ${cells.map(cell => cell.padEnd(9)).join(' ')}`.trimEnd();
  });
  return [head, ...lines].join('\n');
}

const word = ({ wrong, ending, ended }: Result): string =>
  wrong.length > 0 ? 'WRONG' : ended === 'not reached' ? '-' : ending === 'again' ? 'again' : ending;

/** How the commands ended that met a fault, and what came after, by fault. */
export function counts(results: readonly Result[]): string {
  const columns = ['did it', 'said why', 'killed', 'not reached'] as const;
  const endings = ['again', 'sent', 'down'] as const;
  const head = ['fault'.padEnd(10), 'tried', ...columns, '| again', 'sent', 'down', '| wrong'].join('  ');
  const lines = faults.map(({ name }) => {
    const mine = results.filter(result => result.fault === name);
    const count = (test: (result: Result) => boolean): string => String(mine.filter(test).length);
    return [
      name.padEnd(10),
      String(mine.length).padStart(5),
      ...columns.map(ended => count(result => result.ended === ended).padStart(ended.length)),
      ...endings.map((ending, n) => count(result => result.ending === ending).padStart(n === 0 ? 7 : 4)),
      count(result => result.wrong.length > 0).padStart(7),
    ].join('  ');
  });
  return [head, ...lines].join('\n');
}

export const legend = (): string =>
  [
    'again: the same command ended in a cluster with exactly the glide-ins that were asked for; then `down` left nothing',
    'sent: the same command said that the cluster must be taken down first; `down` left nothing',
    'down: `down` left nothing on any host, and said so',
    '-: the command did not come to this point; ·: the fault has no meaning there',
    ...faults.map(({ name, title }) => `${name}: ${title}`),
  ].join('\n');
