import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { BodyError, readJson } from '../../json.js';
import type { Access } from '../people/access.js';
import type { RunRecord } from '../runs/record.js';
import { HttpError } from './errors.js';

/** A request for its handler. */
export interface Call {
  /** Who asks, and the runs as that person may see them. @throws HttpError 403 for a route that everybody may use */
  readonly access: Access;
  /** The runs that the request names, as the route's rule has found them. */
  readonly runs: Readonly<Record<string, RunRecord>>;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The `:names` of the route, decoded; the part that matched `*` is `rest`. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}

/** A handler's answer; undefined if it has written the response itself. */
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

/** @throws HttpError 400 if the client left it out */
export function required({ query }: Call, name: string): string {
  const value = query.get(name);
  if (!value) throw new HttpError(400, `No ${name} provided`);
  return value;
}

export const flag = ({ query }: Call, name: string, fallback = false): boolean => {
  const value = query.get(name)?.toLowerCase();
  return value === undefined || value === '' ? fallback : value === 'true' || value === '1';
};

/** Bytes. Packed CWL is the largest JSON that is sent; nothing else is large. */
const most = { specification: 16 * 2 ** 20, other: 2 ** 20 };

/** The body as JSON; undefined if there is none. @throws BodyError */
export async function json({ request }: Call, kind: keyof typeof most = 'other'): Promise<unknown> {
  if (Number(request.headers['content-length'] ?? 0) > most[kind]) {
    throw new BodyError(413, `The request is larger than ${most[kind] / 2 ** 20} MiB.`);
  }
  // if we destroyed the request, it could not be answered any more
  return readJson(request.iterator({ destroyOnReturn: false }), most[kind]);
}

/** The body as a JSON object; empty if there is none. @throws BodyError, HttpError 400 */
export async function jsonObject(call: Call, kind: keyof typeof most = 'other'): Promise<Record<string, unknown>> {
  const value = (await json(call, kind)) ?? {};
  if (isObject(value)) return value;
  throw new HttpError(400, 'Malformed request.');
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The part of a list that the client asks for, if it asks for pages. */
export function pageOf(call: Call): { readonly from: number; readonly size: number | undefined } {
  const [number, size] = ['page', 'size'].map(name => wholeNumber(call, name));
  return { from: size === undefined ? 0 : ((number ?? 1) - 1) * size, size };
}

/** One page of a list, if the client asks for pages, with the total number of items. */
export function page<T>(call: Call, items: readonly T[]): { readonly items: readonly T[]; readonly total: number } {
  const { from, size } = pageOf(call);
  return { items: size === undefined ? items : items.slice(from, from + size), total: items.length };
}

/** Sends a list as it is produced, and then the total number of items. */
export async function sendList(call: Call, items: AsyncGenerator<unknown, number>): Promise<void> {
  // a wrong request fails before the first item, so it can still be answered with an error status
  let next = await items.next();
  call.response.writeHead(200, { 'Content-Type': 'application/json' });
  const pieces = async function* (): AsyncGenerator<string> {
    let piece = '{"items":[';
    for (let count = 0; !next.done; count++) {
      piece += `${count === 0 ? '' : ','}${JSON.stringify(next.value)}`;
      if (piece.length > 65_536) {
        yield piece;
        piece = '';
      }
      next = await items.next();
    }
    yield `${piece}],"total":${next.value}}`;
  };
  await pipeline(pieces, call.response);
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
    // reported below
  }
  throw new HttpError(400, 'Your request contains not valid JSON.');
}
