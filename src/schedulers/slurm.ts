import { SchedulerError } from '../errors.js';
import { render } from '../templates.js';
import { clock } from '../units.js';
import { directiveLine, directiveValue } from './directives.js';
import type { Output, PilotState, PilotStatus, Scheduler } from './scheduler.js';

/** Job state codes, squeue(1) "JOB STATE CODES"; sacct(1) adds words behind some (`CANCELLED by 1002`). */
const STATES: Record<string, PilotState> = {
  PENDING: 'queued',
  CONFIGURING: 'queued',
  REQUEUED: 'queued',
  REQUEUE_FED: 'queued',
  REQUEUE_HOLD: 'held',
  RESV_DEL_HOLD: 'held',
  SPECIAL_EXIT: 'held',
  RUNNING: 'running',
  SUSPENDED: 'held',
  STOPPED: 'held',
  RESIZING: 'running',
  SIGNALING: 'running',
  COMPLETING: 'completing',
  STAGE_OUT: 'completing',
  COMPLETED: 'finished',
  FAILED: 'failed',
  BOOT_FAIL: 'failed',
  DEADLINE: 'failed',
  NODE_FAIL: 'failed',
  OUT_OF_MEMORY: 'failed',
  PREEMPTED: 'failed',
  REVOKED: 'failed',
  TIMEOUT: 'failed',
  CANCELLED: 'cancelled',
};

/** Reasons of a pending job that nobody but a person will lift, squeue(1) "JOB REASON CODES". */
const HOLDS = new Set([
  'JobHeldUser',
  'JobHeldAdmin',
  'BadConstraints',
  'DependencyNeverSatisfied',
  'PartitionTimeLimit',
]);

const SQUEUE_FORMAT = '%i|%F|%T|%L|%N|%r|%j';
const SACCT_FORMAT = 'JobID,State,ExitCode,NodeList';

export const slurm: Scheduler = {
  name: 'slurm',

  submit(job) {
    const script = render('batch/slurm', { job, clock, directiveValue, directiveLine });
    return { argv: ['sbatch', '--parsable'], stdin: script, script };
  },

  parseSubmit(out) {
    // sites wrap sbatch and print banners around the id; a federated id is `17;cluster`
    const id = [...out.stdout.matchAll(/^(?:Submitted batch job )?(\d+)(?:;\S+)?\s*$/gm)].at(-1)?.[1];
    if (out.exitCode === 0 && id) return id;
    throw refusal('sbatch', out);
  },

  list({ tag, user, ids }) {
    const queue = {
      argv: ['squeue', '--noheader', '--all', '--states=all', `--user=${user}`, `--name=${tag}`, '-o', SQUEUE_FORMAT],
    };
    if (ids.length === 0) return [queue];
    // accounting knows what the queue has forgotten (MinJobAge, 300 s by default)
    const jobs = `--jobs=${ids.join(',')}`;
    return [queue, { argv: ['sacct', '--noheader', '--parsable2', '--allocations', jobs, `--format=${SACCT_FORMAT}`] }];
  },

  parseList([queue, accounting]) {
    if (queue?.exitCode !== 0 || /slurm_load_jobs error|Unable to contact/i.test(queue.stderr))
      throw refusal('squeue', queue);
    const found = new Map<string, PilotStatus>();
    if (accounting?.exitCode === 0) for (const s of rows(accounting.stdout).flatMap(fromSacct)) found.set(s.id, s);
    const live = rows(queue.stdout).flatMap(fromSqueue);
    // an array that has begun shows its tasks one by one in squeue, and its pending rest as one line
    for (const s of live) found.set(s.id, { ...found.get(s.id), ...s });
    return [...found.values()];
  },

  cancel: ids => ({ argv: ['scancel', ...ids] }),

  parseCancel(out) {
    const complaint = out.stderr.split('\n').filter(l => l.trim() && !/Invalid job id|already complet/i.test(l));
    if (out.exitCode !== 0 && complaint.length > 0) throw refusal('scancel', out);
  },
};

function rows(text: string): string[][] {
  return text.split('\n').flatMap(line => (line.includes('|') ? [line.trim().split('|')] : []));
}

