import { createWriteStream } from 'node:fs';
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import { request } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { HttpError } from '../http/errors.js';
import { counted, type Limits, tooLarge } from './limits.js';
import { type Address, pinned, type Reach } from './reach.js';

const mostRedirects = 5;
/** How long a server may say nothing, in ms. */
const patienceMs = 60_000;

/** How a launch asks servers. */
export interface Asking {
  readonly reach: Reach;
  readonly limits: Limits;
  readonly signal: AbortSignal;
  /** Certificates of authorities that are trusted in the place of the usual ones, as PEM in this file. */
  readonly ca?: { readonly file: string; readonly text: string } | undefined;
}

/**
 * Writes to a file what a URL names. Each server to which it is redirected is checked as the first one.
 * @throws HttpError 400, 413
 */
export async function download(first: URL, file: string, asking: Asking): Promise<void> {
  let url = first;
  for (let redirects = 0; redirects <= mostRedirects; redirects++) {
    const answer = await ask(url, await asking.reach.addresses(url), asking);
    const status = answer.statusCode ?? 0;
    const { location } = answer.headers;
    if (status >= 300 && status < 400 && location !== undefined) {
      answer.destroy();
      url = asking.reach.url(URL.canParse(location, url.href) ? new URL(location, url).href : location);
      continue;
    }
    if (status !== 200) {
      answer.destroy();
      if (status === 404) throw new HttpError(400, 'Cannot find the given workflow specification');
      const words = `${STATUS_CODES[status] ?? 'unknown status'} (${status})`;
      throw new HttpError(400, `Cannot fetch the workflow specification: ${words}`);
    }
    const { bytes } = asking.limits;
    if (Number(answer.headers['content-length'] ?? 0) > bytes) {
      answer.destroy();
      throw tooLarge(bytes);
    }
    return receive(answer, file, url, asking);
  }
  throw new HttpError(400, `The URL leads from server to server more than ${mostRedirects} times.`);
}

async function receive(answer: IncomingMessage, file: string, url: URL, { limits, signal }: Asking): Promise<void> {
  try {
    await pipeline(answer, counted(limits.bytes), createWriteStream(file, { flags: 'wx', mode: 0o600 }), { signal });
  } catch (error) {
    if (error instanceof HttpError || signal.aborted) throw error;
    throw new HttpError(400, `The answer of ${url.hostname} is not complete.`);
  }
}

function ask(url: URL, addresses: readonly Address[], { ca, signal }: Asking): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = request(url, {
      ...{ lookup: pinned(addresses), agent: false, signal, timeout: patienceMs, ca: ca?.text },
      headers: { 'User-Agent': 'scailfin', Accept: '*/*', 'Accept-Encoding': 'identity' },
    });
    asked.once('response', resolve);
    asked.once('timeout', () => asked.destroy(new Error('it does not answer')));
    asked.once('error', (error: NodeJS.ErrnoException) => {
      if (signal.aborted) reject(error);
      else reject(new HttpError(400, `The server ${url.hostname} can't be asked: ${error.code ?? error.message}`));
    });
    asked.end();
  });
}
