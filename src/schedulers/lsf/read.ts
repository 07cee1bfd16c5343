import type { Output } from '../job.js';
import type { Reader, Understanding, UnderstoodJob } from '../understanding.js';
import { historyJobs, longJobs, tableJobs } from './text.js';
import { CutShort, exitOf, idOf, judge, type LsfJob } from './verdict.js';
import { AWAY, CANCELLED, NOTHING, wordsOf } from './words.js';

type Kind = Understanding['kind'];

const KINDS: Record<string, Kind> = {
  bsub: 'submit',
  bjobs: 'list',
  bhist: 'list',
  bacct: 'list',
  bkill: 'cancel',
  bstop: 'hold',
  bresume: 'hold',
  bqueues: 'queues',
  bhosts: 'nodes',
  lshosts: 'nodes',
  lsload: 'nodes',
  lsid: 'version',
};

/** Reads the answer of any command of IBM LSF or OpenLava. */
export const read: Reader = (command, out) => {
  const argv = programOf(command);
  const name = argv[0]?.split('/').at(-1) ?? '';
  const kind = kindOf(name, argv);
  try {
    return { kind, ...understand(kind, name, argv, out) };
  } catch (error) {
    if (!(error instanceof CutShort)) return { kind, jobs: [], error: `not understood: ${words(out)}` };
    return { kind, jobs: [], error: `the answer was cut short: ${words(out)}` };
  }
};

function kindOf(name: string, argv: readonly string[]): Kind {
  const kind = Object.hasOwn(KINDS, name) ? (KINDS[name] as Kind) : 'other';
  if (kind !== 'other' && argv.slice(1).includes('-V')) return 'version';
  return kind !== 'other' && argv.slice(1).includes('-h') ? 'other' : kind;
}

function understand(kind: Kind, name: string, argv: readonly string[], out: Output): Omit<Understanding, 'kind'> {
  const failed = out.exitCode !== 0;
  if (kind === 'list') return listed(name, argv, out);
  if (kind === 'submit') {
    const ids = [...out.stdout.matchAll(/^Job <(\d+)> is submitted to (?:default )?queue <[^>]*>\.\s*$/gm)];
    const id = ids.at(-1)?.[1];
    return !failed && id ? { jobs: [{ id }] } : { jobs: [], error: words(out) };
  }
  if (kind === 'cancel' || kind === 'hold') return touched(kind, out);
  // an empty table, or one that was cut off within a line, says nothing
  const cut = kind !== 'other' && (out.stdout || out.stderr).trim() === '';
  if (failed || cut || (kind !== 'other' && /[^\n]$/.test(out.stdout))) return { jobs: [], error: words(out) };
  return { jobs: [] };
}

/** `Job <151> is being terminated`, one line per job; errors are on stderr. */
function touched(kind: Kind, out: Output): Omit<Understanding, 'kind'> {
  const lines = `${out.stdout}\n${out.stderr}`.split('\n').filter(l => l.trim() !== '');
  if (/[^\n]$/.test(out.stdout)) throw new CutShort(out.stdout);
  const jobs: UnderstoodJob[] = [];
  const complaints: string[] = [];
  for (const line of lines) {
    const [, jobId, index, said] = /^Job <(\d+)(?:\[(\d+)\])?>:?\s+(.*)$/s.exec(line) ?? [];
    const fine = / is being |is in progress/.test(line) || (kind === 'cancel' && /already finished/.test(line));
    if (jobId !== undefined && fine && (kind !== 'cancel' || CANCELLED.test(line))) {
      const reason = /is being/.test(said ?? '') ? {} : { reason: said as string };
      jobs.push({ id: idOf(jobId, index).id, ...reason });
    } else complaints.push(line);
  }
  if (out.exitCode === 0 && jobs.length > 0) return { jobs };
  if (out.exitCode === 255 && jobs.length > 0 && complaints.length === 0) return { jobs };
  return { jobs, error: words({ ...out, stderr: complaints.join('\n') }) };
}

function listed(name: string, argv: readonly string[], out: Output): Omit<Understanding, 'kind'> {
  if (out.exitCode === null || out.exitCode === 124 || AWAY.test(out.stderr)) return { jobs: [], error: words(out) };
  const jobs = jobsOf(name, argv, out.stdout);
  // if some of the requested jobs are unknown, bjobs fails although it shows the others
  if (jobs.length > 0) return { jobs: jobs.map(understood) };
  const said = `${out.stderr}\n${out.stdout}`.split('\n').filter(l => l.trim() !== '');
  // a job that was requested by its id and does not exist is an error; a condition that no job meets gives an empty list
  const empty = said.some(l => NOTHING.test(l.trim())) && !said.some(l => /^Job <\d+(\[.*\])?> is not found/.test(l));
  return empty ? { jobs: [] } : { jobs: [], error: words(out) };
}

