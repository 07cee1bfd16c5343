import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { AuthError, ConnectionError } from '../errors.js';
import { proofOf, proofPath } from './proof.js';

type Dial = () => Promise<Duplex>;

const patienceMs = 20_000;
/** Of an answer: more is none of ours. */
const mostBytes = 8192;

/**
 * Connections to an edge that has proved on each of them to know the token, before it is told it: on a machine that others
 * use, too, somebody else may have its port while it does not run.
 * @param port the edge's own, on its machine
 * @throws AuthError when another answers, ConnectionError when none does
 */
export function provedBy(token: string, port: number, dial: Dial): Dial {
  return async () => {
    const socket = await dial();
    const nonce = randomBytes(24).toString('base64url');
    try {
      socket.write(`GET ${proofPath}?nonce=${nonce} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      const said = Buffer.from(proofIn(await answerOf(socket)) ?? '');
      const wanted = Buffer.from(proofOf(token, port, nonce));
      if (said.length === wanted.length && timingSafeEqual(said, wanted)) return socket;
    } catch (error) {
      socket.destroy();
      throw error;
    }
    socket.destroy();
    throw new AuthError(`what answers on port ${port} is not this cluster's REANA; it was told no token`, {
      hint: '`scailfin up` again brings it up, on another port where somebody has taken this one',
    });
  };
}

interface Answer {
  readonly head: string;
  readonly body: string;
}

/** One whole answer, and not a byte of what follows. */
async function answerOf(socket: Duplex): Promise<Answer> {
  let text = '';
  const limit = setTimeout(() => socket.destroy(new ConnectionError("REANA's port does not answer")), patienceMs);
  try {
    for (;;) {
      const part = socket.read() as Buffer | null;
      if (part === null) {
        await more(socket);
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

function more(socket: Duplex): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error): void => {
      socket.off('readable', onReadable).off('end', onEnd).off('close', onEnd).off('error', done);
      if (error) reject(error instanceof ConnectionError ? error : new ConnectionError(error.message));
      else resolve();
    };
    const onReadable = (): void => done();
    const onEnd = (): void => done(new ConnectionError("REANA's port closes the connection"));
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
