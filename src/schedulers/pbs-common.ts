import { SchedulerError } from '../errors.js';
import type { Output, PilotState, PilotStatus } from './scheduler.js';

/**
 * What PBS Pro, OpenPBS and Torque have in common. A job has one canonical id here, as for every other batch system:
 * `59` for `59.pbs01` and for the array `59[].pbs01`, `59_2` for its task `59[2].pbs01`. The server is left out: the
 * systems put their default one back. An array and a plain job never share a number, so `59` may be asked for as both.
 */
export function canonicalId(native: string): string | undefined {
  const [, job, task] = /^(\d+)(?:\[(\d*)\])?(?:\.[\w.@:-]*)?$/.exec(native) ?? [];
  return job === undefined ? undefined : task ? `${job}_${task}` : job;
}

/** `59_2` → `59[2]`; `59` → `59` and `59[]`, one of which is unknown to the server. */
export function nativeIds(id: string): string[] {
  const [, job, task] = /^(\d+)(?:_(\d+))?$/.exec(id) ?? [];
  if (job === undefined) return [id];
  return task === undefined ? [job, `${job}[]`] : [`${job}[${task}]`];
}

/** The last line of a submission's answer that is a job id: banners come before, and sometimes behind. */
export function submittedId(stdout: string): string | undefined {
  const ids = [...stdout.matchAll(/^[ \t]*(\d+(?:\[\])?)\.[\w-]*[A-Za-z][\w.-]*[ \t]*\r?$/gm)];
  return canonicalId(ids.at(-1)?.[1] ?? '');
}

/** One job's attributes as the system spells them, `Resource_List.walltime` for nested ones. */
export interface RawJob {
  /** `59[2].pbs01` */
  readonly native: string;
  readonly attributes: ReadonlyMap<string, string>;
}

/**
 * `qstat -f -F json`. Older versions don't escape what a job's environment holds; without it they are read as well.
 * @returns undefined for what is no JSON, also when it was cut
 */
export function jobsFromJson(text: string): RawJob[] | undefined {
  const start = text.indexOf('{');
  if (start < 0) return undefined;
  const body = text.slice(start);
  const root = parseJson(body) ?? parseJson(body.replace(/("Variable_List":\s*)\{\n[\s\S]*?^\s*\}(,?)$/gm, '$1{}$2'));
  if (!isObject(root)) return undefined;
  if (root.Jobs === undefined) return [];
  if (!isObject(root.Jobs)) return undefined;
  return Object.entries(root.Jobs).map(([native, job]) => ({ native, attributes: flatten(job) }));
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

/** `qstat -f`, folded or not: a block per job, `    key = value` lines, a TAB before what was folded. */
export function jobsFromText(text: string): RawJob[] {
  const jobs: { native: string; attributes: Map<string, string> }[] = [];
  let key: string | undefined;
  for (const line of text.split('\n')) {
    const attributes = jobs.at(-1)?.attributes;
    const id = /^Job Id: *(\S+)\s*$/.exec(line)?.[1];
    const [, name, value] = /^ {4}([A-Za-z][\w.-]*) = ?(.*)$/.exec(line) ?? [];
    if (id !== undefined && canonicalId(id) !== undefined) {
      jobs.push({ native: id, attributes: new Map() });
      key = undefined;
    } else if (line.startsWith('\t')) {
      if (key !== undefined) attributes?.set(key, `${attributes.get(key)}${line.slice(1)}`);
    } else if (name !== undefined) {
      // a variable of the job's own may hold such a line; the real one comes first
      key = attributes?.has(name) ? undefined : name;
      if (key !== undefined) attributes?.set(name, value ?? '');
    }
  }
  return jobs;
}

/** `qstat -f -F dsv`: a line per job, bars between attributes and sometimes within them. */
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

/** Torque's `qstat -x`: documents one after the other, a flat element per job. Jobs that were cut off are left out. */
export function jobsFromXml(text: string): RawJob[] {
  return [...text.matchAll(/<Job>([\s\S]*?)<\/Job>/g)].flatMap(([, body]) => {
    const attributes = new Map<string, string>();
    const path: string[] = [];
    for (const [, close, name, value] of (body ?? '').matchAll(/<(\/?)([A-Za-z_][\w.-]*)\s*\/?>|([^<]+)/g)) {
      const key = path.join('.');
      if (value !== undefined) attributes.set(key, (attributes.get(key) ?? '') + decode(value));
      else if (!close) path.push(name as string);
      else if (path.includes(name as string)) path.length = path.lastIndexOf(name as string);
    }
    const native = attributes.get('Job_Id');
    return native === undefined || canonicalId(native) === undefined ? [] : [{ native, attributes }];
  });
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function decode(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w{2,4}));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code > 0x10ffff ? whole : String.fromCodePoint(code);
  });
}

