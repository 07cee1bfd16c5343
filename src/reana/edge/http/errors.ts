import { ScailfinError } from '../../../errors.js';

/** A request that can't be served; the message goes to the client as it is. */
export class HttpError extends ScailfinError {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}
