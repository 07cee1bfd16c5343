import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { z } from 'zod';
import { profileSchema } from '../../src/sites/schema.js';
import { configSchema } from '../../src/sites/settings.js';
import { type Key, keysIn, schemasAt } from './keys.js';
import { codeIn, texts } from './texts.js';

const bare = (cell: string): string =>
  cell
    .trim()
    .replace(/^`(.*)`$/, '$1')
    .replaceAll('\\|', '|');

/** The rows of all tables whose first column is called `key`, by that key. */
function rowsOf(file: string): Map<string, Record<string, string>> {
  const rows = new Map<string, Record<string, string>>();
  let head: string[] = [];
  for (const line of (texts.get(file) ?? '').split('\n')) {
    const cells = line.startsWith('|')
      ? line
          .slice(1, -1)
          .split(/(?<!\\)\|/)
          .map(bare)
      : [];
    if (cells[0] === 'key') head = cells;
    else if (cells.length === 0) head = [];
    else if (head.length > 0 && !/^-+$/.test(cells[0] ?? '')) {
      const key = cells[0] ?? '';
      expect(rows.has(key), `${key} twice in ${file}`).toBe(false);
      rows.set(key, Object.fromEntries(head.map((name, n) => [name, cells[n] ?? ''])));
    }
  }
  return rows;
}

/** Whether a value fits at a path of a schema; of several ways to write something, one is enough. */
const fits = (schema: z.core.$ZodType, path: string, value: unknown): boolean =>
  schemasAt(schema, path.split('.')).some(found => (found as z.ZodType).safeParse(value).success);

describe('sites/README.md', () => {
  const rows = rowsOf('sites/README.md');
  const keys = new Map(keysIn(profileSchema, ['QUEUE']).map(key => [key.path, key]));

  it('lists every key of a profile, and no other', () => {
    expect([...rows.keys()].sort()).toEqual([...keys.keys()].sort());
    expect(keys.size).toBeGreaterThan(50);
  });

  it.each([...keys])('tells the type, the unit and the default of %s', (path, key: Key) => {
    const row = rows.get(path) ?? {};
    expect({ type: row.type, fallback: row.default }).toEqual({ type: key.type, fallback: key.fallback });
    expect(row.meaning).toMatch(/\S{3}/);
  });

  it.each([...rows])('has an example for %s that is accepted', (path, { example = '', default: fallback }) => {
    expect(fits(profileSchema, path, parse(example))).toBe(true);
    expect(example).not.toBe(fallback);
  });

  it('explains each type', () => {
    const types = new Set([...keys.values()].map(k => k.type.replace(/^list of /, '')));
    const text = texts.get('sites/README.md') ?? '';
    for (const type of ['text', 'number', 'memory', 'duration', 'date', 'yes/no']) {
      expect(types).toContain(type);
      expect(text).toContain(`\n| ${type} | `);
    }
  });

  it('ends with a profile that is right', () => {
    const { blocks } = codeIn(texts.get('sites/README.md') ?? '');
    expect(profileSchema.safeParse(parse(blocks.join('\n'))).error).toBeUndefined();
  });
});

describe('docs/help/settings.md', () => {
  const rows = rowsOf('docs/help/settings.md');
  // what is one thing to a person may be several keys to the schema
  const whole = /^(htcondor|reana\.chart|tools\.\w+)\..*$/;
  const keys = [...new Set(keysIn(configSchema, ['SITE']).map(({ path }) => path.replace(whole, '$1')))];

  it('lists every setting, and no other', () => {
    expect([...rows.keys()].sort()).toEqual(keys.sort());
  });

  it.each([...rows])('has an example for %s that is accepted', (path, { example = '' }) => {
    expect(fits(configSchema, path, parse(example.replace('sha256: …', `sha256: ${'a'.repeat(64)}`)))).toBe(true);
  });
});
