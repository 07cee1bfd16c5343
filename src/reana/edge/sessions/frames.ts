import { ScailfinError } from '../../../errors.js';

/** Kinds of frames; templates/session/agent.py has the same numbers. */
export const kinds = { control: 0, open: 1, data: 2, end: 3, abort: 4, credit: 5, save: 6 } as const;

export interface Frame {
  /** Of the connection; 0 for words about the session itself, which are JSON. */
  readonly stream: number;
  readonly kind: number;
  readonly data: Buffer;
}

/** Bytes: the stream, the kind and the length of what follows, big-endian. */
const HEAD = 9;
const nothing = Buffer.alloc(0);

export function frame(stream: number, kind: number, data: Buffer = nothing): Buffer {
  const head = Buffer.allocUnsafe(HEAD);
  head.writeUInt32BE(stream, 0);
  head.writeUInt8(kind, 4);
  head.writeUInt32BE(data.length, 5);
  return Buffer.concat([head, data]);
}

/** The frames of a batch that came from a node. @throws ScailfinError if it is not made of frames */
export function* framesOf(batch: Buffer): Generator<Frame> {
  for (let at = 0; at < batch.length; ) {
    if (batch.length - at < HEAD) throw new ScailfinError('the session sent an incomplete frame');
    const end = at + HEAD + batch.readUInt32BE(at + 5);
    if (end > batch.length) throw new ScailfinError('the session sent an incomplete frame');
    yield { stream: batch.readUInt32BE(at), kind: batch.readUInt8(at + 4), data: batch.subarray(at + HEAD, end) };
    at = end;
  }
}
