/**
 * Jobs as PBS Pro, OpenPBS and Torque name and tell them. One has one canonical id here, as for every other batch system:
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
