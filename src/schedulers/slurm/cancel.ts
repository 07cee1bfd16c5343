import { commandLine } from '../../shell.js';
import type { Command, JobQuery, Output } from '../job.js';
import { groups, option, split } from './clusters.js';
import { refusal } from './words.js';

/** One scancel for each cluster. */
export function cancel(ids: readonly string[], _query?: JobQuery): Command {
  const all = groups(ids, {}).map(({ cluster, ids: own }) => [
    ...['scancel', ...option(cluster)],
    ...own.map(id => split(id).number),
  ]);
  const [one = [], ...others] = all;
  if (others.length === 0) return { argv: one };
  return { argv: ['sh', '-c', ['s=0', ...all.map(argv => `${commandLine(argv)} || s=$?`), 'exit "$s"'].join('\n')] };
}

export function parseCancel(out: Output): void {
  if (out.exitCode === 0) return;
  const said = out.stderr.split('\n').filter(l => l.trim() !== '');
  const complaint = said.filter(l => !/Invalid job id specified|already complet|^scancel: Terminating/i.test(l));
  if (said.length === 0 || complaint.length > 0) throw refusal('scancel', { ...out, stderr: complaint.join('\n') });
}
