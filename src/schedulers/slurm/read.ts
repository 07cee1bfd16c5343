import { simpleCommands } from '../commandline.js';
import { type Output, ownId } from '../job.js';
import type { Reader, Understanding, UnderstoodJob } from '../understanding.js';
import { fieldLayout, type Layout, letterLayout, namedLayout, type Row, rowOf } from './columns.js';
import { type SlurmCommand, slurmCommand } from './command.js';
import { understood } from './job.js';
import { jsonAnswer } from './json.js';
import { exitOf, expandTasks } from './states.js';
import { parseSubmit } from './submit.js';
import { slurmsWords } from './words.js';

type Kind = Understanding['kind'];
interface Answer {
  readonly jobs: readonly UnderstoodJob[];
  readonly error?: string;
}

/** Reads the answer of any command of Slurm. */
export const read: Reader = (command, out) => {
  let kind: Kind = 'other';
  try {
    const asked = slurmCommand(command);
    if (!asked) return { kind, jobs: [], ...(simpleCommands(command).length === 1 ? failure(out, false) : {}) };
    kind = kindOf(asked);
    const failed = failure(out, asked.filtered);
    return { kind, ...(failed ? { jobs: [], ...failed } : answer(kind, asked, out)) };
  } catch (error) {
    return { kind, jobs: [], error: `not understood: ${error instanceof Error ? error.message : String(error)}` };
  }
};

function kindOf({ program, options, words }: SlurmCommand): Kind {
  if (options.has('version')) return 'version';
  if (options.has('help') || options.has('usage')) return 'other';
  if (program === 'sbatch') return 'submit';
  if (program === 'scancel') return 'cancel';
  if (program === 'squeue' || program === 'sacct') return 'list';
  if (program === 'sinfo') return options.has('Node') || options.has('list-reasons') ? 'nodes' : 'queues';
  if (program !== 'scontrol') return 'other';
  const [verb = '', what = ''] = words.map(word => word.toLowerCase());
  if (/^(hold|uhold|release|suspend|resume|requeue|requeuehold)$/.test(verb)) return 'hold';
  if (verb === 'version') return 'version';
  if (!/^sho?w?$/.test(verb)) return 'other';
  return /^jobs?\b/.test(what) ? 'list' : /^part/.test(what) ? 'queues' : /^nodes?\b/.test(what) ? 'nodes' : 'other';
}

/** Slurm's error, if it failed; old and new programs report some failures with status 0. */
function failure({ stdout, stderr, exitCode }: Output, filtered: boolean): { error: string } | undefined {
  const words = slurmsWords(stderr.trim() || stdout);
  // status 1 of `squeue | grep` is grep's: nothing was found
  if (exitCode !== 0 && !(filtered && exitCode === 1 && stderr.trim() === ''))
    return { error: words || `no answer (status ${exitCode ?? 'none'})` };
  const told = stderr.split('\n').filter(line => FAILED.test(line) && !/already complet/i.test(line));
  return told.length > 0 ? { error: slurmsWords(told.join('\n')) } : undefined;
}

const FAILED =
  /^(slurm|scontrol)_\w+ error: |^slurm_\w+: |^s(queue|acct|info|cancel|control): (error|fatal): |Unable to contact/;

function answer(kind: Kind, asked: SlurmCommand, out: Output): Answer {
  if (kind === 'submit') {
    if (asked.options.has('test-only')) return { jobs: [] };
    return { jobs: [{ id: ownId(parseSubmit(out)) }] };
  }
  if (kind === 'cancel') return { jobs: idsIn(asked.words) };
  if (kind === 'hold') return { jobs: idsIn(asked.words.slice(1)) };
  if (kind !== 'list') return { jobs: [] };
  // the environment may also ask for JSON instead of a table
  if (asked.options.has('json') || /^\s*\{/.test(out.stdout)) return jsonAnswer(out.stdout, asked.program);
  if (asked.options.has('yaml')) return { jobs: [], error: 'YAML is not supported here' };
  if (asked.program === 'scontrol') return { jobs: records(out.stdout) };
  return { jobs: rows(asked, out.stdout) };
}

function idsIn(words: readonly string[]): UnderstoodJob[] {
  const ids = words.flatMap(word => (word.startsWith('[') ? [word] : word.split(/,(?![^[]*\])/)));
  return ids.flatMap(id => {
    const job = /^(?:job(?:id)?=)?(\d+(?:_(?:\d+|\[[^\]]+\]))?)(?:\.\w+)?$/i.exec(id)?.[1];
    return job === undefined ? [] : expandTasks(job).map(task => ({ id: task }));
  });
}

