import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { packageRoot } from '../../../paths.js';
import { type Call, param } from '../http/call.js';
import { HttpError } from '../http/errors.js';
import type { Route } from '../http/router.js';
import { anybody } from '../people/rules.js';

/** Only the page's own files are loaded, whatever a step writes into a name or a log; no other page may frame it. */
const policy = [
  "default-src 'none'",
  ...["script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'"],
  // a PDF among the outputs, which the edge itself sends
  "frame-src 'self'",
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  // no text can become markup or a script, wherever it comes from
  ...["require-trusted-types-for 'script'", "trusted-types 'none'"],
].join('; ');

const headers = {
  'Content-Security-Policy': policy,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  // the browser asks each time; if the file is unchanged, the answer is short
  'Cache-Control': 'no-cache',
};

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

interface PageFile {
  readonly content: Buffer;
  readonly type: string;
  readonly tag: string;
}

/** Libraries of others, which the build puts there. */
const libraries = join(packageRoot, 'dist', 'page');

const ofPage = anybody('the page is the same for all clusters; what it shows needs a token');

/**
 * The page itself, which needs no token: the data it shows does. The files are read once, so that all have the same
 * version.
 */
export function fileRoutes(): Route[] {
  const dirs = [join(packageRoot, 'templates', 'page'), libraries].filter(existsSync);
  const paths = dirs.flatMap(dir => readdirSync(dir).map(name => join(dir, name)));
  const files = new Map(paths.filter(path => extname(path) in types).map(path => [basename(path), fileOf(path)]));
  return [
    { method: 'GET', path: '', rule: ofPage, handle: async call => send(call, files.get('index.html')) },
    {
      method: 'GET',
      path: '/page/:file',
      rule: ofPage,
      handle: async call => send(call, files.get(param(call, 'file'))),
    },
  ];
}

function send({ request, response }: Call, file: PageFile | undefined): undefined {
  if (!file) throw new HttpError(404, 'The requested URL was not found on the server.');
  const { content, type, tag } = file;
  const isKnown = request.headers['if-none-match'] === tag;
  const length = isKnown ? {} : { 'Content-Length': content.length };
  response.writeHead(isKnown ? 304 : 200, { ...headers, 'Content-Type': type, ETag: tag, ...length });
  response.end(isKnown ? undefined : content);
}

function fileOf(path: string): PageFile {
  const content = readFileSync(path);
  const tag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
  return { content, type: types[extname(path)] as string, tag };
}
