import { append } from '../../text.js';
import type { BatchJobState } from '../job.js';
import { taskNumbers } from '../most.js';
import { type Element, every, field, parseXml } from './xml.js';

/** What qstat or qacct say about a job, or about one task of an array. */
export interface Row {
  /** The number that qsub gave. */
  readonly job: string;
  /** Task numbers of an array, if listed: `2`, or `1-3:1` and `1,5,7` for tasks that wait. */
  readonly tasks?: string;
  readonly state?: BatchJobState;
  readonly word?: string;
  readonly reason?: string;
  readonly exit?: number;
  readonly name?: string;
  /** False if the name may be cut off. */
  readonly isWholeName?: boolean;
  readonly owner?: string;
  readonly node?: string;
  /** `2026-11-22T03:32:10`, in the site's own time zone. */
  readonly start?: string;
  /** The requested h_rt in seconds. */
  readonly limit?: number;
}

/** State letters, qstat(1) "state": they are combined; the first match in this list decides. */
const LETTERS: [RegExp, BatchJobState][] = [
  [/[^dEhrRsStTwqzNPA]|^$/, 'unknown'],
  [/z/, 'finished'],
  [/d/, 'completing'],
  [/E/, 'held'],
  [/[sSTNP]/, 'held'],
  // t: it is being transferred to the node. A hold on a running job matters only if it is rescheduled
  [/[rt]/, 'running'],
  [/h/, 'held'],
  [/[qw]/, 'queued'],
  [/R/, 'running'],
];

export function stateOf(word: string): BatchJobState {
  return LETTERS.find(([pattern]) => pattern.test(word))?.[1] ?? 'unknown';
}

/** `1-7:2,9` → 1, 3, 5, 7, 9. @returns undefined for text that is not a list of tasks */
export function taskList(text: string): number[] | undefined {
  const list = taskNumbers(text.replaceAll(' ', ''));
  return list?.includes(0) ? undefined : list;
}

/** The ids of a row: `72`, or `72_1`, `72_2` for tasks. If the list of tasks can't be read, the job counts as one. */
export function idsOf({ job, tasks }: Row): string[] {
  const list = tasks ? taskList(tasks) : undefined;
  return list ? list.map(n => `${job}_${n}`) : [job];
}

/**
 * `qstat -xml`, also with -r and -f.
 * @param wanted selects jobs: all users together may have very many
 * @returns the root element, also of another kind of document, and its jobs. The jobs are undefined if one can't be read,
 * because a job that can't be read must not count as missing. The whole result is undefined if the document was cut short
 */
export function queueRows(
  text: string,
  wanted: (row: Row) => boolean = () => true,
): { root: Element; rows: Row[] | undefined } | undefined {
  const rows: Row[] = [];
  let isReadable = true;
  const root = parseXml(text, element => {
    if (element.name !== 'job_list') return false;
    const row = queueRow(element);
    if (!row) isReadable = false;
    else if (wanted(row)) rows.push(row);
    return true;
  });
  return root && { root, rows: isReadable ? rows : undefined };
}

function queueRow(job: Element): Row | undefined {
  const [id, word] = [field(job, 'JB_job_number'), field(job, 'state')];
  if (!id || !/^\d+$/.test(id) || !word) return undefined;
  const full = field(job, 'full_job_name');
  const limit = job.children.find(c => c.name === 'hard_request' && c.attributes.get('name') === 'h_rt')?.text;
  return strip({
    job: id,
    tasks: field(job, 'tasks'),
    ...{ state: stateOf(word), word },
    ...{ name: full ?? field(job, 'JB_name'), isWholeName: full !== undefined, owner: field(job, 'JB_owner') },
    node: nodeOf(field(job, 'queue_name')),
    start: field(job, 'JAT_start_time'),
    limit: secondsOf(limit),
  });
}