/** squeue's and sacct's tables: the header names the columns, or the command does. */
function rows(asked: SlurmCommand, text: string): UnderstoodJob[] {
  const lines = text.split('\n').map(line => line.replace(/\r$/, ''));
  const layout = layoutOf(asked, lines);
  // if the id was not asked for, the job is the one in the command
  const [only, another] = idsIn([asked.options.get('jobs') ?? asked.options.get('job') ?? '']);
  const known = only && !another ? only.id : undefined;
  return lines.flatMap(line => {
    const row = line.trim() === '' ? undefined : rowOf(layout, line);
    return row ? jobOf(row, known) : [];
  });
}

const SQUEUE = '%.18i %.9P %.8j %.8u %.2t %.10M %.6D %R';
const SQUEUE_LONG = '%.18i %.9P %.8j %.8u %.8T %.10M %.9l %.6D %R';
const SACCT = 'JobID,JobName,Partition,Account,AllocCPUS,State,ExitCode';

function layoutOf({ program, options }: SlurmCommand, lines: readonly string[]): Layout {
  const bar = options.has('parsable2') || options.has('parsable') ? (options.get('delimiter') ?? '|') : ' ';
  const format = options.get('format') ?? options.get('Format');
  // a site's own format has its own header
  const header = options.has('noheader') ? undefined : lines.find(isHeader);
  if (program === 'sacct') {
    const names = header && bar !== ' ' ? header.split(bar) : header?.trim().split(/\s+/);
    const asked = options.has('brief') ? 'JobID,State,ExitCode' : (format ?? SACCT);
    return namedLayout((names ?? asked.split(',')).filter(Boolean), bar);
  }
  if (options.has('Format')) return fieldLayout(options.get('Format') as string);
  if (format !== undefined) return letterLayout(format);
  if (header) return namedLayout(header.trim().split(/\s*\|\s*|\s+/), header.includes('|') ? '|' : ' ');
  return letterLayout(options.has('long') ? SQUEUE_LONG : SQUEUE);
}

const isHeader = (line: string): boolean =>
  /(^|[\s|])(JOB_?ID(RAW)?|STATE|ST)([\s|]|$)/i.test(line) && !/\d/.test(line);

function jobOf(row: Row, known: string | undefined): UnderstoodJob[] {
  const task = /^\d+$/.test(row.task ?? '') ? `_${row.task}` : row.task && row.task !== 'N/A' ? `_[${row.task}]` : '';
  const id = row.id ?? (row.array && row.array !== 'N/A' ? `${row.array}${task}` : row.raw) ?? known;
  // steps of a job are not jobs
  if (id === undefined || id.includes('.')) return [];
  const shown = row.nodesOrReason;
  const reason = row.reason ?? (shown?.startsWith('(') ? shown.replace(/^\(|\)$/g, '') : undefined);
  return understood(id, row.state, reason, row.exit === undefined ? undefined : exitOf(row.exit));
}

/** `scontrol show job`: one record per job, on one line or several. */
function records(text: string): UnderstoodJob[] {
  return text.split(/^(?=JobId=\d)/m).flatMap(record => {
    // the name comes before it and may contain anything; so may command and comment, which come after it
    const behind = record.search(/\sUserId=/);
    const rest = record.slice(Math.max(0, behind));
    const head = record.slice(0, record.length - rest.length);
    const [, job, , array, task] =
      /^JobId=(\d+)(\s+ArrayJobId=(\d+)\s+ArrayTaskId=([\d,:%.-]+))?/.exec(head.replaceAll(/\s+/g, ' ')) ?? [];
    const { state, reason } = stateIn(rest);
    if (job === undefined || state === undefined) return [];
    const id = array === undefined ? job : `${array}_${/^\d+$/.test(task as string) ? task : `[${task}]`}`;
    return understood(id, state, reason, exitOf(/\sExitCode=(\d+:\d+)/.exec(rest)?.[1] ?? ''));
  });
}

/**
 * `JobState=PENDING Reason=…`; the reason may have several words, up to `Dependency=` or to the one field before that.
 */
function stateIn(record: string): { state?: string; reason?: string } {
  const begin = /\sJobState=(\S+)\s+Reason=/.exec(record);
  if (!begin) return {};
  const said = record.slice(begin.index + begin[0].length);
  const end = said.search(/\sDependency=/);
  if (end < 0) return {};
  return {
    state: begin[1] as string,
    reason: said
      .slice(0, end)
      .trimEnd()
      .replace(/\s\w+=\S*$/, '')
      .trimEnd(),
  };
}