function understood(job: LsfJob): UnderstoodJob {
  const { id, state, word, exitCode, reason } = job;
  return {
    id,
    ...(state === undefined ? {} : { state }),
    ...(word === undefined ? {} : { word }),
    ...(exitCode === undefined ? {} : { exit: exitCode }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** The jobs in any output format of bjobs or bhist; the text itself shows which format it is. @throws CutShort */
function jobsOf(name: string, argv: readonly string[], text: string): LsfJob[] {
  if (text.trim() === '') return [];
  if (argv.includes('-json') || /^\s*\{\s*"COMMAND"/.test(text)) return jsonJobs(text);
  if (!text.endsWith('\n')) throw new CutShort(text);
  if (/^Job (Id )?</m.test(text)) return name === 'bhist' ? historyJobs(text) : longJobs(text);
  const format = optionOf(argv, '-o') ?? optionOf(argv, '-Uo');
  if (format !== undefined) return chosenJobs(text, format, argv.includes('-noheader'));
  const arrays = text.split('\n').flatMap(arrayRow);
  if (argv.includes('-A')) return arrays;
  return name === 'bhist' ? text.split('\n').flatMap(historyRow) : tableJobs(text);
}

/** The last `count` words of a row, if all are numbers and other words come before them. */
function numbersAtEnd(line: string, count: number): number[] | undefined {
  const words = line.trim().split(/\s+/);
  const last = words.slice(-count);
  return words.length > count + 1 && last.every(word => /^\d+$/.test(word)) ? last.map(Number) : undefined;
}

/** `bhist`: how long a job was in each state, but not its present state. */
function historyRow(line: string): LsfJob[] {
  const [, jobId, index] = /^(\d+)(?:\[(\d+)\])?\s/.exec(line) ?? [];
  return jobId === undefined || !numbersAtEnd(line, 7) ? [] : [idOf(jobId, index)];
}

const COUNTS = ['PEND', 'DONE', 'RUN', 'EXIT', 'SSUSP', 'USUSP', 'PSUSP'];

/** `bjobs -A`: how many tasks are in each state; the array has the state that keeps it alive. */
function arrayRow(line: string): LsfJob[] {
  const jobId = /^(\d+)\s/.exec(line)?.[1];
  const counts = numbersAtEnd(line, 8);
  if (jobId === undefined || counts === undefined) return [];
  const numbers = counts.slice(1);
  const most = ['RUN', 'SSUSP', 'USUSP', 'PEND', 'PSUSP', 'EXIT', 'DONE'];
  const word = most.find(w => (numbers[COUNTS.indexOf(w)] ?? 0) > 0);
  return [{ ...idOf(jobId, undefined), ...(word === undefined ? {} : judge(word, {})) }];
}

/** `bjobs -o '…' -json`: `{"COMMAND": "bjobs", "JOBS": 1, "RECORDS": [{"JOBID": "123", "STAT": "RUN"}]}`. */
function jsonJobs(text: string): LsfJob[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text.slice(Math.max(0, text.indexOf('{'))));
  } catch {
    throw new CutShort(text);
  }
  const records = (parsed as { RECORDS?: unknown } | null)?.RECORDS;
  if (!Array.isArray(records)) throw new CutShort(text);
  return records.flatMap(record => {
    if (typeof record !== 'object' || record === null) return [];
    const entries = Object.entries(record).map(([k, v]) => [k.toUpperCase(), String(v ?? '')] as const);
    return fieldsJob(new Map(entries));
  });
}

/** Other names of fields, bjobs(1) -o. */
const ALIASES: Record<string, string> = { ID: 'JOBID', NAME: 'JOB_NAME', STATUS: 'STAT', EXITCODE: 'EXIT_CODE' };
/** Fields whose values may contain blanks. */
const SENTENCES = /NAME|COMMAND|REASON|TIME|DESCRIPTION|RESREQ|COMMENT|DEPENDENCY|CPU_USED|_USED|MSG|HRUSAGE/;

/** `bjobs -o 'jobid stat:8 exit_code delimiter="|"'`, with a header or without. */
function chosenJobs(text: string, format: string, bare: boolean): LsfJob[] {
  const delimiter = /delimiter\s*=\s*(?:'([^']*)'|"([^"]*)"|(\S+))/.exec(format);
  const mark = delimiter?.[1] ?? delimiter?.[2] ?? delimiter?.[3];
  const asked = format
    .replace(/delimiter\s*=\s*('[^']*'|"[^"]*"|\S+)/, '')
    .trim()
    .split(/\s+/)
    .filter(Boolean);
  const names = asked.map(f => (f.split(':')[0] as string).toUpperCase());
  return text.split('\n').flatMap((line, at) => {
    if (line.trim() === '' || (!bare && at === 0 && /\bJOBID\b/.test(line))) return [];
    const cells = mark === undefined || mark.trim() === '' ? split(line, names) : line.split(mark).map(c => c.trim());
    if (cells.length < names.length) return [];
    return fieldsJob(new Map(names.map((n, i) => [ALIASES[n] ?? n, cells[i] ?? ''])));
  });
}

/** Columns separated by blanks: the first field that may contain blanks gets the surplus words. */
function split(line: string, names: readonly string[]): string[] {
  const cells = line.trim().split(/\s+/);
  const extra = cells.length - names.length;
  const wide = names.findIndex(n => SENTENCES.test(ALIASES[n] ?? n));
  if (extra > 0 && wide >= 0) cells.splice(wide, extra + 1, cells.slice(wide, wide + extra + 1).join(' '));
  return cells;
}

function fieldsJob(fields: ReadonlyMap<string, string>): LsfJob[] {
  const value = (name: string): string | undefined => {
    const text = fields.get(name)?.trim();
    return text === undefined || text === '' || text === '-' ? undefined : text;
  };
  const [, jobId, task] = /^(\d+)(?:\[(\d+)\])?$/.exec(value('JOBID') ?? '') ?? [];
  if (jobId === undefined) return [];
  const index = task ?? value('JOBINDEX') ?? /\[(\d+)\]$/.exec(value('JOB_NAME') ?? '')?.[1];
  const word = value('STAT');
  if (word === undefined) return [idOf(jobId, index)];
  const exit = /^\d+$/.exec(value('EXIT_CODE') ?? '')?.[0];
  const words = value('EXIT_REASON');
  const judged = judge(word, {
    exitCode: exit === undefined ? exitOf(words) : Number(exit),
    words,
    started: value('EXEC_HOST') !== undefined || value('START_TIME') !== undefined || undefined,
  });
  const why = judged.state === 'queued' ? value('PEND_REASON') : value('SUSPEND_REASON');
  return [{ ...idOf(jobId, index), ...judged, ...(why === undefined ? {} : { reason: why }) }];
}

const isOurs = (word: string): boolean => Object.hasOwn(KINDS, word.split('/').at(-1) ?? '');

function optionOf(argv: readonly string[], option: string): string | undefined {
  const at = argv.indexOf(option);
  return at < 0 ? undefined : argv[at + 1];
}

function words(out: Output): string {
  return wordsOf(out).join('; ') || `there was no answer (status ${out.exitCode ?? 'none'})`;
}

/**
 * The only LSF command in a command line, without words before it (`FOO=bar timeout 15 …`, `printf … |`); empty for a
 * script with several commands.
 */
function programOf(command: string): string[] {
  const parts: string[][] = [[]];
  let word: string | undefined;
  const token =
    /'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)|(\d?[<>]+&?(?:\d(?!\w))?|\$\(|[|;&\n()`])|([ \t]+)|([^\s'"\\|;&()<>`$]+|\$)/gs;
  const end = () => {
    if (word !== undefined) parts.at(-1)?.push(word);
    word = undefined;
  };
  for (const [, single, double, escaped, operator, blank, plain] of command.trim().matchAll(token)) {
    if (blank !== undefined) end();
    else if (operator !== undefined) {
      end();
      if (operator === '|') parts.push([]);
      else if (!/[<>]/.test(operator)) return [];
    } else word = (word ?? '') + (single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? plain ?? '');
  }
  end();
  const programs = parts.map(argv => {
    const rest = [...argv];
    while (/^[A-Za-z_]\w*=/.test(rest[0] ?? '') || rest[0] === 'env' || rest[0] === 'exec') rest.shift();
    if (rest[0] === 'timeout') rest.splice(0, Math.max(1, rest.findIndex(isOurs)));
    return rest;
  });
  const ours = programs.filter(argv => isOurs(argv[0] ?? ''));
  return ours.length === 1 ? (ours[0] as string[]) : programs.length === 1 ? (programs[0] ?? []) : [];
}
