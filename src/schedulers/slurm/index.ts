import { SchedulerError } from '../../errors.js';
import { render } from '../../templates.js';
import { abridged } from '../../text.js';
import { clock } from '../../units.js';
import { directiveLine, directiveValue } from '../directives.js';
import { bounded, every, taskNumbers } from '../most.js';
import { isOver, type Output, type PilotState, type PilotStatus, type Scheduler } from '../scheduler.js';

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

/** What a state word means, given the reason beside it. */
export function stateOf(word: string, reason?: string): PilotState {
  const state = STATES[word] ?? 'unknown';
  return state === 'queued' && reason !== undefined && HOLDS.has(reason) ? 'held' : state;
}

/** `CANCELLED+`, as sacct cuts long words in its tables: the one state that begins like this. */
export function wholeWord(cut: string): string {
  const begin = cut.replace(/\+$/, '');
  const meant = Object.keys(STATES).filter(word => word.startsWith(begin));
  return meant.includes(begin) || meant.length !== 1 ? begin : (meant[0] as string);
}

/** ExitCode in text, `3:0` or `0:9`, as a shell would tell it. */
export function exitOf(text: string): number | undefined {
  const [, code, signal] = /^(\d+):(\d+)$/.exec(text) ?? [];
  if (code === undefined) return undefined;
  return Number(signal) ? 128 + Number(signal) : Number(code);
}

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
    // --array: one line per task, as squeue abridges long task lists (`17_[1,3,5...]`, SLURM_BITSTR_LEN in squeue(1))
    const which = ['--all', '--array', '--states=all', `--user=${user}`, `--name=${tag}`];
    const queue = { argv: ['squeue', '--noheader', ...which, '-o', SQUEUE_FORMAT] };
    if (ids.length === 0) return [queue];
    // accounting knows what the queue has forgotten (MinJobAge, 300 s by default)
    const jobs = `--jobs=${ids.join(',')}`;
    return [queue, { argv: ['sacct', '--noheader', '--parsable2', '--allocations', jobs, `--format=${SACCT_FORMAT}`] }];
  },

  parseList([queue, accounting], { tag }) {
    if (queue?.exitCode !== 0 || /slurm_load_jobs error|Unable to contact/i.test(queue.stderr))
      throw refusal('squeue', queue);
    // a job on a line that never came must not count as gone
    if (queue.stdout !== '' && !queue.stdout.endsWith('\n'))
      throw new SchedulerError("Slurm's squeue was cut short in its answer");
    const found = new Map<string, PilotStatus>();
    if (accounting?.exitCode === 0)
      for (const s of bounded('Slurm', every(rows(accounting.stdout), fromSacct))) found.set(s.id, s);
    const live = every(rows(queue.stdout), row => {
      const found = fromSqueue(row, tag);
      // a banner may hold bars, too; a row with our name that can't be read must not count as gone
      if (found.length > 0 || row.at(-1) !== tag) return found;
      throw new SchedulerError("Slurm's squeue was garbled in its answer");
    });
    // an array that has begun shows its tasks one by one in squeue, and its pending rest as one line
    for (const s of bounded('Slurm', live)) found.set(s.id, { ...found.get(s.id), ...s });
    return [...found.values()];
  },

  cancel: ids => ({ argv: ['scancel', ...ids] }),

  parseCancel(out) {
    if (out.exitCode === 0) return;
    const said = out.stderr.split('\n').filter(l => l.trim() !== '');
    const complaint = said.filter(l => !/Invalid job id specified|already complet|^scancel: Terminating/i.test(l));
    if (said.length === 0 || complaint.length > 0) throw refusal('scancel', { ...out, stderr: complaint.join('\n') });
  },
};

function rows(text: string): string[][] {
  return text.split('\n').flatMap(line => (line.includes('|') ? [line.trim().split('|')] : []));
}

function fromSqueue(row: string[], tag: string): PilotStatus[] {
  const [id, jobId, word, left, node, ...rest] = row;
  if (!id || !/^\d+(_\d+|_\[[^\]]+\])?$/.test(id) || !jobId || !/^\d+$/.test(jobId) || !word) return [];
  // a reason may hold anything, and so may names; those of ours are the tag
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
    ...(node ? { node } : {}),
    ...(seconds === undefined ? {} : { secondsLeft: seconds }),
  }));
}

