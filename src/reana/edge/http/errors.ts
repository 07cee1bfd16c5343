import { ScailfinError } from '../../../errors.js';

/** A request that can't be served; the client gets the message unchanged. */
export class HttpError extends ScailfinError {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}