/** `qstat -j -xml`. Jobs have no state letters here: the state follows from what the job waits for, or from its node. */
export function detailRows(root: Element): Row[] {
  const notes = new Map<string, string[]>();
  for (const message of every(root, 'SME_message_list'))
    for (const one of message.children)
      for (const { text } of every(one, 'ULNG_value')) append(notes, text.trim(), field(one, 'MES_message') ?? '');
  return [...every(root, 'djob_info')]
    .flatMap(info => info.children)
    .flatMap((job): Row[] => {
      const id = field(job, 'JB_job_number');
      if (!id || !/^\d+$/.test(id)) return [];
      const range = job.children.find(c => c.name === 'JB_ja_structure')?.children[0];
      const ends = ['RN_min', 'RN_max', 'RN_step'].map(name => (range && field(range, name)) ?? '1') as [
        string,
        string,
        string,
      ];
      const started = [...(job.children.find(c => c.name === 'JB_ja_tasks')?.children ?? [])].map(task => ({
        task: field(task, 'JAT_task_number') ?? '1',
        isRunning: Number(field(task, 'JAT_status') ?? 0) !== 0,
        error: [...every(task, 'QIM_message')].map(m => m.text.trim()).join('; '),
      }));
      const isArray = ends[1] !== '1' || Number(field(job, 'JB_type') ?? 0) & ARRAY_BIT;
      const whole = isArray ? `${ends[0]}-${ends[1]}:${ends[2]}` : undefined;
      const hasPredecessor = job.children.some(c => c.name === 'JB_jid_predecessor_list' && c.children.length > 0);
      return detailed(id, whole, started, notes.get(id) ?? [], hasPredecessor);
    });
}

/** The bit of JB_type for an array; 64 is the bit for a binary. */
const ARRAY_BIT = 128;

/** `qstat -j` as text. */
export function detailTextRows(text: string): Row[] {
  return blocks(text).flatMap(block => {
    const value = (key: string): string | undefined =>
      new RegExp(`^${key}:(.*)$`, 'm').exec(block)?.[1]?.trim() || undefined;
    const id = value('job_number');
    if (!id || !/^\d+$/.test(id)) return [];
    const letters = [...block.matchAll(/^job_state[ \t]+(\d+):[ \t]+([A-Za-z]+)[ \t]*$/gm)];
    const lettered = new Map(letters.map(m => [m[1], m[2]]));
    const errors = new Map([...block.matchAll(/^error reason[ \t]+(\d+):[ \t]+(.*)$/gm)].map(m => [m[1], m[2]]));
    const numbers = new Set([...block.matchAll(/^(?:usage|error reason|job_state)[ \t]+(\d+):/gm)].map(m => m[1]));
    const started = [...numbers].map(task => ({
      task: task as string,
      isRunning: !errors.has(task),
      error: errors.get(task)?.trim() ?? '',
      ...(lettered.has(task) ? { word: lettered.get(task) } : {}),
    }));
    const info = /^scheduling info:[ \t]*(.*(?:\n[ \t]+.*)*)/m.exec(block)?.[1] ?? '';
    const notes = info.split('\n').map(l => l.trim());
    return detailed(id, value('job-array tasks'), started, notes, value('jid_predecessor_list') !== undefined);
  });
}

interface StartedTask {
  readonly task: string;
  readonly isRunning: boolean;
  readonly error: string;
  readonly word?: string | undefined;
}

