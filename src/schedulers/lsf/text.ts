import { between, trimEndOf } from '../../text.js';
import { CutShort, exitOf, idOf, judge, type LsfJob } from './verdict.js';

const RECORD = /^Job (?:Id )?<(\d+)(?:\[(\d+)\])?>/;
const EVENT = /^[A-Z][a-z]{2} ([A-Z][a-z]{2} +\d{1,2} +\d\d:\d\d:\d\d)(?: \d{4})?: (.*)$/s;
const FOLD = ' '.repeat(21);

/**
 * Splits `bjobs -l`, `bjobs -UF` and `bhist -l` into records of complete lines; text before the first job is a banner.
 */
function records(text: string): string[][] {
  const all: string[][] = [];
  let before = '';
  for (const raw of text.split('\n')) {
    const line = raw.replace(/\r$/, '');
    if (RECORD.test(line)) all.push([]);
    const record = all.at(-1);
    const last = record?.at(-1);
    if (record && last && line.startsWith(FOLD)) {
      // lines break after 79 bytes, also within words; it is not visible whether there was a blank
      const gap = Buffer.byteLength(before) < 79 && !before.endsWith(' ') ? ' ' : '';
      record[record.length - 1] = last + gap + line.slice(FOLD.length);
    } else record?.push(line);
    before = line;
  }
  return all;
}

/** The jobs of `bjobs -l` or `bjobs -UF`. @throws CutShort */
export function longJobs(text: string): LsfJob[] {
  return whole(text, /^\s*loadStop\b/).map(lines => {
    const head = lines[0] as string;
    const [, jobId, index] = RECORD.exec(head) as unknown as [string, string, string | undefined];
    // values may contain <, > and commas: the Status that counts comes before Queue, and before any Command
    const behind = head.slice(Math.max(0, head.search(/,\s*Project\s*</)));
    const word = /,\s*Status\s*<\s*([A-Z_]+)\s*>,\s*Queue\s*</.exec(behind)?.[1];
    if (word === undefined) throw new CutShort(head);
    const events = lines.flatMap(eventOf);
    const begun = events.findLast(e => /^(\[\d+\] )?started\b/i.test(e.text));
    const ends = events.filter(e => /^Exited|^Completed <exit>/i.test(e.text));
    const end = ends.findLast(e => exitOf(e.text) !== undefined) ?? ends.at(-1);
    const term = [...lines].reverse().find(l => /\bTERM_[A-Z_]+: /.test(l) && !RECORD.test(l));
    const verdict = /\bTERM_[A-Z_]+:.*/s.exec(term ?? '')?.[0];
    const judged = judge(word, {
      exitCode: exitOf(end?.text),
      words: verdict ?? end?.text,
      started: begun !== undefined,
    });
    const why = judged.state === 'queued' || judged.state === 'held' ? waiting(lines) : undefined;
    const isUnsure =
      begun !== undefined && verdict === undefined && /^Exited( The CPU .*)?[.; ]*$/.test(end?.text ?? '');
    const node = nodeIn(begun?.text ?? '');
    const runLimit = runLimitOf(lines);
    return {
      ...idOf(jobId, index),
      ...judged,
      ...(why === undefined ? {} : { reason: why }),
      ...(node === undefined ? {} : { node }),
      ...(begun === undefined ? {} : { started: begun.time }),
      ...(runLimit === undefined ? {} : { runLimit }),
      ...(isUnsure ? { isUnsure } : {}),
    };
  });
}

/** The meaning of the last event of each job in `bhist -l`: the first words of the event, and the state after it. */
const EVENTS: [RegExp, string][] = [
  [/^Submitted\b.*\bon hold\b/is, 'PSUSP'],
  [/^Suspended\b.*\bwhile pending/is, 'PSUSP'],
  [/^(Submitted|Pending|Requeued|Job has been requeued)\b/i, 'PEND'],
  [/^Suspended by (the )?(user|administrator)/i, 'USUSP'],
  [/^Suspended\b/i, 'SSUSP'],
  [/^(Dispatched|Starting|(\[\d+\] )?Started|Running)\b/i, 'RUN'],
  [/^Unknown\b/i, 'UNKWN'],
  [/^Done successfully/i, 'DONE'],
  // the job was killed while its node was away; now the node is back
  [/^sbatchd startup; kill ZOMBIE job/i, 'EXIT'],
  [/^(Exited|Completed <exit>)/i, 'EXIT'],
];

/** The jobs of `bhist -l`. @throws CutShort */
export function historyJobs(text: string): LsfJob[] {
  return whole(text, /^Summary of time in seconds/).map(lines => {
    const [, jobId, index] = RECORD.exec(lines[0] as string) as unknown as [string, string, string | undefined];
    const events = lines.flatMap(eventOf);
    let word: string | undefined;
    let said: string | undefined;
    let node: string | undefined;
    let killed = false;
    for (const { text: happened } of events) {
      if (/^Signal <(KILL|TERM|INT)> requested by user or administrator/i.test(happened)) killed = true;
      const next = EVENTS.find(([pattern]) => pattern.test(happened))?.[1];
      if (next === undefined) continue;
      [word, said] = [next, happened];
      if (next === 'PEND') [killed, node] = [false, undefined];
      node = /^(?:Dispatched|(?:\[\d+\] )?Started)\b[^<]*<(?:\d+\*)?([^>]+)>/i.exec(happened)?.[1] ?? node;
    }
    if (word === undefined) throw new CutShort(lines[0] as string);
    const started = events.some(e => /^(Dispatched|Starting|Running|(\[\d+\] )?Started)\b/i.test(e.text));
    const judged = judge(word, { exitCode: exitOf(said), words: said, started, killed });
    const why = said?.startsWith('Pending: ') ? trimEndOf(said.slice('Pending: '.length), ';') : undefined;
    return {
      ...idOf(jobId, index),
      ...judged,
      ...(judged.state === 'queued' && why ? { reason: why } : {}),
      ...(node === undefined ? {} : { node }),
    };
  });
}

