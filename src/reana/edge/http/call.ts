import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpError } from './errors.js';

/** A request on its way to its handler. */
export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The `:names` of the route, decoded; what `*` stood for as `rest`. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}

/** What a handler answers; undefined when it has written the response itself. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export type Handler = (call: Call) => Promise<Answer | undefined>;

export const ok = (body: unknown): Answer => ({ status: 200, body });

/** A part of the path. */
export function param({ params }: Call, name: string): string {
  const value = params[name];
  if (value === undefined) throw new HttpError(400, 'Malformed request.');
  return value;
}

/** @throws HttpError 400 where the client left it out */
export function required({ query }: Call, name: string): string {
  const value = query.get(name);
  if (!value) throw new HttpError(400, `No ${name} provided`);
  return value;
}

export const flag = ({ query }: Call, name: string, fallback = false): boolean => {
  const value = query.get(name)?.toLowerCase();
  return value === undefined || value === '' ? fallback : value === 'true' || value === '1';
};

/** Packed CWL is the largest thing sent as JSON. */
const mostBytes = 32 * 2 ** 20;

/** The body as JSON; undefined where there is none. @throws HttpError 400 */
export async function json({ request }: Call): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new HttpError(413, 'The request is larger than 32 MiB.');
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new HttpError(400, 'Your request contains not valid JSON.');
  }
}

/** The body as a JSON object; empty where there is none. @throws HttpError 400 */
export async function jsonObject(call: Call): Promise<Record<string, unknown>> {
  const value = (await json(call)) ?? {};
  if (isObject(value)) return value;
  throw new HttpError(400, 'Malformed request.');
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** One page of a list, where the client asks for pages, with how many there are in all. */
export function page<T>(call: Call, items: readonly T[]): { readonly items: readonly T[]; readonly total: number } {
  const [number, size] = ['page', 'size'].map(name => wholeNumber(call, name));
  const total = items.length;
  if (size === undefined) return { items, total };
  const from = ((number ?? 1) - 1) * size;
  return { items: items.slice(from, from + size), total };
}

function wholeNumber({ query }: Call, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new HttpError(400, `Field '${name}': ${/^-?\d+$/.test(text) ? 'Must be at least 1.' : 'Not a valid integer.'}`);
}

/** `--filter` as the client sends it: JSON of lists of texts. @throws HttpError 400 */
export function search(text: unknown): Record<string, readonly string[]> | undefined {
  if (text === null || text === undefined || text === '') return undefined;
  try {
    const value: unknown = JSON.parse(String(text));
    if (isObject(value) && Object.values(value).every(Array.isArray)) return value as Record<string, readonly string[]>;
  } catch {
    // told below
  }
  throw new HttpError(400, 'Your request contains not valid JSON.');
}