function fromSacct(row: string[]): PilotStatus[] {
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
    ...(node && node !== 'None assigned' ? { node } : {}),
    // a job that has not ended shows 0:0 as well
    ...(isOver(mapped) && code !== undefined ? { exitCode: code } : {}),
  }));
}

/** squeue %L: `[days-][[hours:]minutes:]seconds`, INVALID, NOT_SET or UNLIMITED. */
function timeLeft(text: string | undefined): number | undefined {
  const match = /^(?:(\d+)-)?(?:(?:(\d+):)?(\d+):)?(\d+)$/.exec(text ?? '');
  if (!match) return undefined;
  const [days, hours, minutes, seconds] = match.slice(1).map(n => Number(n ?? 0)) as [number, number, number, number];
  return ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
}

/** `17_[2-4,9%2]` → 17_2, 17_3, 17_4, 17_9; anything else, also a list that was abridged, stays itself. */
export function expandTasks(id: string): string[] {
  const [, job, list] = /^(\d+)_\[([\d,:-]+)(?:%\d+)?\]$/.exec(id) ?? [];
  if (job === undefined || list === undefined) return [id];
  return taskNumbers(list)?.map(n => `${job}_${n}`) ?? [id];
}

/** What Slurm itself said, all of it: the line that says why is often not the one that says that it failed. */
export function slurmsWords(text: string): string {
  const lines = text.split('\n').flatMap(line => line.trim() || []);
  // banners come before; what follows without Slurm's name in front is the rest of a longer message
  const start = lines.findIndex(line => PREFIX.test(line));
  const told = lines.slice(Math.max(0, start)).filter(line => !/^Try "\w+ --help"/.test(line));
  const said = told.slice(-5).map(line => abridged(line.replace(PREFIX, '')));
  // the verdict comes last in Slurm, first here
  const verdict = said.filter(line => VERDICT.test(line)).map(line => line.replace(VERDICT, ''));
  return [...new Set([...verdict, ...said.filter(line => !VERDICT.test(line))])].join('; ');
}

function refusal(program: string, out: Output | undefined): SchedulerError {
  const words = slurmsWords(out?.stderr.trim() || out?.stdout || '');
  const hint = HINTS.find(([pattern]) => pattern.test(words))?.[1];
  return new SchedulerError(
    `Slurm's ${program} refused: ${words || `it answered nothing (status ${out?.exitCode ?? 'none'})`}`,
    { hint },
  );
}

const PREFIX =
  /^(s(?:batch|queue|acct|cancel|info|control|acctmgr)|slurm_\w+): ((error|fatal): )?|^(?:slurm|scontrol)_\w+ error: /;
const VERDICT = /^Batch job submission failed: /;

const HINTS: [RegExp, string][] = [
  [
    /unable to contact|connection refused|timed out|not responding/i,
    "the site's Slurm is down or busy: try again when it is back",
  ],
  [
    /invalid partition|partition not available/i,
    'choose a queue the site has open: --queue NAME (see `sinfo -s` there)',
  ],
  [
    /invalid account|account.*partition combination/i,
    'name an allocation of yours: --account NAME (see `sacctmgr show assoc user=$USER` there)',
  ],
  [
    /violates accounting|SubmitJob|MaxJobs|job submit limit/i,
    'you have as much there as you may: ask for less (--nodes, --walltime), or wait for jobs of yours to end (see `squeue --me` there)',
  ],
  [/qos/i, 'the QOS does not suit: ask for another --queue or --account'],
  [/time limit|--time specification/i, 'ask for less: --walltime'],
  [/node count|cpu count|node configuration|memory/i, 'ask for less: --nodes, --cores or --memory'],
  [
    /job array/i,
    "ask for fewer --nodes: the site's largest array is smaller (`scontrol show config | grep MaxArraySize`)",
  ],
  [
    /feature specification|unrecognized option|invalid option|dependency|batch script|parameter too long/i,
    "correct the directives in the site's profile: scailfin sites show SITE",
  ],
  [/permission denied/i, 'these jobs are not yours: log in as the user who submitted them (--user)'],
];