function detailed(
  job: string,
  tasks: string | undefined,
  started: readonly StartedTask[],
  notes: readonly string[],
  hasPredecessor: boolean,
): Row[] {
  const rows = started.map(({ task, isRunning, error, word }): Row => {
    const state = word ? stateOf(word) : error ? 'held' : isRunning ? 'running' : 'queued';
    return strip({ job, tasks: tasks && task, state, word, reason: error || undefined });
  });
  // the shortages of a queue are printed for every job; the shortages of a job only for that job
  const own = notes.filter(n => n !== '' && !/^queue instance |^\(Collecting|^Job is in error state$/.test(n));
  const isHeld = hasPredecessor || own.some(n => /hold state|job dependencies/i.test(n));
  const waits = { state: isHeld ? 'held' : 'queued', reason: own.slice(-3).join('; ') || undefined } as const;
  if (!tasks) return rows.length > 0 ? rows : [strip({ job, ...waits })];
  const begun = new Set(started.map(s => s.task));
  const rest = (taskList(tasks) ?? []).map(String).filter(n => !begun.has(n));
  // if other tasks have started, a missing one waits or is over
  return [...rows, ...rest.map(n => strip({ job, tasks: n, ...(started.length === 0 ? waits : {}) }))];
}

/** qstat's table, with any columns. */
export function tableRows(text: string): Row[] {
  const rows: Row[] = [];
  let columns: string | undefined;
  for (const line of text.split('\n')) {
    if (/^job-ID\s/i.test(line)) columns = line;
    const [, job, word, rest] = DATED.exec(line) ?? [];
    if (job && word) rows.push({ job, word, state: stateOf(word), ...place(rest ?? '') });
    else if (UNDATED.test(line)) rows.push(...(columns ? columned(columns, line) : bare(line)));
  }
  return rows;
}

const DATED =
  /^\s*(\d+)\s+\d+\.\d+\s.*?\s([dEhrRsStTwqzNPA]{1,6})\s+\d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d(?:\.\d+)?(?:\s+(.*))?$/s;
const UNDATED = /^\s*\d+\s+\d+\.\d+\s/;

/** The text after the date: `[queue@node] [MASTER|SLAVE] [slots] [tasks]`. */
function place(text: string): Pick<Row, 'node' | 'tasks'> {
  const words = text.split(/\s+/).filter(Boolean);
  const queue = words.find(w => w.includes('@'));
  const numbers = words.filter(w => /^\d[\d,:-]*$/.test(w));
  const tasks = words.some(w => w === 'MASTER' || w === 'SLAVE') ? numbers[0] : numbers[1];
  return strip({ node: nodeOf(queue), tasks });
}

/** A row without a date (`qstat -ext`), split where its columns begin. */
function columned(header: string, line: string): Row[] {
  const [job, at] = [/\d+/.exec(line)?.[0], header.indexOf(' state ') + 1];
  const word = /^[A-Za-z]+/.exec(line.slice(at))?.[0];
  if (!job || at === 0 || !word) return [];
  const tail = ['queue ', 'slots ', 'ja-task-ID'].map(name => header.indexOf(name));
  const tasks = line.slice(tail[2]).trim();
  const node = nodeOf(line.slice(tail[0], tail[1]).trim().split(/\s/)[0]);
  return [strip({ job, word, state: stateOf(word), node, tasks: /^\d[\d,:-]*$/.test(tasks) ? tasks : undefined })];
}

/** A row without date and header (`qstat -f -ext`): the state is the letters before the first usage number. */
function bare(line: string): Row[] {
  const [, job, word] = /^\s*(\d+)\s.*?\s([dEhrRsStTwqzNPA]{1,6})\s+[\d:.]+(?=\s)/.exec(line) ?? [];
  return job && word ? [{ job, word, state: stateOf(word) }] : [];
}

/** Records that begin with a line of equals signs. */
export function blocks(text: string): string[] {
  return text.split(/^={20,}[ \t]*\n/m).slice(1);
}

function nodeOf(queue: string | undefined): string | undefined {
  const [, node] = /^[^@]+@(\S+)$/.exec(queue ?? '') ?? [];
  return node;
}

/** `300` or `1:00:00`. */
function secondsOf(text: string | undefined): number | undefined {
  if (!text || !/^\d+(:\d+){0,2}$/.test(text.trim())) return undefined;
  return text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}

/** The row without the fields that have no value. */
export function strip<T extends object>(row: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(row).filter(([, v]) => v !== undefined && v !== '')) as never;
}