/** `started on <16*node07>` → node07. */
function nodeIn(text: string): string | undefined {
  const at = text.search(/\bon\b/);
  const [inside] = at < 0 ? [] : between(text.slice(at), '<', '>');
  return inside?.replace(/^\d+\*/, '') || undefined;
}

/** All records, if the text does not end within one; a complete record has `closing` near its end. */
function whole(text: string, closing: RegExp): string[][] {
  const all = records(text);
  const last = all.at(-1);
  if (last === undefined) return [];
  const tail = last.findLast(l => l.trim() !== '') ?? '';
  if (!text.endsWith('\n') || /^-+$/.test(tail) || all.some(lines => !lines.some(l => closing.test(l))))
    throw new CutShort(tail);
  return all;
}

function eventOf(line: string): { time: string; text: string }[] {
  const [, time, text] = EVENT.exec(line) ?? [];
  return time === undefined || text === undefined ? [] : [{ time, text: text.trim() }];
}

/** The lines below PENDING REASONS or SUSPENDING REASONS. */
function waiting(lines: readonly string[]): string | undefined {
  const at = lines.findIndex(l => /^\s*(PENDING|SUSPENDING|SUSPENSION) REASONS:\s*$/.test(l));
  if (at < 0) return undefined;
  const rest = lines.slice(at + 1);
  const end = rest.findIndex(l => l.trim() === '');
  const why = rest.slice(0, end < 0 ? rest.length : end).map(l => l.trim().replace(/;$/, ''));
  return why.join('; ') || undefined;
}

/** `RUNLIMIT` above ` 10.0 min of lsf01`; other limits may be beside it. */
function runLimitOf(lines: readonly string[]): number | undefined {
  const at = lines.findIndex(l => /^\s*([A-Z]+LIMIT\s+)*RUNLIMIT(\s|$)/.test(l));
  const minutes = /^\s*(\d+(?:\.\d+)?) min\b/.exec((lines[at + 1] ?? '').slice(lines[at]?.indexOf('RUNLIMIT')))?.[1];
  return at < 0 || minutes === undefined ? undefined : Math.round(Number(minutes) * 60);
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Seconds until the run limit ends a job that started at `started`; `now` is the same clock: `2026 11 22 03 14 11`. */
export function secondsLeft({ started, runLimit }: LsfJob, now: string): number | undefined {
  const clock = /^(\d{4}) (\d\d) (\d\d) (\d\d) (\d\d) (\d\d)\s*$/m.exec(now)?.slice(1).map(Number);
  const begun = /^([A-Z][a-z]{2}) +(\d+) +(\d\d):(\d\d):(\d\d)$/.exec(started ?? '');
  if (!clock || !begun || runLimit === undefined) return undefined;
  const [year, month, day, hour, minute, second] = clock as [number, number, number, number, number, number];
  const at = Date.UTC(year, month - 1, day, hour, minute, second);
  const [h, m, s] = begun.slice(3).map(Number) as [number, number, number];
  const startIn = (y: number) => Date.UTC(y, MONTHS.indexOf(begun[1] as string), Number(begun[2]), h, m, s);
  // LSF prints no year: it is the last time when this date occurred
  const start = startIn(year) > at + 86_400_000 ? startIn(year - 1) : startIn(year);
  return Math.max(0, Math.round(runLimit - Math.max(0, at - start) / 1000));
}

/**
 * The rows of `bjobs`, `bjobs -w` and `bjobs -W`, with or without a header. Names may contain blanks, and in the narrow
 * form the host is blank until there is one; so only the columns before and after these are split.
 */
export function tableJobs(text: string): LsfJob[] {
  const row = /^(\d+)(?:\[(\d+)\])?\s+\S+\s+([A-Z_]+)\s+\S+\s+\S+(\s+)(.*)$/s;
  const time = /\s((?:[A-Z][a-z]{2} +\d{1,2} +(?:\d\d:\d\d|\d{4})(?:\s.*)?)|\d\d\/\d\d-\d\d:\d\d:\d\d(?:\s.*)?)$/s;
  return text.split('\n').flatMap(line => {
    const [, jobId, index, word, gap, rest] = row.exec(line.trimEnd()) ?? [];
    if (jobId === undefined || word === undefined || gap === undefined || rest === undefined) return [];
    if (!time.test(` ${rest}`)) return [];
    const [, first, name] = /^(\S+)(.*)$/s.exec(` ${rest}`.replace(time, '').trim()) ?? [];
    // the column FROM_HOST is 12 characters wide: more blanks mean that the next column is empty
    const host = gap.length >= 12 || first === '-' ? undefined : first;
    const task = /\[(\d+)\]$/.exec((gap.length >= 12 ? (first ?? '') + (name ?? '') : (name ?? '')).trim())?.[1];
    const node = host?.split(':')[0]?.replace(/^\d+\*/, '');
    const seen = node === undefined ? {} : { node };
    return [{ ...idOf(jobId, index ?? task), ...judge(word, { started: host !== undefined }), ...seen }];
  });
}
