import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { AuthError, ConnectionError } from '../errors.js';
import { proofOf, proofPath } from './proof.js';

type Dial = () => Promise<Duplex>;

const patienceMs = 20_000;
/** Limit of an answer: a longer one is not ours. */
const mostBytes = 8192;

/**
 * Connections to an edge that has proved on each connection to know the token, before the token is sent: on a machine
 * with other users, somebody else may use its port while it does not run.
 * @param port the edge's own port on its machine @param title of the framework, whose service proves itself in the same way
 * @throws AuthError if another server answers, ConnectionError if none does
 */
export function provedBy(token: string, port: number, dial: Dial, title = 'REANA'): Dial {
  return async () => {
    const socket = await dial();
    const nonce = randomBytes(24).toString('base64url');
    try {
      socket.write(`GET ${proofPath}?nonce=${nonce} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      const said = Buffer.from(proofIn(await answerOf(socket, title)) ?? '');
      const wanted = Buffer.from(proofOf(token, port, nonce));
      if (said.length === wanted.length && timingSafeEqual(said, wanted)) return socket;
    } catch (error) {
      socket.destroy();
      throw error;
    }
    socket.destroy();
    throw new AuthError(`the server on port ${port} is not this cluster's ${title}; the token was not sent to it`, {
      hint: `run \`scailfin up\` again: it starts ${title}, on another port if this one is taken`,
    });
  };
}

interface Answer {
  readonly head: string;
  readonly body: string;
}

/** One complete answer, without any byte after it. */
async function answerOf(socket: Duplex, title: string): Promise<Answer> {
  let text = '';
  const limit = setTimeout(() => socket.destroy(new ConnectionError(`${title}'s port does not answer`)), patienceMs);
  try {
    for (;;) {
      const part = socket.read() as Buffer | null;
      if (part === null) {
        await more(socket, title);
        continue;
      }
      text += part.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (text.length > mostBytes) return { head: '', body: '' };
      if (end < 0) continue;
      const head = text.slice(0, end);
      const body = text.slice(end + 4);
      if (body.length >= Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)) return { head, body };
    }
  } finally {
    clearTimeout(limit);
  }
}

function more(socket: Duplex, title: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error): void => {
      socket.off('readable', onReadable).off('end', onEnd).off('close', onEnd).off('error', done);
      if (error) reject(error instanceof ConnectionError ? error : new ConnectionError(error.message));
      else resolve();
    };
    const onReadable = (): void => done();
    const onEnd = (): void => done(new ConnectionError(`${title}'s port closes the connection`));
    socket.once('readable', onReadable).once('end', onEnd).once('close', onEnd).once('error', done);
    if (socket.destroyed || socket.readableEnded) onEnd();
  });
}

function proofIn({ head, body }: Answer): string | undefined {
  if (!/^HTTP\/1\.1 200 /.test(head)) return undefined;
  try {
    const { proof } = JSON.parse(body) as { proof?: unknown };
    return typeof proof === 'string' ? proof : undefined;
  } catch {
    return undefined;
  }
}