/** What one system's letters and numbers mean. */
export type Interpret = (
  attributes: ReadonlyMap<string, string>,
  native?: string,
) => {
  state: PilotState;
  exitCode?: number;
  reason?: string;
};

/**
 * A status per task where tasks are told, else one per job; the same job told twice counts once. A task that waits
 * waits for what its array waits for.
 */
export function statuses(jobs: readonly RawJob[], interpret: Interpret): PilotStatus[] {
  const found = new Map<string, PilotStatus>();
  const parents = new Map<string, PilotStatus>();
  for (const { native, attributes } of jobs) {
    const id = canonicalId(native);
    const word = attributes.get('job_state')?.trim();
    if (id === undefined) continue;
    const jobId = id.split('_')[0] as string;
    const { state, exitCode, reason } = interpret(attributes, native);
    const node = /^([^/+\s]+)/.exec(attributes.get('exec_host') ?? '')?.[1];
    const left = state === 'running' ? secondsLeft(attributes) : undefined;
    const status = {
      ...{ id, jobId, state, word: word || '?' },
      ...(reason ? { reason } : {}),
      ...(node && node !== '--' ? { node } : {}),
      ...(left === undefined ? {} : { secondsLeft: left }),
      ...(exitCode === undefined ? {} : { exitCode }),
    };
    if (native.includes('[]')) parents.set(jobId, status);
    else found.set(id, status);
  }
  for (const [id, status] of found) {
    const parent = parents.get(status.jobId);
    if (status.state === 'queued' && parent?.state === 'held')
      found.set(id, {
        ...status,
        state: 'held',
        word: parent.word,
        ...(parent.reason ? { reason: parent.reason } : {}),
      });
    else if (status.state === 'queued' && !status.reason && parent?.reason)
      found.set(id, { ...status, reason: parent.reason });
  }
  const told = new Set([...found.values()].map(s => s.jobId));
  return [...found.values(), ...[...parents.values()].filter(s => !told.has(s.jobId))];
}

/** Torque tells what is left. OpenPBS tells what was used, late, and the start: believed where it agrees with the use. */
function secondsLeft(attributes: ReadonlyMap<string, string>): number | undefined {
  const remaining = attributes.get('Walltime.Remaining');
  if (remaining !== undefined && /^-?\d+$/.test(remaining.trim())) return Math.max(0, Number(remaining));
  const limit = clockSeconds(attributes.get('Resource_List.walltime'));
  if (limit === undefined) return undefined;
  const used = clockSeconds(attributes.get('resources_used.walltime')) ?? 0;
  const since = Number(attributes.get('now') ?? Number.NaN) - Date.parse(`${attributes.get('stime')} UTC`) / 1000;
  return Math.max(0, limit - (since >= used - 60 && since < used + 1800 ? Math.floor(since) : used));
}

/** `[[hours:]minutes:]seconds`; no JSON number is anything else. */
function clockSeconds(text: string | undefined): number | undefined {
  if (!/^\d+(:\d+){0,2}$/.test(text ?? '')) return undefined;
  return (text as string).split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}

/** 0 to 255 are the job's own, 256 + N is signal N to its shell (271: TERM), told as a shell tells it: 128 + N. */
export function exitStatus(text: string | undefined): number | undefined {
  if (!/^-?\d{1,9}$/.test(text?.trim() ?? '')) return undefined;
  const code = Number(text);
  return code > 256 ? 128 + (code - 256) : code;
}

