import type { Rule } from '../people/rules.js';
import type { Handler } from './call.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface Route {
  readonly method: Method;
  /** `/api/workflows/:run/workspace/*`: a name matches one part, the star matches all following parts. */
  readonly path: string;
  readonly handle: Handler;
  /** Who may use it. */
  readonly rule: Rule;
}

export interface Match {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/**
 * The first route that matches a request's path; routes without names come before routes with names.
 * @param path still percent-encoded: an encoded slash does not separate parts
 */
export function match(routes: readonly Route[], method: string, path: string): Match | undefined {
  const parts = path.replace(/\/+$/, '').split('/');
  for (const route of routes) {
    const params = route.method === method ? paramsOf(route.path.split('/'), parts) : undefined;
    if (params) return { route, params };
  }
  return undefined;
}

function paramsOf(pattern: readonly string[], parts: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const [i, name] of pattern.entries()) {
    const part = parts[i];
    if (part === undefined) return undefined;
    if (name === '*') {
      const rest = decoded(parts.slice(i).join('/'));
      return rest ? { ...params, rest } : undefined;
    }
    const value = decoded(part);
    if (value === undefined) return undefined;
    if (name.startsWith(':')) params[name.slice(1)] = value;
    else if (name !== value) return undefined;
  }
  return parts.length === pattern.length ? params : undefined;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
