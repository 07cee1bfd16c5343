import { SchedulerError } from '../../errors.js';
import { type BatchJobStatus, type Command, isOver, type JobQuery, type Output } from '../job.js';
import { bounded, every } from '../most.js';
import { accountRows } from './accounting.js';
import { detailTextRows, idsOf, queueRows, type Row } from './answers.js';
import { refusal } from './words.js';

export const UNREACHABLE =
  /commlib error|unable to (send message|contact|connect)|can't connect|getting configuration/i;

export function list({ tag, user, ids }: JobQuery): Command[] {
  // -r prints the whole name and h_rt; the reason of a state, however, is never printed
  const queue = { argv: ['qstat', '-u', user, '-r', '-xml'] };
  const now = { argv: ['date', '+now %Y-%m-%dT%H:%M:%S'] };
  if (ids.length === 0) return [queue, now];
  return [queue, accounting(user, tag), { argv: ['qstat', '-j', ids.join(',')] }, now];
}

/** By name, because each qacct reads the whole accounting file, which may have gigabytes. */
export const accounting = (user: string, tag: string): Command => ({
  argv: ['timeout', '40', 'qacct', '-o', user, '-j', tag],
});

export function parseList([queue, ...others]: readonly Output[], { tag, user, ids }: JobQuery): BatchJobStatus[] {
  if (queue?.exitCode !== 0 || UNREACHABLE.test(queue.stderr)) throw refusal('qstat', queue);
  const { root, rows } = queueRows(queue.stdout, row => isOurs(row, tag, user, ids)) ?? {};
  // a job in a part that is missing or can't be read must not count as gone
  if (!rows) throw new SchedulerError("the answer of Grid Engine's qstat was cut short or garbled");
  if (root?.name !== 'job_info')
    throw new SchedulerError(`Grid Engine's qstat answered with <${root?.name}>, not <job_info>`);

  const said = others.filter(o => o.exitCode === 0).map(o => o.stdout);
  const ended = said.flatMap(text => accountRows(text) ?? []).filter(r => r.name === tag && ids.includes(r.job));
  const told = every(said.flatMap(detailTextRows), row => idsOf(row).map(id => [id, row] as const));
  const details = new Map(bounded('Grid Engine', told));
  const now = Date.parse(`${/^now (\S+)$/m.exec(said.at(-1) ?? '')?.[1]}Z`);

  const found = new Map<string, BatchJobStatus>();
  // a job that is not over there and not in the queue was deleted before it ran again: this is not recorded
  const own = ended.filter(row => row.owner === user);
  for (const status of bounded('Grid Engine', every(own, statuses)))
    if (isOver(status.state)) found.set(status.id, status);
  const timed = (row: Row): BatchJobStatus[] => {
    const seconds = left(row, now);
    return statuses(row).map(s =>
      s.state === 'running' && seconds !== undefined ? { ...s, secondsLeft: seconds } : s,
    );
  };
  for (const status of bounded('Grid Engine', every(rows, timed))) {
    const reason = waiting(status, details.get(status.id));
    found.set(status.id, { ...status, ...(reason ? { reason } : {}) });
  }
  return [...found.values()];
}

function isOurs(row: Row, tag: string, user: string, ids: readonly string[]): boolean {
  if (row.owner !== undefined && row.owner !== user) return false;
  if (row.isWholeName || row.name === tag) return row.name === tag;
  // a qstat that does not print whole names cuts them to ten characters
  return ids.includes(row.job) && row.name !== undefined && row.name !== '' && tag.startsWith(row.name);
}

export function statuses(row: Row): BatchJobStatus[] {
  const { job, state = 'unknown', word = '', reason, node, exit } = row;
  return idsOf(row).map(id => ({
    ...{ id, jobId: job, state, word },
    ...(reason ? { reason } : {}),
    ...(node ? { node } : {}),
    ...(exit === undefined ? {} : { exitCode: exit }),
  }));
}

function waiting(status: BatchJobStatus, detail: Row | undefined): string | undefined {
  if (status.state !== 'queued' && status.state !== 'held') return undefined;
  if (detail?.reason) return detail.reason;
  return /E/.test(status.word) ? `in error state (see qstat -j ${status.jobId} there)` : undefined;
}

/** Seconds until h_rt ends it, by the site's clock. */
function left({ start, limit }: Row, now: number): number | undefined {
  const began = Date.parse(`${start}Z`);
  if (limit === undefined || Number.isNaN(began) || Number.isNaN(now)) return undefined;
  return Math.max(0, Math.round((began - now) / 1000) + limit);
}
