import { Transform } from 'node:stream';
import { HttpError } from '../http/errors.js';

/** What a launch may take. */
export interface Limits {
  /** Of what is downloaded, and of what it becomes when it is unpacked. */
  readonly bytes: number;
  /** Files, directories and links. */
  readonly files: number;
  /** For all of it, in ms. */
  readonly time: number;
}

/** A file of a specification's inputs may be as large as in REANA (FETCHER_MAXIMUM_FILE_SIZE); the client waits for five minutes. */
export const usualLimits: Limits = { bytes: 2 ** 30, files: 20_000, time: 4 * 60_000 };

export const tooLarge = (bytes: number): HttpError =>
  new HttpError(
    413,
    `Maximum file size exceeded: no more than ${Math.max(1, Math.floor(bytes / 2 ** 20))} MiB are fetched.`,
  );

export const tooMany = (files: number): HttpError =>
  new HttpError(413, `It has more than ${files} files: no more are fetched.`);

/** Passes bytes on, and fails when there are too many. */
export function counted(most: number, error = tooLarge(most)): Transform {
  let left = most;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      left -= chunk.length;
      if (left < 0) done(error);
      else done(null, chunk);
    },
  });
}
