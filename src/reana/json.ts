import { UsageError } from '../errors.js';

/** The body of a request that is refused. */
export class BodyError extends UsageError {
  constructor(
    /** The HTTP status. */
    readonly status: 400 | 408 | 413,
    message: string,
  ) {
    super(message);
  }
}

/** How long the body of a request may take to arrive, in ms. */
const patienceMs = 60_000;
/** Creating objects takes the time, not reading bytes; the largest workflows have a tenth of this. */
const mostValues = 300_000;
const deepest = 200;

/**
 * A stream's JSON; undefined if it is empty.
 * @param mostBytes more is refused @throws BodyError
 */
export async function readJson(stream: AsyncIterable<Buffer>, mostBytes: number): Promise<unknown> {
  const ends = Date.now() + patienceMs;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of within(stream, ends)) {
    bytes += chunk.length;
    if (bytes > mostBytes)
      throw new BodyError(413, `The request is larger than ${Math.floor(mostBytes / 2 ** 20)} MiB.`);
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  checkShape(body);
  const text = body.toString('utf8');
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new BodyError(400, 'Your request contains not valid JSON.');
  }
}

/** Ends a stream that sends its data too slowly. */
async function* within(stream: AsyncIterable<Buffer>, ends: number): AsyncGenerator<Buffer> {
  const chunks = stream[Symbol.asyncIterator]();
  for (;;) {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>(resolve => {
      timer = setTimeout(resolve, ends - Date.now(), 'late');
    });
    const next = await Promise.race([chunks.next(), late]).finally(() => clearTimeout(timer));
    if (next === 'late') throw new BodyError(408, `The request took longer than ${patienceMs / 1000} s.`);
    if (next.done) return;
    yield next.value;
  }
}

const [quote, backslash, comma, open, close] = [...'"\\,'].map(c => c.charCodeAt(0)).concat([0x5b, 0x5d]);

/** Counts values and their depth before the JSON is parsed. @throws BodyError */
function checkShape(body: Buffer): void {
  let [values, depth, isText] = [0, 0, false];
  for (let at = 0; at < body.length; at++) {
    const byte = body[at] as number;
    if (isText) {
      if (byte === backslash) at++;
      else if (byte === quote) isText = false;
      continue;
    }
    if (byte === quote) isText = true;
    else if (byte === comma) values++;
    // both kinds of brackets, which differ in one bit
    else if ((byte & 0xdf) === open) [values, depth] = [values + 1, depth + 1];
    else if ((byte & 0xdf) === close) depth--;
    if (values > mostValues) throw new BodyError(413, `The request has more than ${mostValues} values.`);
    if (depth > deepest) throw new BodyError(413, `The request has values more than ${deepest} deep.`);
  }
}
