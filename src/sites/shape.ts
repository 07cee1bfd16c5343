import type { z } from 'zod';

export type Path = readonly PropertyKey[];

type Def = { type: string } & Record<string, unknown>;

/** The schema without the `optional`, `default` and transforms around it. */
export function core(schema: z.core.$ZodType): z.core.$ZodType {
  const def = schema._zod.def as unknown as Def;
  if (def.type === 'optional' || def.type === 'default' || def.type === 'nullable') {
    return core(def.innerType as z.core.$ZodType);
  }
  return def.type === 'pipe' ? core(def.in as z.core.$ZodType) : schema;
}

/** The kind of YAML value that the schema expects: `object`, `record`, `array`, `string`, `number`, … */
export function kindOf(schema: z.core.$ZodType): string {
  return core(schema)._zod.def.type;
}

/**
 * The keys that an object may have; empty for anything that is not an object. A union has the keys of all its members.
 */
export function keysOf(schema: z.core.$ZodType): string[] {
  return [...new Set(members(schema).flatMap(m => Object.keys(shapeOf(m) ?? {})))];
}

/** The schema of the value at `path`; undefined if no value is allowed there. */
export function schemaAt(schema: z.core.$ZodType, path: Path): z.core.$ZodType | undefined {
  const [first, ...rest] = path;
  if (first === undefined) return schema;
  for (const member of members(schema)) {
    const child = childOf(member, first);
    const found = child && schemaAt(child, rest);
    if (found) return found;
  }
  return undefined;
}

function members(schema: z.core.$ZodType): z.core.$ZodType[] {
  const inner = core(schema);
  const def = inner._zod.def as unknown as Def;
  return def.type === 'union' ? (def.options as z.core.$ZodType[]).flatMap(members) : [inner];
}

function shapeOf(schema: z.core.$ZodType): Record<string, z.core.$ZodType> | undefined {
  const def = schema._zod.def as unknown as Def;
  return def.type === 'object' ? (def.shape as Record<string, z.core.$ZodType>) : undefined;
}

function childOf(schema: z.core.$ZodType, key: PropertyKey): z.core.$ZodType | undefined {
  const def = schema._zod.def as unknown as Def;
  if (def.type === 'record') return def.valueType as z.core.$ZodType;
  if (def.type === 'array') return /^\d+$/.test(String(key)) ? (def.element as z.core.$ZodType) : undefined;
  const shape = shapeOf(schema);
  return shape && Object.hasOwn(shape, key) ? shape[String(key)] : undefined;
}

/** `queues.short.walltime`, `notes[0].date`. */
export function dotted(path: Path): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text ? `${text}.${String(part)}` : String(part)),
    '',
  );
}
