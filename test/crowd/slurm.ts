import { slurm as adapter } from '../../src/schedulers/slurm/index.js';
import { inFormat, recorded, recordings } from '../recordings/recordings.js';
import { always, among, idOf, inTurn, type Queue, rowsOf } from './parts.js';

/** squeue leaves others out by name and user; here it tells them all the same where there are any. */
export const slurm: Queue = (query, own, others) => {
  const all = recordings('slurm');
  const format = adapter.list(query)[0]?.argv.at(-1) as string;
  const queued = (name: string) => rowsOf(inFormat(recorded(all, name), format)).map(row => row.split('|').slice(2));
  const [tasks, mixed] = [queued('status.array-running.parent.squeue-a'), queued('status.all.squeue-o')];
  const ended = rowsOf(recorded(all, 'status.array-running.parent.sacct-PnX')).map(row => row.split('|').slice(1));

  const id = (n: number): string => idOf(own[n] as (typeof own)[number], ['_', '']);
  const mine = own.map(({ job }, n) => [id(n), job, ...inTurn(tasks, n).slice(0, -1), query.tag].join('|'));
  const told = among(others, (other, n) => [other, other, ...inTurn(mixed, n)].join('|'), mine);
  const accounts = own.map((_, n) => [id(n), ...inTurn(ended, n)].join('|'));
  return {
    squeue: always(`${told.join('\n')}\n`),
    sacct: always(`${accounts.join('\n')}\n`),
    sbatch: always(`${own[0]?.job}\n`),
  };
};
