import type { Output } from '../../src/schedulers/job.js';
import { isOver, type Queue, type Task } from './queue.js';

/**
 * Slurm's commands in front of a queue, with the words that test/recordings/slurm.json has. It stands in for sbatch, squeue,
 * sacct and scancel.
 */
export function slurm(queue: Queue, argv: readonly string[], stdin: string, hasAccounting: boolean): Output {
  const [program, ...args] = argv;
  if (queue.isDown) return fails(`${program}: error: ${unreachable(program as string)}`);
  switch (program) {
    case 'sbatch':
      return sbatch(queue, stdin);
    case 'squeue':
      return squeue(queue, args);
    case 'sacct':
      return hasAccounting ? sacct(queue, args) : fails('Slurm accounting storage is disabled');
    case 'scancel':
      return scancel(queue, args);
    default:
      throw new Error(`the double of Slurm has no ${program}`);
  }
}

const unreachable = (program: string): string =>
  program === 'sbatch'
    ? 'Batch job submission failed: Unable to contact slurm controller (connect failure)'
    : 'Unable to contact slurm controller (connect failure)';

const says = (stdout: string): Output => ({ stdout, stderr: '', exitCode: 0 });
const fails = (stderr: string): Output => ({ stdout: '', stderr: `${stderr}\n`, exitCode: 1 });

function sbatch(queue: Queue, script: string): Output {
  const fate = queue.fates.shift();
  if (fate === 'refused')
    return fails(
      'sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified',
    );
  const late = fails('sbatch: error: Batch job submission failed: Socket timed out on send/recv operation');
  if (fate === 'lost') return late;
  const one = (pattern: RegExp): string => pattern.exec(script)?.[1] ?? '';
  const [, dir = '', token = ''] = /^ {2}(\S+)\/glidein\.sh \\\n {2}\S+ \\\n {2}(\S+) /m.exec(script) ?? [];
  const [h, m, s] = one(/--time=(\S+)/)
    .split(':')
    .map(Number) as [number, number, number];
  const count = one(/--array=1-(\d+)/);
  const job = queue.submit({
    ...{ name: one(/--job-name=(\S+)/), walltime: (h * 60 + m) * 60 + s, dir, token },
    count: count === '' ? undefined : Number(count),
  });
  return fate === 'taken' ? late : says(`${job}\n`);
}

/** Ended jobs are shown for MinJobAge, slurm.conf(5). Seconds. */
const MIN_JOB_AGE = 300;

const idOf = ({ job, task }: Task): string => (task === undefined ? `${job}` : `${job}_${task}`);

function squeue(queue: Queue, args: readonly string[]): Output {
  const name = optionOf(args, '--name');
  const ids = optionOf(args, '--jobs')?.split(',');
  const now = Date.now();
  const shown = queue.tasks.filter(
    task =>
      (!isOver(task) || now - task.ended < MIN_JOB_AGE * 1000) &&
      now - task.submitted >= queue.lag &&
      (name === undefined || task.name === name) &&
      (ids === undefined || ids.includes(String(task.job))),
  );
  if (ids?.length === 1 && shown.length === 0) return fails('slurm_load_jobs error: Invalid job id specified');
  return says(shown.map(task => `${squeueLine(task, now)}\n`).join(''));
}

function squeueLine(task: Task, now: number): string {
  const left = Math.max(0, task.walltime - Math.floor((now - task.started) / 1000));
  const clock = `${Math.floor(left / 3600)}:${two(Math.floor(left / 60) % 60)}:${two(left % 60)}`;
  const isRunning = task.state === 'RUNNING' || task.state === 'COMPLETING';
  const reason = task.state === 'PENDING' ? 'Priority' : 'None';
  return [idOf(task), task.job, task.state, isRunning ? clock : '0:00', task.node, reason, task.name].join('|');
}

const two = (n: number): string => String(n).padStart(2, '0');

function sacct(queue: Queue, args: readonly string[]): Output {
  const ids = optionOf(args, '--jobs')?.split(',') ?? [];
  const now = Date.now();
  const lines = queue.tasks.flatMap(task => {
    if (!ids.includes(String(task.job)) || task.state === 'PENDING' || now - task.submitted < queue.lag) return [];
    const ran = Math.floor(((isOver(task) ? task.ended : now) - task.started) / 1000);
    const state = task.state === 'COMPLETING' ? 'RUNNING' : task.state;
    return [[idOf(task), state, `${task.exit}:0`, task.node || 'None assigned', task.started ? ran : 0].join('|')];
  });
  return says(lines.map(line => `${line}\n`).join(''));
}

function scancel(queue: Queue, args: readonly string[]): Output {
  let wrong = '';
  for (const id of args) {
    const [job, task] = id.split('_');
    const meant = queue.tasks.filter(t => String(t.job) === job && (task === undefined || String(t.task) === task));
    if (meant.length === 0) wrong += `scancel: error: Kill job error on job id ${id}: Invalid job id specified\n`;
    for (const one of meant) queue.cancel(one);
  }
  return { stdout: '', stderr: wrong, exitCode: wrong === '' ? 0 : 1 };
}

/** `--name=x` → x */
const optionOf = (args: readonly string[], option: string): string | undefined =>
  args.find(arg => arg.startsWith(`${option}=`))?.slice(option.length + 1);
