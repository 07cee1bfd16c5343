import { between } from '../../text.js';
import type { BatchJobState } from '../job.js';
import { mostJobs } from '../most.js';
import type { UnderstoodJob } from '../understanding.js';
import type { Ad } from './ads.js';

/** A value as `-long` and `-autoformat` print it; undefined for no value. */
function value(text: string): unknown {
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (/^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  if (/^(undefined|error)$/i.test(text)) return undefined;
  return /^".*"$/.test(text) ? text.slice(1, -1).replaceAll(/\\(.)/g, '$1') : text;
}

/** `-long`: one line for each attribute, and an empty line between jobs. */
export function longAds(text: string): Ad[] {
  const blocks = text.split(/\n\s*\n/).map(block => [...block.matchAll(/^(\w+) = (.*)$/gm)]);
  return blocks
    .filter(lines => lines.length > 0)
    .map(lines => Object.fromEntries(lines.map(([, name, text]) => [name, value(text as string)])));
}

/** `-xml` @returns undefined for an incomplete document */
export function xmlAds(text: string): Ad[] | undefined {
  if (!/<\/classads>\s*$/.test(text)) return undefined;
  return [...between(text, '<c>', '</c>')].map(body => {
    const cells = body.matchAll(/<a n="(\w+)">\s*(?:<b v="([tf])"\/>|<([irse])>([^<]*)<\/\3>)\s*<\/a>/g);
    return Object.fromEntries([...cells].map(([, name, truth, type, said = '']) => [name, typed(truth, type, said)]));
  });
}

function typed(truth: string | undefined, type: string | undefined, said: string): unknown {
  if (truth !== undefined) return truth === 't';
  const plain = said.replaceAll(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => ENTITIES[name] as string);
  return type === 'i' || type === 'r' ? Number(plain) : plain;
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

/** Values that consist of one word. */
const WORD =
  /^(ClusterId|ProcId|JobStatus|Owner|User|Exit\w+|Num\w+|Request\w+|JobPrio|JobUniverse|ServerTime|\w*(Date|Host))$/;

/**
 * `-autoformat[:OPTIONS] NAME…`: one line for each job, with labels or columns if requested. @returns undefined if the
 * values can't be separated
 */
export function formattedAds(text: string, args: readonly string[]): Ad[] | undefined {
  const at = args.findIndex(a => /^-(af|autof\w*)(:|$)/.test(a));
  const options = args[at]?.split(':')[1] ?? '';
  const rest = args.slice(at + 1);
  const names = rest.slice(0, [...rest.map(a => a.startsWith('-')), true].indexOf(true));
  const [id, all] = options.includes('j') ? [['ID'], ['ID', ...names]] : [[], names];
  const lines = text.split('\n').filter(line => line.trim() !== '');
  const heading = options.includes('h') ? (lines.shift() ?? '') : '';
  const ads = lines.map(line => {
    let cells: string[] | undefined;
    if (options.includes('l')) cells = labelled(line, all);
    else if (heading && !/[t,]/.test(options)) cells = columns(line, heading, names, id.length > 0);
    else cells = separated(line, all, options.includes('t') ? '\t' : options.includes(',') ? ', ' : ' ');
    if (cells === undefined) return undefined;
    const ad = Object.fromEntries(all.map((name, n) => [name, value((cells[n] as string).trim())]));
    const [, cluster, proc] = /^\s*(\d+)\.(\d+)\s*$/.exec(id.length > 0 ? (cells[0] as string) : '') ?? [];
    return cluster === undefined ? ad : { ...ad, ClusterId: Number(cluster), ProcId: Number(proc) };
  });
  return ads.every(ad => ad !== undefined) ? ads : undefined;
}

/** `ID = 1.1 JobStatus = 5` */
function labelled(line: string, names: readonly string[]): string[] | undefined {
  const starts = names.map(name => line.indexOf(`${name} = `));
  if (starts.some((start, n) => start < 0 || start < (starts[n - 1] ?? 0))) return undefined;
  return names.map((name, n) => line.slice((starts[n] as number) + name.length + 3, starts[n + 1]));
}

/** Columns as wide as the heading. A job's id comes before the first one. */
function columns(line: string, heading: string, names: readonly string[], hasId: boolean): string[] | undefined {
  const starts = names.map(name => heading.search(new RegExp(`(?<!\\w)${name}(?!\\w)`)));
  if (starts.includes(-1)) return undefined;
  const cells = starts.map((start, n) => line.slice(start, starts[n + 1]));
  return hasId ? [line.slice(0, starts[0]), ...cells] : cells;
}

/** As many values as there are names; surplus words belong to the first value that may be a sentence. */
function separated(line: string, names: readonly string[], by: string): string[] | undefined {
  const cells = line.trim().split(by);
  const extra = cells.length - names.length;
  const free = names.findIndex(name => !WORD.test(name) && name !== 'ID');
  if (extra > 0 && free >= 0) cells.splice(free, extra + 1, cells.slice(free, free + extra + 1).join(by));
  return cells.length === names.length ? cells : undefined;
}

/**
 * The column ST, condor_q(1); `<` and `>` mean files being transferred in and out, `q` before them means waiting for
 * that.
 */
const LETTERS: Record<string, readonly [BatchJobState, string]> = {
  I: ['queued', 'IDLE'],
  R: ['running', 'RUNNING'],
  X: ['completing', 'REMOVED'],
  C: ['finished', 'COMPLETED'],
  H: ['held', 'HELD'],
  S: ['held', 'SUSPENDED'],
  '<': ['running', 'TRANSFERRING_INPUT'],
  '>': ['completing', 'TRANSFERRING_OUTPUT'],
};

/** `ID OWNER SUBMITTED`; each table begins with its heading. */
const ROW = /^\s*(?:\|-)?(\d+)\.(\d+)\s+\S+\s+\d+\/\d+\s+\d+:\d+\s*(.*)$/s;

/** condor_q's and condor_history's tables with one row per job. @param past a removed job in them is over */
export function tableJobs(text: string, past: boolean): UnderstoodJob[] {
  let heading = '';
  return text.split('\n').flatMap((line): UnderstoodJob[] => {
    if (/^\s*ID\s+OWNER/.test(line)) heading = line;
    const [, cluster, proc, rest = ''] = ROW.exec(line) ?? [];
    if (cluster === undefined) return [];
    const id = `${cluster}_${proc}`;
    if (heading.includes('HOLD_REASON'))
      return [{ id, state: 'held', word: 'HELD', ...(rest ? { reason: rest } : {}) }];
    if (heading.includes('HOST(S)')) return [{ id, state: 'running', word: 'RUNNING' }];
    const letter = /^(?:\d+\+\d\d:\d\d:\d\d)?\s*q?([IRXCHS<>])q?\s/.exec(rest)?.[1] ?? '';
    const [state, word] = LETTERS[letter] ?? (['unknown', letter] as const);
    return [{ id, state: past && letter === 'X' ? 'cancelled' : state, word }];
  });
}

/** The usual output of condor_q: one row per batch, `alice run1 11/22 09:14 _ 3 _ _ 3 4.0-2`. */
export function batchJobs(text: string): UnderstoodJob[] {
  let columns: string[] = [];
  return text.split('\n').flatMap(line => {
    if (/^OWNER\s+BATCH_NAME\s/.test(line)) columns = line.split('SUBMITTED')[1]?.trim().split(/\s+/) ?? [];
    const cells = behindTime(line);
    if (cells === undefined || columns.length === 0) return [];
    const count = (name: string): number => Number(cells[columns.indexOf(name)]) || 0;
    const inQueue = (['RUN', 'IDLE', 'HOLD'] as const).filter(name => count(name) > 0);
    const only = inQueue.length === 1 ? BATCHES[inQueue[0] as keyof typeof BATCHES] : undefined;
    const total = inQueue.reduce((sum, name) => sum + count(name), 0);
    return idsOf(cells.slice(columns.length - 1).join(' '), total).map(id =>
      only ? { id, state: only[0], word: only[1] } : { id },
    );
  });
}

/** The cells after the row's date and time, which is the last text that looks like one: counts, then ids. */
function behindTime(line: string): string[] | undefined {
  if (!/^\S/.test(line)) return undefined;
  const words = line.trim().split(/\s+/);
  const at = words.findLastIndex((word, n) => n > 1 && /^\d+:\d+$/.test(word) && /^\d+\/\d+$/.test(words[n - 1] ?? ''));
  const cells = words.slice(at + 1);
  const ids = cells.findIndex(cell => !/^(_|\d+)$/.test(cell));
  const isWhole = /^\d+\.\d+\S*( \.\.\. \d+\.\d+)?$/.test(cells.slice(ids).join(' '));
  return at > 0 && ids > 0 && isWhole ? cells : undefined;
}

const BATCHES = { RUN: ['running', 'RUNNING'], IDLE: ['queued', 'IDLE'], HOLD: ['held', 'HELD'] } as const;

/** `4.0`, `4.0-2` or `1.0 ... 9.0`. If some jobs in between are gone, only the first and the last are certain. */
function idsOf(text: string, total: number): string[] {
  const [, cluster, first, last] = /^(\d+)\.(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  if (cluster === undefined) return [...text.matchAll(/(?<!\d)(\d+)\.(\d+)/g)].map(m => `${m[1]}_${m[2]}`);
  const [from, to] = [Number(first), Number(last ?? first)];
  const whole = to - from + 1 === total && total <= mostJobs;
  const procs = whole ? Array.from({ length: total }, (_, n) => from + n) : [...new Set([from, to])];
  return procs.map(proc => `${cluster}_${proc}`);
}
