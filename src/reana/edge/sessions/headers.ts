import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** They are about one connection, and not about what is passed on (RFC 9110, section 7.6.1). */
const ofOneHop = [
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade'],
];
/** They may have a person's token in them, or say how the edge is reached. */
const notForJupyter = ['authorization', 'cookie', 'referer', 'forwarded', 'x-forwarded-for', 'x-forwarded-host'];
/** Words of a query that are secrets of the edge. */
const secrets = ['token', 'access_token', 'ticket'];

/** The name of the cookie of somebody who was let in. */
export const cookieName = 'scailfin-session';

/** A path with its query, without the secrets in it. */
export function withoutSecrets(url: string): string {
  const [path = '/', text] = url.split(/\?(.*)/s, 2);
  if (text === undefined) return path;
  // other words stay as they were written
  const rest = text.split('&').filter(word => !secrets.includes(nameOf(word)));
  return rest.length > 0 ? `${path}?${rest.join('&')}` : path;
}

function nameOf(word: string): string {
  const [name = ''] = word.split('=', 1);
  try {
    return decodeURIComponent(name.replaceAll('+', ' '));
  } catch {
    return name;
  }
}

/**
 * The headers of a request as Jupyter gets them: it must not learn the token of a person, nor the edge's cookie.
 * @param token Jupyter's own; secret
 */
export function forJupyter({ headers }: IncomingMessage, token: string): IncomingHttpHeaders {
  const { cookie } = headers;
  const kept = Object.entries(headers).filter(([name]) => !ofOneHop.includes(name) && !notForJupyter.includes(name));
  const own = (cookie ?? '').split(/;\s*/).filter(word => word !== '' && !word.startsWith(`${cookieName}=`));
  return {
    ...Object.fromEntries(kept),
    ...(own.length > 0 ? { cookie: own.join('; ') } : {}),
    authorization: `token ${token}`,
  };
}

/** The headers of Jupyter's answer as the browser gets them. */
export function fromJupyter(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const kept = Object.entries(headers).filter(([name]) => !ofOneHop.includes(name) && name !== 'alt-svc');
  return Object.fromEntries(kept);
}

/**
 * Where a session is not alone on its origin, nothing of it may run: a page there would be one of the edge's own. Its cookies
 * would reach the edge, too.
 */
export function harmless(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const kept = Object.entries(headers).filter(([name]) => !ofEdge.includes(name));
  return {
    ...Object.fromEntries(kept),
    'content-security-policy': "sandbox; default-src 'none'",
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
  };
}

/** What a server says about all of its origin. */
const ofEdge = [
  'set-cookie',
  'clear-site-data',
  'service-worker-allowed',
  'content-security-policy',
  'refresh',
  'link',
];

export function cookieOf({ headers }: IncomingMessage): string | undefined {
  const words = (headers.cookie ?? '').split(/;\s*/);
  return words.find(word => word.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1);
}
