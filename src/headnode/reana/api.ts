import https from 'node:https';
import { connect as tlsConnect } from 'node:tls';
import { messageOf, ScailfinError, TimeoutError } from '../../errors.js';
import type { Headnode } from '../component.js';
import { again } from './forward.js';
import { after, type Pace } from './pace.js';

/** Time limit of one request. */
const ASK_MS = 20_000;

/** How long a server may take to close the connection after its answer. */
const CLOSING_MS = 1_000;

interface Answer {
  readonly status: number;
  readonly text: string;
}

/**
 * Waits until REANA answers on a port of the headnode's loopback address.
 * @param until milliseconds since the epoch
 * @throws TimeoutError with the answer that came instead
 */
export async function waitForAnswer(at: Headnode, port: number, until: number, pace: Pace): Promise<void> {
  for (;;) {
    const heard = await ask(at, port, 'GET', '/api/ping').then(
      ({ status }) => (status === 200 ? undefined : `HTTP ${status}`),
      messageOf,
    );
    if (heard === undefined) return;
    if (Date.now() > until) {
      throw new TimeoutError(`REANA runs, but does not answer on port ${port} of ${at.host.name}: ${heard}`, {
        hint: 'to see its parts: `scailfin status`; to try again: `scailfin up`',
      });
    }
    at.onProgress(`waiting for REANA's answer (${heard})`);
    await after(pace.pollMs);
  }
}

/**
 * Gives REANA's administrator a secret, which each job controller then has as a file. If it is accepted, this also proves
 * that the server on that port is this REANA, and no other.
 */
export async function giveSecret(
  at: Headnode,
  port: number,
  token: string,
  name: string,
  value: string,
): Promise<void> {
  const query = new URLSearchParams({ overwrite: 'true', access_token: token });
  const body = JSON.stringify({ [name]: { type: 'file', value: Buffer.from(value).toString('base64') } });
  // the way to it may break at any moment (forward.ts), and to give a secret twice is to give it once
  const { status, text } = await again(() => ask(at, port, 'POST', `/api/secrets/?${query}`, body));
  if (status === 201) return;
  if (status === 401 || status === 403) {
    throw new ScailfinError(`another REANA answers on port ${port} of ${at.host.name}: it does not know this token`, {
      hint: 'end the process that listens on that port there, then run `scailfin up` again',
    });
  }
  throw new ScailfinError(`REANA on ${at.host.name} does not take the pool's token: HTTP ${status} ${said(text)}`, {
    hint: 'to see its parts: `scailfin status`; to try again: `scailfin up`',
  });
}

function said(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? '';
  } catch {
    return text.slice(0, 200);
  }
}

async function ask({ host }: Headnode, port: number, method: string, path: string, body?: string): Promise<Answer> {
  const socket = await host.dial(port);
  // it signed its own certificate a minute ago; the connection to the headnode is what can be trusted
  const secured = tlsConnect({ socket, rejectUnauthorized: false, servername: 'localhost' });
  try {
    return await new Promise((resolve, reject) => {
      secured.once('error', reject);
      // so that the server closes the connection at once
      const headers = { Host: 'localhost', 'Content-Type': 'application/json', Connection: 'close' };
      const options = { method, path, headers, createConnection: () => secured, timeout: ASK_MS };
      const request = https.request(options, response => {
        const chunks: Buffer[] = [];
        response.on('data', chunk => chunks.push(chunk));
        response.on('end', () => {
          const answer = { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
          // the server closes the connection first: kubectl takes it for a broken one if we do
          secured.once('close', () => resolve(answer));
          setTimeout(() => resolve(answer), CLOSING_MS).unref();
        });
        response.on('error', reject);
      });
      request.once('error', reject);
      request.once('timeout', () => request.destroy(new Error(`no answer for ${ASK_MS / 1000} s`)));
      request.end(body);
    });
  } finally {
    secured.destroy();
    socket.destroy();
  }
}
