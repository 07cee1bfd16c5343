import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError, plainly, ScailfinError, UsageError } from '../../../errors.js';
import type { StepService } from '../../jobs/step.js';
import { BodyError } from '../../json.js';
import { Access } from '../people/access.js';
import type { Person } from '../people/person.js';
import { lackOf, obey, type Rule } from '../people/rules.js';
import type { RunBook } from '../runs/book.js';
import { NoRoomError, NotThereError, WorkspaceError } from '../workspace/errors.js';
import { isNotThere } from '../workspace/inside.js';
import { authenticate, type Keys } from './auth.js';
import type { Answer, Call } from './call.js';
import { HttpError } from './errors.js';
import { match, type Route } from './router.js';

const patienceMs = 10_000;

/** What decides about a request. */
export interface Judges extends Keys {
  readonly book: RunBook;
  readonly steps: StepService;
  /** Of the requests that are for sessions. */
  readonly gate: { isFor(request: IncomingMessage): boolean } & { answer: Gate };
}

type Gate = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Answers requests by routes, each for those whom its rule names; errors have REANA's form `{"message": …}`.
 * @param log called for each request, without its query, which contains the token
 * @throws ScailfinError for a route without a rule: then nothing is served
 */
export function serve(routes: readonly Route[], judges: Judges, log: (line: string) => void): RequestListener {
  const lacks = routes.map(lackOf).filter(lack => lack !== undefined);
  if (lacks.length > 0) throw new ScailfinError(`the edge can't serve its routes: ${lacks.join('; ')}`);
  return (request, response) => {
    const began = performance.now();
    const [path = '/'] = (request.url ?? '/').split('?', 1);
    response.once('close', () => {
      const cut = response.writableFinished ? '' : ' (cut off)';
      const took = `${Math.round(performance.now() - began)} ms`;
      log(`${request.method} ${path} ${response.statusCode} ${took}${asker}${cut}`);
    });
    let asker = '';
    const known = (who: Person): void => {
      if (!who.isOwner) asker = ` for ${who.name}`;
    };
    const said = judges.gate.isFor(request)
      ? judges.gate.answer(request, response)
      : answer(routes, judges, request, response, path, known);
    said.then(
      said => said && send(response, said),
      error => void fail(request, response, error, log),
    );
  };
}

async function answer(
  routes: readonly Route[],
  judges: Judges,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  known: (who: Person) => void,
): Promise<Answer | undefined> {
  const query = new URLSearchParams((request.url ?? '').slice(path.length + 1));
  const found = match(routes, request.method ?? 'GET', path);
  const words = { params: found?.params ?? {}, query };
  if (found?.route.rule.may === 'anybody') return found.route.handle(nobodys({ request, response, ...words }));
  const who = authenticate(request, path, query, judges);
  known(who);
  if (!found) throw new HttpError(404, 'The requested URL was not found on the server.');
  const access = new Access(who, judges.book, () => judges.people.byId(who.id) !== undefined);
  const runs = obey(found.route.rule as Exclude<Rule, { may: 'anybody' }>, access, judges.steps, words);
  return found.route.handle({ request, response, ...words, access, runs });
}

/** A request of which nobody knows whose it is reaches no run. */
const nobodys = (call: Omit<Call, 'access' | 'runs'>): Call => ({
  ...call,
  runs: {},
  get access(): Access {
    throw new HttpError(403, 'User not signed in');
  },
});

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
  // an incomplete answer must not look complete
  if (response.headersSent) return void response.destroy();
  if (!request.complete) await rest(request, response);
  send(response, { status, body: { message: wordsOf(error) } });
}

/**
 * A client that is cut off while it sends does not read the reason; still, the rest of a large file is not read to its
 * end.
 */
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

/** For our own errors the message; for a failed system call the reason; for all others the edge's log has the details. */
function wordsOf(error: unknown): string {
  // a command line contains paths
  if (error instanceof ScailfinError && !(error instanceof CommandError)) return error.message;
  const { syscall } = (error ?? {}) as NodeJS.ErrnoException;
  return syscall ? plainly(error) : "The server failed to answer; the edge's log on the headnode says why.";
}
