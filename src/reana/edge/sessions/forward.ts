import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { forJupyter, fromJupyter, harmless, withoutSecrets } from './headers.js';
import type { LiveSession } from './live.js';

/** A request that may go on to a session's Jupyter. */
export interface Passing {
  readonly live: LiveSession;
  readonly request: IncomingMessage;
  /** Its answer is on the edge's own origin. */
  readonly isOnEdge: boolean;
}

/** Passes a request on to Jupyter, and its answer back. */
export async function forward(passing: Passing, response: ServerResponse): Promise<void> {
  const { live, request, isOnEdge } = passing;
  const isChange = request.method !== 'GET' && request.method !== 'HEAD';
  if (isChange || request.headers['sec-fetch-mode'] === 'navigate') live.touch();
  const onward = asked(passing, {});
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    onward.once('response', resolve).once('error', reject);
  });
  response.once('close', () => onward.destroy());
  // how it ends is seen in the answer
  void pipeline(request, onward).catch(() => {});
  const answer = await answered;
  const headers = fromJupyter(answer.headers);
  response.writeHead(answer.statusCode ?? 502, isOnEdge ? harmless(headers) : headers);
  await pipeline(answer, response);
}

/** The same for a request to become a WebSocket. */
export function forwardUpgrade(passing: Passing, socket: Duplex, head: Buffer): void {
  const { live } = passing;
  const onward = asked(passing, { connection: 'Upgrade', upgrade: 'websocket' });
  const end = (): void => {
    socket.destroy();
    onward.destroy();
  };
  socket.on('error', end).once('close', end);
  onward.on('error', end);
  onward.once('response', answer => {
    socket.end(
      `HTTP/1.1 ${answer.statusCode} ${http.STATUS_CODES[answer.statusCode ?? 502]}\r\nConnection: close\r\n\r\n`,
    );
    answer.resume();
  });
  onward.once('upgrade', (answer, far, farHead) => {
    const lines: string[] = [];
    for (let i = 0; i + 1 < answer.rawHeaders.length; i += 2)
      if (!/^set-cookie$/i.test(answer.rawHeaders[i] ?? ''))
        lines.push(`${answer.rawHeaders[i]}: ${answer.rawHeaders[i + 1]}`);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`);
    if (farHead.length > 0) socket.write(farHead);
    if (head.length > 0) far.write(head);
    socket.on('data', (data: Buffer) => {
      if (!isPong(data)) live.touch();
    });
    far.on('error', end).once('close', end);
    far.pipe(socket);
    socket.pipe(far);
  });
  onward.end();
}

/** A browser answers Jupyter's pings by itself, also where nobody sits (RFC 6455, section 5.5.3). */
const isPong = (data: Buffer): boolean => ((data[0] ?? 0) & 0x0f) === 0xa && data.length <= 131;

const asked = ({ live, request }: Passing, more: Readonly<Record<string, string>>): http.ClientRequest =>
  http.request({
    method: request.method,
    path: withoutSecrets(request.url ?? '/'),
    headers: { ...forJupyter(request, live.record.token), ...more },
    setHost: false,
    createConnection: () => live.connect(),
  });
