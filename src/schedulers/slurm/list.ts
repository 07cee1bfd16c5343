import { SchedulerError } from '../../errors.js';
import { type BatchJobStatus, type Command, isOver, type JobQuery, type Output } from '../job.js';
import { bounded, every } from '../most.js';
import { nodesIn } from './nodelist.js';
import { exitOf, expandTasks, stateOf } from './states.js';
import { refusal } from './words.js';

const SQUEUE_FORMAT = '%i|%F|%T|%L|%N|%r|%j';
const SACCT_FORMAT = 'JobID,State,ExitCode,NodeList';

export function list({ tag, user, ids }: JobQuery): Command[] {
  // --array prints one line per task, because squeue shortens long task lists (`17_[1,3,5...]`, SLURM_BITSTR_LEN in
  // squeue(1))
  const which = ['--all', '--array', '--states=all', `--user=${user}`, `--name=${tag}`];
  const queue = { argv: ['squeue', '--noheader', ...which, '-o', SQUEUE_FORMAT] };
  if (ids.length === 0) return [queue];
  // accounting has jobs that the queue has forgotten (MinJobAge, 300 s by default)
  const jobs = `--jobs=${ids.join(',')}`;
  return [queue, { argv: ['sacct', '--noheader', '--parsable2', '--allocations', jobs, `--format=${SACCT_FORMAT}`] }];
}

export function parseList([queue, accounting]: readonly Output[], { tag }: JobQuery): BatchJobStatus[] {
  if (queue?.exitCode !== 0 || /slurm_load_jobs error|Unable to contact/i.test(queue.stderr))
    throw refusal('squeue', queue);
  // a job on a missing line must not count as gone
  if (queue.stdout !== '' && !queue.stdout.endsWith('\n'))
    throw new SchedulerError("the answer of Slurm's squeue was cut short");
  const found = new Map<string, BatchJobStatus>();
  if (accounting?.exitCode === 0)
    for (const s of bounded('Slurm', every(rows(accounting.stdout), fromSacct))) found.set(s.id, s);
  const live = every(rows(queue.stdout), row => {
    const found = fromSqueue(row, tag);
    // a banner may contain bars, too; a row with our name that can't be read must not count as gone
    if (found.length > 0 || row.at(-1) !== tag) return found;
    throw new SchedulerError("the answer of Slurm's squeue was garbled");
  });
  // when an array has begun, squeue shows its running tasks one by one, and the pending ones in one line
  for (const s of bounded('Slurm', live)) found.set(s.id, { ...found.get(s.id), ...s });
  return [...found.values()];
}

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
    ...(reason && reason !== 'None' ? { reason } : {}),
    ...(node ? placesOf(node) : {}),
    ...(seconds === undefined ? {} : { secondsLeft: seconds }),
  }));
}

function fromSacct(row: string[]): BatchJobStatus[] {
  const [id, state, exit, node] = row;
  const word = state?.split(' ')[0];
  if (!id || !/^\d+(_\d+|_\[[^\]]+\])?$/.test(id) || !word || exit === undefined) return [];
  const code = exitOf(exit);
  const mapped = stateOf(word);
  return expandTasks(id).map(task => ({
    id: task,
    jobId: id.split('_')[0] as string,
    state: mapped,
    word,
    ...(mapped === 'failed' && state !== word ? { reason: state as string } : {}),
    ...(node && node !== 'None assigned' ? placesOf(node) : {}),
    // a job that has not ended shows 0:0, too
    ...(isOver(mapped) && code !== undefined ? { exitCode: code } : {}),
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