function fromSqueue(row: string[]): PilotStatus[] {
  const [id, jobId, word, left, node, ...rest] = row;
  // the reason may hold anything but the name comes last, and names of ours hold no bar
  const reason = rest.slice(0, -1).join('|');
  if (!id || !/^\d+/.test(id) || !jobId || !word) return [];
  const base = STATES[word] ?? 'unknown';
  const state = base === 'queued' && HOLDS.has(reason) ? 'held' : base;
  const seconds = state === 'running' ? timeLeft(left) : undefined;
  // a pending array is one line, `17_[2-5,9%2]`
  return expandTasks(id).map(task => ({
    id: task,
    jobId,
    state,
    word,
    ...(reason && reason !== 'None' ? { reason } : {}),
    ...(node ? { node } : {}),
    ...(seconds === undefined ? {} : { secondsLeft: seconds }),
  }));
}

function fromSacct(row: string[]): PilotStatus[] {
  const [id, state, exit, node] = row;
  const word = state?.split(' ')[0];
  if (!id || !/^\d+(_|$)/.test(id) || !word || id.includes('[')) return [];
  const [code, signal] = (exit ?? '').split(':').map(Number);
  const mapped = STATES[word] ?? 'unknown';
  return [
    {
      id,
      jobId: id.split('_')[0] as string,
      state: mapped,
      word,
      ...(mapped === 'failed' && state !== word ? { reason: state as string } : {}),
      ...(node && node !== 'None assigned' ? { node } : {}),
      ...(Number.isInteger(code) ? { exitCode: signal ? 128 + signal : (code as number) } : {}),
    },
  ];
}

/** squeue %L: `[days-][[hours:]minutes:]seconds`, INVALID, NOT_SET or UNLIMITED. */
function timeLeft(text: string | undefined): number | undefined {
  const match = /^(?:(\d+)-)?(?:(?:(\d+):)?(\d+):)?(\d+)$/.exec(text ?? '');
  if (!match) return undefined;
  const [days, hours, minutes, seconds] = match.slice(1).map(n => Number(n ?? 0)) as [number, number, number, number];
  return ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
}

/** `17_[2-4,9%2]` → 17_2, 17_3, 17_4, 17_9; anything else stays itself. */
function expandTasks(id: string): string[] {
  const [, job, list] = /^(\d+)_\[([\d,:-]+)/.exec(id) ?? [];
  if (job === undefined || list === undefined) return [id];
  return list.split(',').flatMap(part => {
    const [, from, to, step] = /^(\d+)(?:-(\d+)(?::(\d+))?)?$/.exec(part) ?? [];
    if (from === undefined) return [];
    const tasks: string[] = [];
    for (let n = Number(from); n <= Number(to ?? from); n += Number(step ?? 1) || 1) tasks.push(`${job}_${n}`);
    return tasks;
  });
}

function refusal(program: string, out: Output | undefined): SchedulerError {
  const said = (out?.stderr || out?.stdout || '')
    .split('\n')
    .map(line => line.replace(/^(sbatch|squeue|scancel|slurm_\w+): (error: )?/, '').trim())
    .filter(Boolean);
  const why =
    said.find(l => !/^Batch job submission failed/.test(l)) ??
    said[0] ??
    `it answered nothing (status ${out?.exitCode ?? 'none'})`;
  const hint = HINTS.find(([pattern]) => pattern.test(said.join('\n')))?.[1];
  return new SchedulerError(
    `Slurm's ${program} refused: ${said.find(l => l.startsWith('Batch job submission failed')) ?? why}`,
    { hint },
  );
}

const HINTS: [RegExp, string][] = [
  [/invalid partition/i, 'choose a queue the site has: --queue NAME (see `sinfo -s` there)'],
  [
    /invalid account|account.*partition combination/i,
    'name an allocation of yours: --account NAME (see `sacctmgr show assoc user=$USER` there)',
  ],
  [/qos/i, 'the QOS does not suit: ask for another --queue or --account'],
  [/time limit/i, 'ask for less: --walltime'],
  [/node count|cpu count|node configuration|memory/i, 'ask for less: --nodes, --cores or --memory'],
];
