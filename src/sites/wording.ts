import type { z } from 'zod';
import { didYouMean } from './closest.js';
import { dotted, keysOf, type Path, schemaAt } from './shape.js';

/** One mistake and its place: the value at `path`, or its key. */
export interface Finding {
  readonly path: Path;
  readonly at: 'key' | 'value';
  readonly message: string;
}

type Issue = z.core.$ZodIssue;

const nouns: Record<string, string> = {
  string: 'text',
  // all numbers here are counts
  number: 'a whole number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list, such as [a, b]',
  object: 'a group of "key: value" lines',
  record: 'a group of "key: value" lines',
};

/**
 * Turns the findings of the schema into plain sentences.
 *
 * @param issue as zod reports it
 * @param schema the schema of the whole file, which has the valid keys
 * @param root the data of the file, to quote the wrong value
 * @param most largest number of findings
 */
export function findings(issue: Issue, schema: z.core.$ZodType, root: unknown, most = 100): Finding[] {
  const { path } = issue;
  const value = valueAt(root, path);
  if (issue.code === 'unrecognized_keys') {
    const known = schemaAt(schema, path);
    const where = path.length > 0 ? ` in ${dotted(path)}` : '';
    return issue.keys.slice(0, most).map(key => ({
      path: [...path, key],
      at: 'key',
      message: `unknown key "${key}"${where}${didYouMean(key, known ? keysOf(known) : [])}`,
    }));
  }
  if (issue.code === 'invalid_key') {
    const why = issue.issues.map(i => sentence(i as Issue, path.at(-1))).join('; ');
    return [{ path, at: 'key', message: `the name "${String(path.at(-1))}" ${why}` }];
  }
  if (value === undefined && path.length > 0) {
    const parent = path.slice(0, -1);
    const where = parent.length > 0 ? ` in ${dotted(parent)}` : '';
    return [
      { path: parent, at: 'key', message: `the key "${String(path.at(-1))}" is missing${where}${choices(issue)}` },
    ];
  }
  const name = path.length > 0 ? `${dotted(path)}: ` : '';
  return [{ path, at: 'value', message: `${name}${sentence(issue, value)}` }];
}

function sentence(issue: Issue, value: unknown): string {
  if (value === null) return 'has no value; give it one, or remove the line';
  switch (issue.code) {
    case 'invalid_type':
      if (!issue.message.startsWith('Invalid input')) return issue.message;
      return wrongType(issue.expected, value);
    case 'invalid_value':
      return `${shown(value)} is not one of ${issue.values.join(', ')}${didYouMean(String(value), issue.values.map(String))}`;
    case 'invalid_union':
      return `${shown(value)} can't be used here${choices(issue)}`;
    case 'too_small':
      if (issue.origin === 'array') return 'must have at least one entry';
      if (issue.origin === 'string') return 'must not be empty';
      return `must be ${Number(issue.minimum) + (issue.inclusive ? 0 : 1)} or more, not ${shown(value)}`;
    case 'too_big':
      return `must be ${issue.maximum} or less, not ${shown(value)}`;
    default:
      return issue.message;
  }
}

function wrongType(expected: string, value: unknown): string {
  if (expected === 'string' && (typeof value === 'number' || typeof value === 'boolean')) {
    return `must be text, but ${shown(value)} alone is ${typeof value === 'number' ? 'a number' : 'true or false'}; put it in quotes`;
  }
  return `must be ${nouns[expected] ?? expected}, not ${shown(value)}`;
}

function choices(issue: Issue): string {
  if (issue.code === 'invalid_value') return ` (one of ${issue.values.join(', ')})`;
  if (issue.code !== 'invalid_union' || !('options' in issue)) return '';
  return ` (one of ${(issue.options as unknown[]).join(', ')})`;
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a group of keys';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}..."` : text;
}

/** The value at `path`, or undefined. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}
