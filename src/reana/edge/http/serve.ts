import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError, plainly, ScailfinError, UsageError } from '../../../errors.js';
import { BodyError } from '../../json.js';
import { NoRoomError, NotThereError, WorkspaceError } from '../workspace/errors.js';
import { isNotThere } from '../workspace/inside.js';
import { authenticate, type Keys } from './auth.js';
import type { Answer } from './call.js';
import { HttpError } from './errors.js';
import { match, type Route } from './router.js';

const patienceMs = 10_000;

/**
 * Answers requests by routes; errors as REANA's `{"message": …}`.
 * @param log told of each request, without its query, since the token is in there
 */
export function serve(routes: readonly Route[], keys: Keys, log: (line: string) => void): RequestListener {
  return (request, response) => {
    const began = performance.now();
    const [path = '/'] = (request.url ?? '/').split('?', 1);
    response.once('close', () => {
      const cut = response.writableFinished ? '' : ' (cut off)';
      log(`${request.method} ${path} ${response.statusCode} ${Math.round(performance.now() - began)} ms${cut}`);
    });
    answer(routes, keys, request, response, path).then(
      said => said && send(response, said),
      error => void fail(request, response, error, log),
    );
  };
}

async function answer(
  routes: readonly Route[],
  keys: Keys,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<Answer | undefined> {
  const query = new URLSearchParams((request.url ?? '').slice(path.length + 1));
  const found = match(routes, request.method ?? 'GET', path);
  if (!found?.route.open) authenticate(request, path, query, keys);
  if (!found) throw new HttpError(404, 'The requested URL was not found on the server.');
  return found.route.handle({ request, response, params: found.params, query });
}

function send(response: ServerResponse, { status, body }: Answer): void {
  const text = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': text.length });
  response.end(text);
}

async function fail(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  log: (line: string) => void,
): Promise<void> {
  const status = statusOf(error);
  if (status >= 500 && !(error instanceof HttpError)) log(error instanceof Error ? String(error.stack) : String(error));
  // half an answer is not to be taken for a whole one
  if (response.headersSent) return void response.destroy();
  if (!request.complete) await rest(request, response);
  send(response, { status, body: { message: wordsOf(error) } });
}

/** Clients that are cut off while they send don't read why; the rest of a large file is not waited for all the same. */
async function rest(request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader('Connection', 'close');
  const end = new Promise(resolve => request.once('end', resolve).once('close', resolve));
  request.resume();
  await Promise.race([end, sleep(patienceMs, undefined, { ref: false })]);
}

function statusOf(error: unknown): number {
  if (error instanceof HttpError || error instanceof BodyError) return error.status;
  if (error instanceof NotThereError) return 404;
  if (error instanceof NoRoomError) return 507;
  if (error instanceof WorkspaceError || error instanceof UsageError) return 400;
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (isNotThere(error)) return 404;
  return (syscall && statuses[code ?? '']) || 500;
}

const statuses: Readonly<Record<string, number>> = {
  ...{ EACCES: 403, EPERM: 403, EISDIR: 400, EEXIST: 400, ENOTEMPTY: 400, ELOOP: 400, EINVAL: 400, EXDEV: 400 },
  ...{ ENOSPC: 507, EDQUOT: 507, EFBIG: 507, EMFILE: 503, ENFILE: 503 },
};

/** What is ours to say, and of a system call its name for what went wrong; what else there is, is in the edge's log. */
function wordsOf(error: unknown): string {
  // a command's line has paths in it
  if (error instanceof ScailfinError && !(error instanceof CommandError)) return error.message;
  const { syscall } = (error ?? {}) as NodeJS.ErrnoException;
  return syscall ? plainly(error) : "The server failed to answer; the edge's log on the headnode says why.";
}
