import { between } from '../../text.js';
import { canonicalId } from './ids.js';

/** One job's attributes in the system's spelling, `Resource_List.walltime` for nested ones. */
export interface RawJob {
  /** `59[2].pbs01` */
  readonly native: string;
  readonly attributes: ReadonlyMap<string, string>;
}

/** Selects the jobs to read, because a busy server lists many thousands. */
export type Wanted = (native: string, name: string | undefined) => boolean;
const all: Wanted = () => true;

/** Selects jobs by their ids, or by the name that `nameOf` gives for a plain job or a task. */
export function ours(ids: readonly string[], nameOf: (task: string | undefined) => string): Wanted {
  const known = new Set(ids);
  return (native, name) => {
    const [id = '', task] = (canonicalId(native) ?? '').split('_');
    return known.has(id) || name === nameOf(task);
  };
}

/**
 * `qstat -f -F json`. Older versions do not escape the values of a job's environment, so it is removed if necessary.
 * @returns undefined for text that is not JSON, also if it was cut short
 */
export function jobsFromJson(text: string): RawJob[] | undefined {
  const start = text.indexOf('{');
  if (start < 0) return undefined;
  const body = text.slice(start);
  const root = parseJson(body) ?? parseJson(withoutVariables(body));
  if (!isObject(root)) return undefined;
  if (root.Jobs === undefined) return [];
  if (!isObject(root.Jobs)) return undefined;
  return Object.entries(root.Jobs).map(([native, job]) => ({ native, attributes: flatten(job) }));
}

/** The JSON with every `Variable_List` emptied, line by line. */
function withoutVariables(text: string): string {
  const kept: string[] = [];
  let isInside = false;
  for (const line of linesOf(text)) {
    const end: string | undefined = isInside ? /^\s*(\},?)\s*$/.exec(line)?.[1] : undefined;
    if (end !== undefined) kept[kept.length - 1] += end;
    else if (!isInside) kept.push(line);
    isInside = isInside ? end === undefined : /"Variable_List":\s*\{$/.test(line);
  }
  return kept.join('\n');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function flatten(value: unknown, prefix = '', into = new Map<string, string>()): Map<string, string> {
  if (isObject(value)) {
    for (const [key, inner] of Object.entries(value)) {
      if (isObject(inner)) flatten(inner, `${prefix}${key}.`, into);
      else into.set(prefix + key, String(inner));
    }
  }
  return into;
}

/**
 * `qstat -f`, folded or not: one block per job, `    key = value` lines, and a TAB at the beginning of continued lines.
 */
export function* jobsFromText(text: string, wanted = all): Generator<RawJob> {
  const isWanted = (job: RawJob): boolean => wanted(job.native, job.attributes.get('Job_Name'));
  let job: { native: string; attributes: Map<string, string> } | undefined;
  let key: string | undefined;
  for (const line of linesOf(text)) {
    const id = line.startsWith('J') ? /^Job Id: *(\S+)\s*$/.exec(line)?.[1] : undefined;
    if (id !== undefined && canonicalId(id) !== undefined) {
      if (job && isWanted(job)) yield job;
      job = { native: id, attributes: new Map() };
      key = undefined;
    } else if (line.startsWith('\t')) {
      if (key !== undefined) job?.attributes.set(key, `${job.attributes.get(key)}${line.slice(1)}`);
    } else if (line.startsWith(' ')) {
      const [, name, value] = /^ {4}([A-Za-z][\w.-]*) = ?(.*)$/.exec(line) ?? [];
      if (name === undefined) continue;
      // one of the job's own variables may contain such a line; the real attribute comes first
      key = job?.attributes.has(name) ? undefined : name;
      if (key !== undefined) job?.attributes.set(key, value ?? '');
    }
  }
  if (job && isWanted(job)) yield job;
}

/** One line at a time, because a busy server's answer has a million. */
function* linesOf(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\n', start);
    const next = end < 0 ? text.length : end;
    yield text.slice(start, next);
    start = next + 1;
  }
}

/** `qstat -f -F dsv`: one line per job, with bars between attributes and sometimes inside them. */
export function jobsFromDsv(text: string): RawJob[] {
  return text.split('\n').flatMap(line => {
    const native = /^Job Id: *([^|\s]+)\|/.exec(line)?.[1];
    if (native === undefined || canonicalId(native) === undefined) return [];
    const attributes = new Map<string, string>();
    let key: string | undefined;
    for (const cell of line.split('|').slice(1)) {
      const [, name, value] = /^([A-Za-z][\w.-]*)=(.*)$/s.exec(cell) ?? [];
      if (name !== undefined && !attributes.has(name)) {
        key = name;
        attributes.set(key, value ?? '');
      } else if (key !== undefined) attributes.set(key, `${attributes.get(key)}|${cell}`);
    }
    return [{ native, attributes }];
  });
}

/** Torque's `qstat -x`: several documents, with a flat element per job. Incomplete jobs are left out. */
export function* jobsFromXml(text: string, wanted = all): Generator<RawJob> {
  for (const body of between(text, '<Job>', '</Job>')) {
    const value = (name: string): string | undefined => new RegExp(`<${name}>([^<]*)<`).exec(body)?.[1];
    const native = value('Job_Id');
    if (native === undefined || canonicalId(native) === undefined || !wanted(native, value('Job_Name'))) continue;
    yield { native, attributes: elements(body) };
  }
}

/** No document of Torque is nested this deep; deeper elements count as part of the element around them. */
const DEEPEST = 32;

/** The texts of all elements; a name includes the names of the elements around it. */
function elements(xml: string): Map<string, string> {
  const found = new Map<string, string>();
  const path: string[] = [];
  for (const [, close, name, value] of xml.matchAll(/<(\/?)([A-Za-z_][\w.-]*)\s*\/?>|([^<]+)/g)) {
    const key = path.join('.');
    if (value !== undefined) found.set(key, (found.get(key) ?? '') + decode(value));
    else if (!close) path.splice(DEEPEST, 1, name as string);
    else if (path.includes(name as string)) path.length = path.lastIndexOf(name as string);
  }
  return found;
}

/** Whether every element of this name in Torque's XML is complete. */
export function isWhole(text: string, name: string): boolean {
  const count = (tag: string): number => {
    let found = 0;
    for (let at = text.indexOf(tag); at >= 0; at = text.indexOf(tag, at + tag.length)) found += 1;
    return found;
  };
  return count(`<${name}>`) === count(`</${name}>`);
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function decode(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w{2,4}));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code > 0x10ffff ? whole : String.fromCodePoint(code);
  });
}