/** Why a job waits or is held, where the comment doesn't say. */
export function waitingReason(attributes: ReadonlyMap<string, string>, state: PilotState): string | undefined {
  const comment = attributes.get('comment')?.replace(/\s+/g, ' ').trim();
  if (comment && !/^Job (started|run at|Array Began)\b/.test(comment)) return comment;
  if (state === 'held') {
    const depend = attributes.get('depend');
    if (depend) return `depend = ${depend}`;
    const holds = attributes.get('Hold_Types');
    if (holds && holds !== 'n') return `Hold_Types = ${holds}`;
  }
  const start = attributes.get('Execution_Time');
  return state === 'queued' && start ? `Execution_Time = ${start}` : undefined;
}

/** What the system says of a server it can't reach, whatever the exit status. */
export const DOWN =
  /cannot connect to server|connection refused|unable to communicate with|could not connect to trqauthd|unable to authenticate connection|socket_connect_unix|errno=15\d{3}/i;

/** Lines of stderr that a PBS program wrote about itself or about a job. */
export const PREFIX = /^\[?(q[a-z]+|pbs\w+|tracejob): */;

/** Complaints about single jobs that are over; the others' answer is whole all the same. */
export const OVER =
  /Unknown Job ?Id|nonexistent job id|Job has finished|Request invalid for state of job(?! MSG=(?!.*(COMPLETE|EXITING)))/i;

/** @throws SchedulerError unless the command was answered; jobs that are over don't matter */
export function answered(system: string, program: string, out: Output | undefined): asserts out is Output {
  if (out === undefined || out.exitCode === null) throw refusal(system, program, out);
  const lines = said(out.stderr);
  const complaints = lines.filter(line => PREFIX.test(line) && !OVER.test(line));
  const over = lines.some(line => OVER.test(line));
  if (complaints.length > 0 || DOWN.test(out.stderr) || (out.exitCode !== 0 && !over))
    throw refusal(system, program, { ...out, stderr: lines.filter(line => !OVER.test(line)).join('\n') });
}

const said = (text: string): string[] => text.split(/\r?\n/).filter(line => line.trim() !== '');

/** The system's own words: what a PBS program said, or else all of it. */
export function words(out: Output | undefined): string {
  const lines = said(out?.stderr ?? '').filter(line => !/^(usage:|\s)/i.test(line));
  const own = lines.filter(line => PREFIX.test(line) || DOWN.test(line));
  return [...new Set((own.length > 0 ? own : lines).slice(-5).map(line => line.trim()))].join('; ');
}

/** @returns a SchedulerError in the system's words, with what to do about it */
export function refusal(system: string, program: string, out: Output | undefined): SchedulerError {
  const told =
    words(out) ||
    said(out?.stdout ?? '')
      .slice(-3)
      .join('; ');
  return new SchedulerError(
    `${system}'s ${program} refused: ${told || `it answered nothing (status ${out?.exitCode ?? 'none'})`}`,
    { hint: HINTS.find(([pattern]) => pattern.test(told))?.[1] },
  );
}

const HINTS: [RegExp, string][] = [
  [DOWN, "the site's batch server is down or busy: try again when it is back"],
  [
    /unknown queue|queue is not enabled|user ACL|queue is disabled/i,
    'choose a queue the site has open for you: --queue NAME (see `qstat -Q` there)',
  ],
  [
    /would exceed|violates queue and\/or server|per-user limit|maximum number of jobs/i,
    'ask for less (--nodes, --cores, --memory, --walltime), or wait for jobs of yours to end',
  ],
  [
    /exceeds queue resource limits|feasible nodes|walltime|Illegal attribute or resource value/i,
    'ask for less: --walltime, --nodes, --cores or --memory',
  ],
  [
    /array/i,
    "the site's arrays are smaller, or it has none: ask for fewer --nodes, or say `arrays: false` in its profile",
  ],
  [/account|project|Bad UID|proxy job/i, 'name an allocation of yours: --account NAME'],
  [
    /unknown resource|illegal -|usage|cannot be used with|cannot send environment|invalid option/i,
    "correct the directives in the site's profile: scailfin sites show SITE",
  ],
  [/unauthorized|not permitted/i, 'these jobs are not yours: log in as the user who submitted them (--user)'],
];

/** @throws SchedulerError when jobs that are not over could not be cancelled */
export function cancelled(system: string, out: Output): void {
  if (out.exitCode !== 0 || DOWN.test(out.stderr)) answered(system, 'qdel', out);
}
