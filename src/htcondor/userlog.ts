import { inLine } from '../printable.js';

/** Limits for one event, in characters, because nodes influence the text of their jobs' events. */
const most = { event: 65_536, line: 2000, lines: 1000, reason: 500, name: 200 };

/** The fields of every event: the job as `12.0`, and the time in milliseconds since 1970. */
interface EventBase {
  readonly job: string;
  readonly at: number;
}

/** One event in a job's life, as HTCondor logs it. */
export type JobEvent = EventBase &
  (
    | { readonly kind: 'submitted'; readonly notes: string | undefined }
    | { readonly kind: 'executing'; readonly slot: string | undefined; readonly node: string | undefined }
    | { readonly kind: 'terminated'; readonly exitCode: number | undefined; readonly signal: number | undefined }
    | { readonly kind: 'imageSize'; readonly memory: number | undefined }
    | { readonly kind: 'held'; readonly reason: string; readonly code: number | undefined }
    | { readonly kind: 'disconnected' | 'reconnected'; readonly reason: string; readonly node: string | undefined }
    | {
        readonly kind: 'evicted' | 'shadowException' | 'aborted' | 'released' | 'reconnectFailed' | 'remoteError';
        readonly reason: string;
      }
    | { readonly kind: 'transfer' | 'other'; readonly number: number; readonly title: string }
  );

/** Numbers from HTCondor's manual, "Job Event Log Codes". */
const plain: Readonly<Record<number, 'evicted' | 'shadowException' | 'aborted' | 'released' | 'reconnectFailed'>> = {
  4: 'evicted',
  7: 'shadowException',
  9: 'aborted',
  13: 'released',
  24: 'reconnectFailed',
};

const header =
  /^(\d{3}) \((\d+)\.(\d+)\.\d+\) (?:(\d{4})-(\d\d)-(\d\d)|(\d\d)\/(\d\d))[ T](\d\d):(\d\d):(\d\d)(\.\d+)?(Z?) ?(.*)$/s;
const newEvent = /^\d{3} \(\d+\.\d+\.\d+\) \d/;

/**
 * Reads one event, without the `...` at its end.
 * @param now dates in the log may have no year; they are taken to be before this time
 * @returns undefined if it is not an event, or if it was cut off before its main fact
 */
export function parseEvent(text: string, now = Date.now()): JobEvent | undefined {
  const lines = text.slice(0, most.event).replaceAll('\r', '').split('\n', most.lines);
  const [first = '', ...body] = lines.map(line => line.slice(0, most.line));
  const m = header.exec(first);
  if (!m) return undefined;
  const base = { job: `${Number(m[2])}.${Number(m[3])}`, at: timeOf(m, now) };
  return eventOf(Number(m[1]), m[14] ?? '', body, base);
}

function eventOf(number: number, title: string, body: readonly string[], base: EventBase): JobEvent | undefined {
  const text = body.join('\n');
  const simple = plain[number];
  if (simple) return { ...base, kind: simple, reason: reasonOf(body) };
  switch (number) {
    case 0:
      return { ...base, kind: 'submitted', notes: body.map(line => line.trim()).find(line => line !== '') };
    case 1:
      return { ...base, kind: 'executing', slot: slotOf(text), node: nodeOf(`${title}\n${text}`) };
    case 5:
      return terminated(text, base);
    case 6:
      return { ...base, kind: 'imageSize', memory: numberIn(/(?<!\d)(\d+) +- +MemoryUsage/, text) };
    case 12:
      return { ...base, kind: 'held', reason: reasonOf(body), code: numberIn(/^[ \t]*Code (\d+)/m, text) };
    case 21:
      return { ...base, kind: 'remoteError', reason: reasonOf(body) };
    case 22:
    case 23: {
      const kind = number === 22 ? 'disconnected' : 'reconnected';
      return {
        ...base,
        kind,
        reason: reasonOf(body),
        node: awayNode(`${title}\n${text}`),
      };
    }
    default:
      return { ...base, kind: number === 40 ? 'transfer' : 'other', number, title };
  }
}

function terminated(text: string, base: EventBase): JobEvent | undefined {
  const exitCode = numberIn(/Normal termination \(return value (-?\d+)\)/, text);
  const signal = numberIn(/Abnormal termination \(signal (\d+)\)/, text);
  if (exitCode === undefined && signal === undefined) return undefined;
  return { ...base, kind: 'terminated', exitCode, signal };
}

const numberIn = (pattern: RegExp, text: string): number | undefined => {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
};

const slotOf = (text: string): string | undefined => nameOf(/SlotName: (\S+)/.exec(text)?.[1]);
const nameOf = (name: string | undefined): string | undefined => name && inLine(name, most.name);

/** The slot's own name for its node; otherwise the alias in its address. */
const nodeOf = (text: string): string | undefined =>
  slotOf(text)?.split('@').at(-1) ?? nameOf(/[?&]alias=([^&>]+)/.exec(text)?.[1]);

/** `… to slot1_1@c1 <…>` */
function awayNode(text: string): string | undefined {
  const slot = [...text.matchAll(/\bto (\S+)/g)].find(([, word = '']) => word.includes('@'))?.[1];
  return nameOf(slot?.split('@').at(-1));
}

/** The first line that says something: not a table of usage, and not a code. */
function reasonOf(body: readonly string[]): string {
  const told = body
    .map(line => line.trim())
    .filter(line => line !== '' && !/^(Code \d+|\(\d\) |Usr \d|\d+ +- )/.test(line));
  const reason = told.find(line => !/^(Partitionable Resources|\w+( \(\w+\))? +:)/.test(line)) ?? '';
  return inLine(reason.replace(/^Reason: */, ''), most.reason);
}

function timeOf(m: RegExpExecArray, now: number): number {
  const [hour, minute, second] = [Number(m[9]), Number(m[10]), Number(m[11])];
  const ms = Math.round(Number(m[12] ?? 0) * 1000);
  const month = Number(m[5] ?? m[7]) - 1;
  const day = Number(m[6] ?? m[8]);
  const at = (year: number): number => {
    const parts = [year, month, day, hour, minute, second, ms] as const;
    return m[13] === 'Z' ? Date.UTC(...parts) : new Date(...parts).getTime();
  };
  if (m[4] !== undefined) return at(Number(m[4]));
  const year = new Date(now).getFullYear();
  return at(year) > now + 86_400_000 ? at(year - 1) : at(year);
}

/** An event with the offset in bytes at which the next one begins. */
export interface LoggedEvent {
  readonly event: JobEvent;
  readonly end: number;
}

/**
 * Takes the complete events out of a piece of a log. An event that was never finished, so that another one begins inside
 * it, is left out.
 * @param start the offset of the piece in the log
 * @returns the events, and the offset of the first incomplete one
 */
export function takeEvents(piece: Buffer, start = 0): { events: LoggedEvent[]; rest: number } {
  const events: LoggedEvent[] = [];
  let from = 0;
  let position = 0;
  for (let end = piece.indexOf(10); end >= 0; end = piece.indexOf(10, position)) {
    // everything that matters about a line is at its beginning
    const line = piece.toString('latin1', position, Math.min(end, position + 64));
    if (position > from && newEvent.test(line)) from = position;
    const isEnd = end - position < 64 && line.trimEnd() === '...';
    const before = position;
    position = end + 1;
    if (!isEnd) continue;
    const event = parseEvent(piece.toString('utf8', from, Math.min(before, from + 4 * most.event)));
    if (event) events.push({ event, end: start + position });
    from = position;
  }
  return { events, rest: start + from };
}
