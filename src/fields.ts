/** The required fields of an object: the names of their types, or the fields of an object inside it. */
export type Fields = { readonly [key: string]: 'string' | 'number' | 'boolean' | 'object' | 'array' | Fields };

/** Whether a value that was read from a file has these fields; it may have further ones. */
export function hasFields(value: unknown, fields: Fields): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(fields).every(([key, kind]) => {
    const inner = (value as Record<string, unknown>)[key];
    if (typeof kind !== 'string') return hasFields(inner, kind);
    if (kind === 'array') return Array.isArray(inner);
    return typeof inner === kind && inner !== null;
  });
}
