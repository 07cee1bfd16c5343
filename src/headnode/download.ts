import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { messageOf, ScailfinError } from '../errors.js';

/**
 * Fetches a file to this machine.
 * @param to a path where nothing is; readable to the user alone
 * @param most bytes; a server that sends more is not listened to any longer
 * @param hint what to do when it can't be had
 * @throws ScailfinError when it can't be had, or is too large; then what came may be there
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
      // a server need not say how much comes, or may say less
      if (read > most) throw tooMuch();
      yield chunk;
    }
  };
  await pipeline(response.body, counted, createWriteStream(to, { mode: 0o600, flags: 'wx' }));
}
