import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Door } from '../http/door.js';
import { HttpError } from '../http/errors.js';
import { Access } from '../people/access.js';
import type { People } from '../people/people.js';
import type { RunBook } from '../runs/book.js';
import { forward, forwardUpgrade, type Passing } from './forward.js';
import { cookieName, cookieOf, withoutSecrets } from './headers.js';
import { holderOf, keyOf } from './keys.js';
import { sendPage, waiting } from './page.js';
import type { SessionRecord } from './record.js';
import type { Sessions } from './sessions.js';

export interface GateParts {
  readonly sessions: Sessions;
  readonly people: People;
  readonly book: RunBook;
  readonly door: Door;
}

const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const sessionPath = new RegExp(`^/(${uuid})(?=[/?]|$)`);
const sessionHost = new RegExp(`^(${uuid})\\.localhost(?::\\d{1,5})?$`);
/** Every browser takes such a name for this machine (RFC 6761, section 6.3). */
const anyLocalhost = /\.localhost(:\d{1,5})?$/i;
/** The ways in which the edge itself is reached. */
const edgeHost = /^(?:127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/i;
/** Time between the redirection to a session's own origin and the visit there. */
const ticketMs = 60_000;
const mostTickets = 1000;

interface Ticket {
  readonly run: string;
  readonly person: string;
  readonly ends: number;
}

/**
 * Decides who gets to the Jupyter of a session. What a notebook shows, and what its kernel serves, may be anything, script too;
 * so a browser sees it at an origin of its own, `http://RUN.localhost:PORT`, where neither the edge's page nor its API is. The
 * address that REANA gives out, `/RUN?token=…`, leads there with a ticket that is good once; a cookie replaces it. Programs may
 * use the first address itself, with the token in each request: what they get can't run in a browser.
 */
export class SessionGate {
  readonly #tickets = new Map<string, Ticket>();

  constructor(private readonly parts: GateParts) {}

  /** Whether a request is for a session, or for nobody, and not for the edge itself. */
  isFor(request: IncomingMessage): boolean {
    return anyLocalhost.test(request.headers.host ?? '') || sessionPath.test(request.url ?? '');
  }

  /** @throws HttpError; an error that Jupyter's connection ended with */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const passing = anyLocalhost.test(request.headers.host ?? '')
      ? this.#onItsOwn(request, response)
      : this.#onEdge(request, response);
    if (passing) await forward(passing, response);
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    try {
      const isWebSocket = request.headers.upgrade?.toLowerCase() === 'websocket';
      if (!isWebSocket || !this.isFor(request)) throw new HttpError(400, 'Only sessions have WebSockets.');
      const isItsOwn = anyLocalhost.test(request.headers.host ?? '');
      const passing = isItsOwn ? this.#onItsOwn(request, undefined) : this.#onEdge(request, undefined);
      if (passing) forwardUpgrade(passing, socket, head);
    } catch (error) {
      const status = error instanceof HttpError ? error.status : 500;
      socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    }
  }

  /** At the edge's own address: the token is in each request. @param response undefined for a WebSocket */
  #onEdge(request: IncomingMessage, response: ServerResponse | undefined): Passing | undefined {
    const [, run = ''] = sessionPath.exec(request.url ?? '') ?? [];
    const shown = tokenIn(request);
    if (!shown) throw new HttpError(401, 'User not signed in');
    const opened = this.parts.sessions.of(run);
    const byKey = opened && holderOf(shown, opened, 'address', this.parts.people);
    const who = byKey ?? this.parts.people.byToken(shown);
    if (!who) throw new HttpError(403, 'Token not valid.');
    const { book, people, door } = this.parts;
    door.admit(request.socket, who.id);
    new Access(who, book, () => people.byId(who.id) !== undefined).find(run, 'change');
    const record = this.#session(run);
    if (!response || !isNavigation(request)) return this.#passing(request, record, true);
    const [, port = ''] = edgeHost.exec(request.headers.host ?? '') ?? [];
    if (!edgeHost.test(request.headers.host ?? '')) {
      const hint = 'Use 127.0.0.1 or localhost, to which `scailfin env` or `scailfin connect` forwards a port.';
      throw new HttpError(421, `A browser can open a session only at an address of its own machine. ${hint}`);
    }
    const ticket = this.#issue({ run, person: who.id, ends: Date.now() + ticketMs });
    redirect(response, `http://${run}.localhost${port}${withTicket(request.url ?? '', ticket)}`);
    return undefined;
  }

  /** At the session's own origin: a ticket becomes a cookie, by which its visitor is known. */
  #onItsOwn(request: IncomingMessage, response: ServerResponse | undefined): Passing | undefined {
    const { host = '', origin } = request.headers;
    const [, run = ''] = sessionHost.exec(host) ?? [];
    const [, named] = sessionPath.exec(request.url ?? '') ?? [];
    if (run === '' || named !== run) throw new HttpError(404, 'There is nothing here.');
    const record = this.#session(run);
    const ticket = new URLSearchParams((request.url ?? '').split(/\?(.*)/s)[1] ?? '').get('ticket');
    const person = ticket && response ? this.#redeem(ticket, run) : undefined;
    if (person !== undefined && response) {
      response.setHeader(
        'Set-Cookie',
        `${cookieName}=${keyOf(record, 'cookie', person, this.parts.people)}; Path=/${run}; HttpOnly; SameSite=Lax`,
      );
      redirect(response, withoutSecrets(request.url ?? '/'));
      return undefined;
    }
    // another page may lead here, but may not act here
    const isAct = response === undefined || !['GET', 'HEAD'].includes(request.method ?? '');
    if (isAct && origin !== `http://${host}`) throw new HttpError(403, 'Only the session itself may ask for this.');
    this.#known(request, record);
    return this.#passing(request, record, false, response);
  }

  #session(run: string): SessionRecord {
    const record = this.parts.sessions.of(run);
    if (record) return record;
    throw new HttpError(404, 'This run has no open session. To open one: reana-client open -w RUN jupyter');
  }

  #passing(
    request: IncomingMessage,
    record: SessionRecord,
    isOnEdge: boolean,
    response?: ServerResponse,
  ): Passing | undefined {
    const { sessions } = this.parts;
    const live = sessions.live(record.run);
    if (live?.isReady && sessions.status(record) === 'running') return { live, request, isOnEdge };
    if (!response || !isNavigation(request)) throw new HttpError(503, `The session is ${sessions.status(record)}.`);
    sendPage(response, waiting(sessions.status(record), sessions.reason(record)));
    return undefined;
  }

  /** @throws HttpError 403 unless its cookie was given out for this session, to somebody who still may use it */
  #known(request: IncomingMessage, record: SessionRecord): void {
    const { people, book, door } = this.parts;
    const who = holderOf(cookieOf(request) ?? '', record, 'cookie', people);
    const run = who && new Access(who, book, () => people.byId(who.id) !== undefined).get(record.run);
    if (!who || !run) {
      throw new HttpError(403, 'Open the address that reana-client open printed, or: reana-client list --sessions');
    }
    door.admit(request.socket, who.id);
  }

  #issue(ticket: Ticket): string {
    for (const [name, { ends }] of this.#tickets) if (ends < Date.now()) this.#tickets.delete(name);
    const [oldest] = this.#tickets.keys();
    if (this.#tickets.size >= mostTickets && oldest) this.#tickets.delete(oldest);
    const name = randomBytes(24).toString('base64url');
    this.#tickets.set(name, ticket);
    return name;
  }

  /** @returns whose it was; it is worth nothing any more */
  #redeem(name: string, run: string): string | undefined {
    const ticket = this.#tickets.get(name);
    this.#tickets.delete(name);
    return ticket?.run === run && ticket.ends >= Date.now() ? ticket.person : undefined;
  }
}

/** In the query as reana-client puts it, or in a header as Jupyter's own clients do. */
function tokenIn({ url = '', headers }: IncomingMessage): string | undefined {
  const query = new URLSearchParams(url.split(/\?(.*)/s)[1] ?? '');
  const [, inHeader] = /^(?:Bearer|token) (\S+)$/i.exec(headers.authorization ?? '') ?? [];
  return query.get('token') ?? query.get('access_token') ?? inHeader;
}

/** Somebody opens it in a browser. */
const isNavigation = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' &&
  (headers['sec-fetch-mode'] === undefined
    ? (headers.accept ?? '').includes('text/html')
    : headers['sec-fetch-mode'] === 'navigate');

function withTicket(url: string, ticket: string): string {
  // the path that REANA gives out has no slash, and Jupyter knows none without it
  const rest = withoutSecrets(url).replace(new RegExp(`^/${uuid}(?=[?]|$)`), '$&/');
  return `${rest}${rest.includes('?') ? '&' : '?'}ticket=${ticket}`;
}

function redirect(response: ServerResponse, to: string): void {
  response.writeHead(303, { Location: to, 'Referrer-Policy': 'no-referrer', 'Cache-Control': 'no-store' });
  response.end();
}
