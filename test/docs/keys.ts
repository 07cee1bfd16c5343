import type { z } from 'zod';
import { core, keysOf, kindOf } from '../../src/sites/shape.js';

/** A key as the schema has it, and as our pages tell it. */
export interface Key {
  readonly path: string;
  /** As in `list of text`, `a, b or c`. */
  readonly type: string;
  /** `required`, or the default as YAML; empty where it is simply absent. */
  readonly fallback: string;
}

type Schema = z.core.$ZodType;
type Def = { type: string } & Record<string, unknown>;
const defOf = (schema: Schema): Def => schema._zod.def as unknown as Def;
const parse = (schema: Schema, value: unknown): unknown => (schema as z.ZodType).safeParse(value).data;

/** Every key that holds a value, by its path: names of a record's entries are `names`' next, places in lists are `N`. */
export function keysIn(schema: Schema, names: readonly string[], path = ''): Key[] {
  const inner = core(schema);
  const def = defOf(inner);
  const at = (part: string): string => (path === '' ? part : `${path}.${part}`);
  if (def.type === 'record' && kindOf(def.valueType as Schema) === 'object')
    return keysIn(def.valueType as Schema, names.slice(1), at(names[0] ?? '?'));
  if (def.type === 'array' && kindOf(def.element as Schema) === 'object')
    return keysIn(def.element as Schema, names, at('N'));
  if (def.type === 'object' || def.type === 'union') {
    const members = def.type === 'union' ? (def.options as Schema[]) : [inner];
    return keysOf(schema).flatMap(key => {
      const all = members.flatMap(m => (defOf(core(m)).shape as Record<string, Schema>)[key] ?? []);
      const found = all.flatMap(one => keysIn(one, names, at(key)));
      return merged(found);
    });
  }
  return [{ path, type: typeOf(schema), fallback: fallbackOf(schema) }];
}

/** What may stand at a path; several where a union has it in more than one member. */
export function schemasAt(schema: Schema, [first, ...rest]: readonly string[]): Schema[] {
  if (first === undefined) return [schema];
  const def = defOf(core(schema));
  if (def.type === 'union') return (def.options as Schema[]).flatMap(member => schemasAt(member, [first, ...rest]));
  if (def.type === 'record') return schemasAt(def.valueType as Schema, rest);
  if (def.type === 'array') return schemasAt(def.element as Schema, rest);
  const child = (def.shape as Record<string, Schema> | undefined)?.[first];
  return child ? schemasAt(child, rest) : [];
}

/** What several members of a union have under one name: their words together. */
function merged(keys: readonly Key[]): Key[] {
  return [...new Set(keys.map(k => k.path))].map(path => {
    const same = keys.filter(k => k.path === path);
    const [first] = same as [Key];
    return { ...first, type: orList([...new Set(same.map(k => k.type))]) };
  });
}

/** Whether there is a unit is asked of the schema itself: by what it makes of one. */
function typeOf(schema: Schema): string {
  const inner = core(schema);
  const def = defOf(inner);
  if (parse(schema, '2h') === 7200) return 'duration';
  if (parse(schema, '4G') === 4096) return 'memory';
  switch (def.type) {
    case 'enum':
      return orList(Object.values(def.entries as Record<string, string>));
    case 'literal':
      return orList(def.values as string[]);
    case 'array':
      return `list of ${typeOf(def.element as Schema)}`;
    case 'number':
      return 'number';
    case 'boolean':
      return 'yes/no';
    case 'string':
      return parse(schema, '2026-11') !== undefined && parse(schema, 'a') === undefined && parse(schema, '2026-11-22')
        ? 'date'
        : 'text';
    default:
      return def.type;
  }
}

function fallbackOf(schema: Schema): string {
  const def = defOf(schema);
  if (def.type === 'default') return JSON.stringify(def.defaultValue).replaceAll('"', '');
  if (def.type === 'optional') return '';
  return 'required';
}

const orList = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
