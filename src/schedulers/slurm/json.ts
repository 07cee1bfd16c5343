import type { UnderstoodJob } from '../understanding.js';
import { understood } from './job.js';
import { exitOf } from './states.js';

type Dict = Record<string, unknown>;

/** `--json` of squeue, sacct and scontrol; the exit status is 0 even if `errors` says that nothing is known. */
export function jsonAnswer(text: string, program: string): { jobs: readonly UnderstoodJob[]; error?: string } {
  let all: unknown;
  try {
    // banners of the login node may come first
    all = JSON.parse(text.slice(Math.max(0, text.search(/^[ \t]*\{/m))));
  } catch {
    return { jobs: [], error: 'the answer is not complete JSON' };
  }
  const { errors, jobs } = dict(all);
  // accounting reports an error if no job matches
  const said = list(errors)
    .map(dict)
    .filter(e => !/^Nothing found/i.test(`${e.error ?? ''}${e.description ?? ''}`));
  if (said.length > 0) {
    const words = said.flatMap(e => [e.description, e.error].filter(w => typeof w === 'string' && w !== ''));
    return { jobs: [], error: [...new Set(words)].join('; ') || 'an error without a message' };
  }
  if (!Array.isArray(jobs)) return { jobs: [], error: 'the answer contains no list of jobs' };
  return { jobs: jobs.map(dict).flatMap(program === 'sacct' ? fromSacct : fromSqueue) };
}

const dict = (value: unknown): Dict => (typeof value === 'object' && value !== null ? (value as Dict) : {});
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string | undefined => (typeof value === 'string' && value ? value : undefined);

/** A plain number, or since Slurm 23.02 `{set, infinite, number}`. */
function number(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  const { set, number } = dict(value);
  return set !== false && typeof number === 'number' ? number : undefined;
}

/** One word, or since Slurm 23.02 the state and its flags: `["RUNNING", "COMPLETING"]`. */
function stateIn(value: unknown): string | undefined {
  const words = list(value).filter(word => typeof word === 'string');
  // if there is one of these flags, squeue itself shows the flag
  return words.find(word => /^(COMPLETING|REQUEUE_HOLD|SPECIAL_EXIT|STOPPED)$/.test(word)) ?? words[0] ?? text(value);
}

function fromSqueue(job: Dict): UnderstoodJob[] {
  const id = idOf(job.job_id, job.array_job_id, job.array_task_id, text(job.array_task_string));
  const state = stateIn(job.job_state);
  return id === undefined || state === undefined ? [] : understood(id, state, text(job.state_reason), exitIn(job));
}

function fromSacct(job: Dict): UnderstoodJob[] {
  const { job_id: array, task_id: task, task: mask } = dict(job.array);
  const { current, reason } = dict(job.state);
  const id = idOf(job.job_id, array, task, tasksOf(text(mask)));
  const state = stateIn(current);
  return id === undefined || state === undefined ? [] : understood(id, state, text(reason), exitIn(job));
}

function idOf(job: unknown, array: unknown, task: unknown, tasks: string | undefined): string | undefined {
  const [one, many, index] = [number(job), number(array), number(task)];
  if (!many) return one === undefined ? undefined : String(one);
  if (tasks) return `${many}_[${tasks}]`;
  return index === undefined ? String(many) : `${many}_${index}`;
}

/** The pending tasks of an array: in accounting one bit for each (`0xE`), otherwise a list. */
function tasksOf(mask: string | undefined): string | undefined {
  if (mask === undefined || !/^0x[\da-f]{1,100000}$/i.test(mask)) return mask;
  const bits = [...BigInt(mask).toString(2)].reverse();
  return bits.flatMap((bit, index) => (bit === '1' ? [index] : [])).join(',');
}

/** How the job ended, as a shell reports it; a failure with status 0 is one that Slurm 22.05 left out here. */
function exitIn({ exit_code: exit, job_state: live, state: past }: Dict): number | undefined {
  // before 23.02 this is the wait status
  if (typeof exit === 'number') return exitOf(`${exit >> 8}:${exit & 127}`);
  const { return_code: code, signal } = dict(exit);
  const { id, signal_id: old } = dict(signal);
  const killed = number(id) ?? number(old);
  const returned = number(code);
  if (killed) return 128 + killed;
  const ended = stateIn(live ?? dict(past).current);
  return returned === 0 && ended !== 'COMPLETED' && ended !== 'CANCELLED' ? undefined : returned;
}
