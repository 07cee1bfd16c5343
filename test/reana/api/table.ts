import { readFileSync } from 'node:fs';
import { token } from '../edge/edges.js';

/** What is read of an OpenAPI 2 specification. */
interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly 'x-nullable'?: boolean;
}
interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[];
  readonly responses: Readonly<Record<string, { readonly schema?: Schema }>>;
}
interface Specification {
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** One route of REANA's server, and what an edge says to it. */
export interface Row {
  readonly route: string;
  readonly status: number;
  /** The edge's message, where it does not serve the route. */
  readonly absent?: string;
  /** How its answer differs from the specification: fields that are missing, more fields, other types, another status. */
  readonly differences: readonly string[];
}

/** How a route is asked, where its parameters alone do not say it. */
export interface Question {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: string | object;
}

/**
 * Asks an edge each route of the specification, in its order.
 * @param file REANA's own, as reana-commons has it
 */
export async function compare(file: string, url: string, ask: (route: string) => Question): Promise<Row[]> {
  const { paths } = JSON.parse(readFileSync(file, 'utf8')) as Specification;
  const rows: Row[] = [];
  for (const [path, operations] of Object.entries(paths).sort(([a], [b]) => a.localeCompare(b))) {
    for (const [method, operation] of Object.entries(operations)) {
      const route = `${method.toUpperCase()} ${path}`;
      rows.push({ route, ...(await answerTo(method.toUpperCase(), path, operation, url, ask(route))) });
    }
  }
  return rows;
}

async function answerTo(
  method: string,
  path: string,
  { responses }: Operation,
  url: string,
  { path: names = {}, query = {}, body }: Question,
): Promise<Omit<Row, 'route'>> {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(names[name] ?? 'analysis.1'));
  const search = new URLSearchParams({ ...query, access_token: token });
  const isText = typeof body === 'string';
  const response = await fetch(`${url}${filled}?${search}`, {
    method,
    ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
    headers: { 'Content-Type': isText ? 'application/octet-stream' : 'application/json' },
  });
  const text = await response.text();
  const { status } = response;
  const isJson = response.headers.get('content-type')?.includes('json');
  const said: unknown = isJson ? JSON.parse(text) : text;
  if (status === 501) return { status, absent: String((said as { message: unknown }).message), differences: [] };
  const told = responses[status];
  const odd = told === undefined ? [`status ${status} is not in the specification: ${text.slice(0, 100)}`] : [];
  return { status, differences: [...odd, ...(told?.schema && isJson ? differing(told.schema, said, '') : [])] };
}

function differing(schema: Schema, value: unknown, place: string): string[] {
  const { type, properties, items } = schema;
  if (value === null) return schema['x-nullable'] ? [] : [`${place} is null`];
  if (type === 'array') {
    if (!Array.isArray(value)) return [`${place} is no array`];
    return items && value.length > 0 ? differing(items, value[0], `${place}[]`) : [];
  }
  if (type === 'object' || properties) {
    if (typeof value !== 'object' || Array.isArray(value)) return [`${place} is no object`];
    const has = value as Record<string, unknown>;
    if (!properties) return [];
    const name = (key: string): string => `${place}${place === '' ? '' : '.'}${key}`;
    const missing = Object.keys(properties).filter(key => !(key in has));
    const more = Object.keys(has).filter(key => !(key in properties));
    return [
      ...missing.map(key => `${name(key)} is missing`),
      ...more.map(key => `${name(key)} is more`),
      ...Object.entries(properties).flatMap(([key, inner]) =>
        key in has ? differing(inner, has[key], name(key)) : [],
      ),
    ];
  }
  const is = typeof value;
  const fits = type === undefined || is === type || (is === 'number' && ['integer', 'number'].includes(type));
  return fits ? [] : [`${place} is a ${is}, not a ${type}`];
}

/** The rows as a table of Markdown. */
export function table(rows: readonly Row[]): string {
  const line = ({ route, status, absent, differences }: Row): string =>
    `| ${route} | ${absent === undefined ? `served (${status})` : 'absent'} | ${absent ?? differences.join('; ')} |`;
  return [
    '| route | here | reason, or differences from the specification |',
    '| --- | --- | --- |',
    ...rows.map(line),
    '',
  ].join('\n');
}
