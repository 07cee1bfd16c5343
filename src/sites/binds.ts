/** A file or directory of the site that steps see in their containers. */
export interface Bind {
  /** Absolute; it may begin with, or contain, variables of the site: `$SCRATCH/data`. */
  readonly source: string;
  /** Absolute, without variables; undefined: the same as the source. */
  readonly target: string | undefined;
  readonly readOnly: boolean;
}

/** What a step's container has itself; another directory in its place would break the step. */
const reserved = ['/', '/bin', '/dev', '/etc', '/lib', '/lib64', '/proc', '/sbin', '/sys', '/tmp', '/usr', '/var/tmp'];
/** Nothing of the site goes below these. */
const closed = /^\/(dev|etc|proc|sys|tmp|var\/tmp)\//;

/**
 * Reads `SRC[:DST][:ro]`. Commas and colons are refused in paths, because container runtimes separate paths by them.
 * @returns a sentence about the mistake, if there is one
 */
export function parseBind(text: string): Bind | string {
  const words = text.split(':');
  const readOnly = words.length > 1 && words.at(-1) === 'ro';
  const [source = '', target, ...more] = readOnly ? words.slice(0, -1) : words;
  if (more.length > 0 || source === '' || target === '')
    return `${JSON.stringify(text)} is not SRC, SRC:DST or SRC:DST:ro`;
  for (const path of target === undefined ? [source] : [source, target]) {
    if (/[\p{Cc},"'`\\]/u.test(path))
      return `${JSON.stringify(path)} has a character that container runtimes do not take in a path`;
    if (path.split('/').some(part => part === '.' || part === '..'))
      return `${JSON.stringify(path)} must not contain . or .. as a directory`;
  }
  if (!/^(?:\/|\$)(?:[^$]|\$[A-Z][A-Z0-9_]*|\$\{[A-Z][A-Z0-9_]*\})*$/.test(source.replace(/^\$/, '/$')))
    return `${JSON.stringify(source)} must be an absolute path; it may contain variables of the site, such as $SCRATCH`;
  if (target !== undefined && !/^\/[^$]*$/.test(target))
    return `${JSON.stringify(target)} must be an absolute path without variables`;
  const seen = clean(target ?? source);
  if (reserved.includes(seen) || closed.test(seen))
    return `${seen} belongs to the container itself; name another path there: ${source}:/data`;
  return { source: clean(source), target: target === undefined ? undefined : seen, readOnly };
}

/** Those of the site, and then those that were asked for; a later one at the same place replaces an earlier one. */
export function mergedBinds(...lists: readonly (readonly string[])[]): string[] {
  const at = new Map<string, string>();
  for (const text of lists.flat()) {
    const bind = parseBind(text);
    if (typeof bind === 'string') throw new TypeError(bind);
    at.set(bind.target ?? bind.source, text);
  }
  return [...at.values()];
}

/** For the glide-in, one line each: mode, source and target, separated by tabs; an empty target is the source. */
export function bindLines(binds: readonly string[]): string {
  return binds
    .map(parseBind)
    .map(bind =>
      typeof bind === 'string' ? '' : `${bind.readOnly ? 'ro' : 'rw'}\t${bind.source}\t${bind.target ?? ''}`,
    )
    .join('\n');
}

const clean = (path: string): string => path.replace(/\/+/g, '/').replace(/(.)\/$/, '$1');
