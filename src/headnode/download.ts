import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { messageOf, ScailfinError } from '../errors.js';

/**
 * Fetches a file to this machine.
 * @param to a path where nothing exists; only the user can read it
 * @param most bytes; if a server sends more, the download is ended
 * @param hint what to do if it can't be fetched
 * @throws ScailfinError if it can't be fetched or is too large; a part of it may exist then
 */
export async function download(from: string, to: string, most: number, hint: string): Promise<void> {
  const tooMuch = (): ScailfinError =>
    new ScailfinError(`${from} has more than ${Math.floor(most / 1e6)} MB: it is not what was expected`, { hint });
  const response = await fetch(from).catch(error => {
    throw new ScailfinError(`could not fetch ${from}: ${messageOf(error)}`, { hint });
  });
  if (!response.ok || !response.body)
    throw new ScailfinError(`could not fetch ${from}: status ${response.status}`, { hint });
  if (Number(response.headers.get('content-length')) > most) {
    await response.body.cancel();
    throw tooMuch();
  }
  let read = 0;
  const counted = async function* (chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      read += chunk.length;
      // a server need not announce the size, or may announce less
      if (read > most) throw tooMuch();
      yield chunk;
    }
  };
  await pipeline(response.body, counted, createWriteStream(to, { mode: 0o600, flags: 'wx' }));
}
