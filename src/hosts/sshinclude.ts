import { readdirSync, readFileSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import SSHConfig, { glob } from 'ssh-config';
import { messageOf, UsageError } from '../errors.js';

/** The text of one configuration file, and the directory at which its relative Include paths start. */
export interface ConfigFile {
  readonly file: string;
  readonly text: string;
  readonly includeFrom: string;
}

type Line = SSHConfig[number];

/** ssh_config(5): Include may nest; OpenSSH stops at 16. */
export const deepest = 16;

/**
 * One configuration made from several files; Include lines are replaced by the contents of the files. An Include inside a
 * Host or Match block counts only for hosts of that block, as in OpenSSH.
 * @throws UsageError naming the file that can't be read or parsed
 */
export function readConfig(files: readonly ConfigFile[]): SSHConfig {
  return withCompute(host => flat(files, host, 0));
}

/** The lines depend on the host that is asked for: only then it is known whether a block's Include counts. */
function withCompute(linesFor: (query: { Host: string; User?: string }) => Line[]): SSHConfig {
  const config = new SSHConfig();
  const compute: SSHConfig['compute'] = (query: string | { Host: string; User?: string }, options) => {
    const asked = typeof query === 'string' ? { Host: query } : query;
    const lines = new SSHConfig();
    lines.push(...linesFor(asked));
    return lines.compute(asked, options);
  };
  config.compute = compute;
  return config;
}

function flat(files: readonly ConfigFile[], query: { Host: string; User?: string }, depth: number): Line[] {
  if (depth > deepest)
    throw new UsageError(`the Include lines form a circle in ${files[0]?.file ?? 'the configuration'}`);
  return files.flatMap(file =>
    parse(file).flatMap((line): Line[] => {
      if (isInclude(line)) return flat(included(patternsOf(line), file), query, depth + 1);
      const inner = 'config' in line ? line.config : undefined;
      if (inner === undefined || !inner.some(isInclude)) return [line];
      if (!matches(line, query)) return [];
      return inner.flatMap(sub => (isInclude(sub) ? flat(included(patternsOf(sub), file), query, depth + 1) : [sub]));
    }),
  );
}

function parse(file: ConfigFile): Line[] {
  try {
    return [...SSHConfig.parse(file.text)];
  } catch (error) {
    throw new UsageError(`${file.file}: ${messageOf(error)}`, { hint: `ssh -G -F ${file.file} localhost` });
  }
}

function isInclude(line: Line): boolean {
  return 'param' in line && /^include$/i.test(line.param);
}

function matches(section: Line, query: { Host: string; User?: string }): boolean {
  const probe = SSHConfig.parse('ScailfinMatched yes\n');
  const alone = new SSHConfig();
  alone.push({ ...section, config: probe } as Line);
  return alone.compute(query, { ignoreCase: true, matchExec: false }).scailfinmatched !== undefined;
}

function patternsOf(line: Line): string[] {
  if (!('value' in line)) return [];
  return Array.isArray(line.value) ? line.value.map(v => v.val) : line.value.split(/\s+/);
}

/** The files that an Include line of `from` names, in the order in which they count. */
export function included(patterns: readonly string[], from: ConfigFile): ConfigFile[] {
  return patterns.flatMap(pattern => {
    const home = path.basename(from.includeFrom) === '.ssh' ? path.dirname(from.includeFrom) : os.homedir();
    const place = pattern.startsWith('~/')
      ? path.join(home, pattern.slice(2))
      : path.resolve(from.includeFrom, pattern);
    return filesLike(place).map(file => ({ file, text: readFileSync(file, 'utf8'), includeFrom: from.includeFrom }));
  });
}

/** glob(7) for `*` and `?`, sorted; a file that does not exist is no error (ssh_config(5)). */
function filesLike(pattern: string): string[] {
  let found = ['/'];
  for (const part of pattern.split('/').filter(p => p !== '')) {
    found = found.flatMap(dir => {
      if (!/[*?]/.test(part)) return [path.join(dir, part)];
      try {
        return readdirSync(dir)
          .filter(name => glob([part], name) && (part.startsWith('.') || !name.startsWith('.')))
          .sort()
          .map(name => path.join(dir, name));
      } catch {
        return [];
      }
    });
  }
  return found.filter(file => statSync(file, { throwIfNoEntry: false })?.isFile() === true);
}
