import { SchedulerError } from '../../errors.js';
import { type BatchJobStatus, type Command, isOver, type JobQuery, type Output } from '../job.js';
import { bounded, every } from '../most.js';
import { type Group, groups, join, numbers, option } from './clusters.js';
import { nodesIn } from './nodelist.js';
import { exitOf, expandTasks, lossOf, stateOf } from './states.js';
import { refusal } from './words.js';

const SQUEUE_FORMAT = '%i|%F|%T|%L|%N|%r|%j';
const SACCT_FORMAT = 'JobID,State,ExitCode,NodeList,ElapsedRaw';

/** The queue of each cluster, and the accounting of known jobs there. */
export function list({ tag, user, ids, clusters }: JobQuery): Command[] {
  return groups(ids, { clusters: clusters ?? [] }).flatMap(group => {
    const queue = squeue([`--user=${user}`, `--name=${tag}`, ...option(group.cluster)]);
    // accounting has jobs that the queue has forgotten (MinJobAge, 300 s by default)
    return group.ids.length === 0 ? [queue] : [queue, sacct(group)];
  });
}

export function squeue(which: readonly string[]): Command {
  // --array prints one line per task, because squeue shortens long task lists (`17_[1,3,5...]`, SLURM_BITSTR_LEN in
  // squeue(1))
  return {
    argv: ['squeue', '--noheader', '--all', '--array', '--states=all', ...which, '-o', SQUEUE_FORMAT],
  };
}

export function sacct(group: Group): Command {
  const which = [`--jobs=${numbers(group)}`, ...option(group.cluster)];
  return { argv: ['sacct', '--noheader', '--parsable2', '--allocations', ...which, `--format=${SACCT_FORMAT}`] };
}

export function parseList(outputs: readonly Output[], { tag, ids, clusters }: JobQuery): BatchJobStatus[] {
  const found = new Map<string, BatchJobStatus>();
  const all = groups(ids, { clusters: clusters ?? [] });
  let rest = outputs;
  for (const group of all) {
    const asked = group.ids.length > 0 || all.length === 1 ? 2 : 1;
    const [queue, accounting] = rest.slice(0, asked);
    rest = rest.slice(asked);
    const live = fromQueue(queue, tag);
    const past = accounting?.exitCode === 0 ? fromAccounting(accounting.stdout) : [];
    const told = (s: BatchJobStatus): BatchJobStatus => inCluster(s, group.cluster);
    for (const s of bounded('Slurm', past)) found.set(told(s).id, told(s));
    // when an array has begun, squeue shows its running tasks one by one, and the pending ones in one line
    for (const s of bounded('Slurm', live)) found.set(told(s).id, { ...found.get(told(s).id), ...told(s) });
  }
  return [...found.values()];
}

export const inCluster = (status: BatchJobStatus, cluster: string | undefined): BatchJobStatus => ({
  ...status,
  id: join(status.id, cluster),
  jobId: join(status.jobId, cluster),
});

/** @throws SchedulerError if squeue could not be asked, or if its answer is incomplete */
export function fromQueue(queue: Output | undefined, tag: string): Iterable<BatchJobStatus> {
  if (queue?.exitCode !== 0 || /slurm_load_jobs error|Unable to contact/i.test(queue.stderr))
    throw refusal('squeue', queue);
  // a job on a missing line must not count as gone
  if (queue.stdout !== '' && !queue.stdout.endsWith('\n'))
    throw new SchedulerError("the answer of Slurm's squeue was cut short");
  return every(rows(queue.stdout), row => {
    const found = fromSqueue(row, tag);
    // a banner may contain bars, too; a row with our name that can't be read must not count as gone
    if (found.length > 0 || row.at(-1) !== tag) return found.filter(hasWord);
    throw new SchedulerError("the answer of Slurm's squeue was garbled");
  });
}

export const fromAccounting = (text: string): Iterable<BatchJobStatus> =>
  every(rows(text), row => fromSacct(row).filter(hasWord));

/**
 * In a federation, `REVOKED` means that a job runs in another cluster than this one, squeue(1) "JOB STATE CODES": this
 * cluster says nothing about its end.
 */
const hasWord = ({ word }: BatchJobStatus): boolean => word !== 'REVOKED';

function rows(text: string): string[][] {
  return text.split('\n').flatMap(line => (line.includes('|') ? [line.trim().split('|')] : []));
}
function fromSqueue(row: string[], tag: string): BatchJobStatus[] {
  const [id, jobId, word, left, node, ...rest] = row;
  if (!id || !/^\d+(_\d+|_\[[^\]]+\])?$/.test(id) || !jobId || !/^\d+$/.test(jobId) || !word) return [];
  // reasons and names may contain anything; the name of our jobs is the tag
  const [text, end] = [rest.join('|'), `|${tag}`];
  const reason = text.endsWith(end) ? text.slice(0, -end.length) : (rest[0] ?? '');
  const state = rest.length > 1 ? stateOf(word, reason) : 'unknown';
  const seconds = state === 'running' ? timeLeft(left) : undefined;
  return expandTasks(id).map(task => ({
    id: task,
    jobId,
    state,
    word,
    ...lossOf(word),
    ...(reason && reason !== 'None' ? { reason } : {}),
    ...(node ? placesOf(node) : {}),
    ...(seconds === undefined ? {} : { secondsLeft: seconds }),
  }));
}

function fromSacct(row: string[]): BatchJobStatus[] {
  const [id, state, exit, node, elapsed] = row;
  const word = state?.split(' ')[0];
  if (!id || !/^\d+(_\d+|_\[[^\]]+\])?$/.test(id) || !word || exit === undefined) return [];
  const code = exitOf(exit);
  const mapped = stateOf(word);
  return expandTasks(id).map(task => ({
    id: task,
    jobId: id.split('_')[0] as string,
    state: mapped,
    word,
    ...lossOf(word),
    ...(mapped === 'failed' && state !== word ? { reason: state as string } : {}),
    ...(node && node !== 'None assigned' ? placesOf(node) : {}),
    // a job that has not ended shows 0:0, too
    ...(isOver(mapped) && code !== undefined ? { exitCode: code } : {}),
    ...(elapsed && /^\d+$/.test(elapsed) ? { elapsed: Number(elapsed) } : {}),
  }));
}

/** The nodes of a job; what can't be read is shown as it is. */
function placesOf(text: string): Pick<BatchJobStatus, 'node' | 'allNodes'> {
  const nodes = nodesIn(text);
  return { node: nodes[0] ?? text, ...(nodes.length > 1 ? { allNodes: nodes } : {}) };
}

/** squeue %L: `[days-][[hours:]minutes:]seconds`, INVALID, NOT_SET or UNLIMITED. */
function timeLeft(text: string | undefined): number | undefined {
  const match = /^(?:(\d+)-)?(?:(?:(\d+):)?(\d+):)?(\d+)$/.exec(text ?? '');
  if (!match) return undefined;
  const [days, hours, minutes, seconds] = match.slice(1).map(n => Number(n ?? 0)) as [number, number, number, number];
  return ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
}
