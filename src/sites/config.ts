import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { type Document, isMap, isSeq, parseDocument } from 'yaml';
import { messageOf, ProfileError, UsageError } from '../errors.js';
import { configDir } from '../paths.js';
import { didYouMean } from './closest.js';
import { isHeadnode } from './rules.js';
import { type Config, configSchema } from './settings.js';
import { keysOf, kindOf, schemaAt } from './shape.js';
import { valueAt } from './wording.js';
import { type Rule, readYaml } from './yaml.js';

/** The user's own configuration. */
export const configFile = (): string => join(configDir(), 'config.yaml');

/**
 * Reads config.yaml; if it is missing or empty, everything has its default. Durations in seconds. @throws ProfileError
 */
export async function loadConfig(file = configFile()): Promise<Config> {
  return parseConfig((await readText(file)) ?? '', file);
}

/** @throws ProfileError with all mistakes at once */
export function parseConfig(text: string, file: string): Config {
  // after the last `unset` the file may contain only comments
  return readYaml(isBlank(text) ? '{}' : text, file, configSchema, [headnodes]);
}

/**
 * What config.yaml says about `key`, as plain data: durations are text as written. Without a key, the whole file.
 *
 * @returns undefined when it says nothing
 * @throws UsageError for a key that does not exist, ProfileError for a broken file
 */
export async function getKey(key?: string, file = configFile()): Promise<unknown> {
  const text = (await readText(file)) ?? '';
  parseConfig(text, file);
  return valueAt(parseDocument(text).toJS() ?? {}, key === undefined ? [] : pathOf(key));
}

/** The text of the whole file with its comments; empty if there is none. @throws ProfileError */
export async function configText(file = configFile()): Promise<string> {
  const text = (await readText(file)) ?? '';
  parseConfig(text, file);
  return text;
}

/**
 * Writes one value, leaving comments and order alone. Nothing is written unless the whole file is right afterwards.
 *
 * @param key dotted: `sites.bridges.account`
 * @param value as typed; a number where the schema wants one, durations with their unit; empty removes the key
 * @throws UsageError for an unknown key or a value that does not fit, ProfileError when the file was broken before
 */
export async function setKey(key: string, value: string, file = configFile()): Promise<void> {
  if (value === '') return unsetKey(key, file);
  const path = pathOf(key);
  await edit(file, document => document.setIn(path, typed(key, path, value)));
}

function typed(key: string, path: string[], value: string): unknown {
  const schema = schemaAt(configSchema, path);
  const kind = schema && kindOf(schema);
  if (kind === 'boolean' && /^(true|false)$/.test(value)) return value === 'true';
  if (kind === 'number' && /^-?\d+(\.\d+)?$/.test(value)) return Number(value);
  // a list is written as YAML, or as its only member
  if (kind === 'array') {
    const list = parseDocument(value);
    return list.errors.length === 0 && isSeq(list.contents) ? list.contents : [value];
  }
  // settings of other programs, such as Helm's values: any YAML value
  if (kind === 'unknown') return parseDocument(value).contents;
  if (!schema || !['object', 'record', 'union'].includes(kind ?? '')) return value;
  // keys that only make sense together, as those of htcondor, can be set at once
  const group = parseDocument(value);
  if (group.errors.length === 0 && isMap(group.contents)) return group.contents;
  const inside = keysOf(schema).map(k => `${key}.${k}`);
  throw new UsageError(`${key} is a group of keys${inside.length > 0 ? `: ${inside.join(', ')}` : ''}`, {
    hint: `set one of its keys, or all at once: scailfin config set ${key} '{KEY: VALUE, KEY: VALUE}'`,
  });
}

/** Removes a key, and groups that become empty. @throws UsageError if it is not set or does not exist */
export async function unsetKey(key: string, file = configFile()): Promise<void> {
  const path = pathOf(key);
  await edit(file, document => {
    if (!document.hasIn(path))
      throw new UsageError(`${key} is not set`, { hint: 'to see what is set: scailfin config get' });
    document.deleteIn(path);
    for (let up = path.slice(0, -1); up.length > 0; up = up.slice(0, -1)) {
      const group = document.getIn(up);
      if (isMap(group) && group.items.length === 0) document.deleteIn(up);
    }
  });
}

async function edit(file: string, change: (document: Document) => void): Promise<void> {
  const text = (await readText(file)) ?? '';
  parseConfig(text, file);
  const document: Document = parseDocument(text);
  change(document);
  const root = document.contents;
  const empty = root === null || (isMap(root) && root.items.length === 0);
  const after = empty ? commentsOf(text) : document.toString({ lineWidth: 0 });
  try {
    parseConfig(after, file);
  } catch (error) {
    // the file was right before: the mistake is in the new value, which has no line in it yet
    if (!(error instanceof ProfileError)) throw error;
    throw new UsageError(error.issues.map(i => i.message).join('\n'), { cause: error });
  }
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFileAtomic(file, after, { mode: 0o600 });
}

/** @throws UsageError unless the schema knows the key */
function pathOf(key: string): string[] {
  const path = key.split('.');
  for (const [depth, part] of path.entries()) {
    const parent = schemaAt(configSchema, path.slice(0, depth));
    if (part !== '' && schemaAt(configSchema, path.slice(0, depth + 1))) continue;
    const known = parent ? keysOf(parent).map(k => [...path.slice(0, depth), k].join('.')) : [];
    throw new UsageError(`unknown configuration key ${key}${didYouMean(path.slice(0, depth + 1).join('.'), known)}`, {
      hint: known.length > 0 ? `keys: ${known.join(', ')}` : undefined,
    });
  }
  return path;
}

const headnodes: Rule = function* (root) {
  const sites = valueAt(root, ['sites']);
  const names = typeof sites === 'object' && sites !== null ? Object.keys(sites) : [];
  for (const path of [['headnode'], ...names.map(name => ['sites', name, 'headnode'])]) {
    const value = valueAt(root, path);
    if (typeof value !== 'string' || isHeadnode(value)) continue;
    yield { path, at: 'value', message: `headnode must be local, login or [user@]host, not "${value}"` };
  }
};

function isBlank(text: string): boolean {
  return text.split(/\r?\n/).every(line => /^\s*(#|$)/.test(line));
}

function commentsOf(text: string): string {
  const lines = text.split(/\r?\n/).filter(line => /^\s*#/.test(line));
  return lines.length > 0 ? `${lines.join('\n')}\n` : '';
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new ProfileError(file, [{ file, line: 1, column: 1, message: `can't be read: ${messageOf(error)}` }]);
  }
}
