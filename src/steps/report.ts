import type { FileHandle } from 'node:fs/promises';
import { ScailfinError } from '../errors.js';
import { inLine } from '../printable.js';

/** The wrapper's report about a step: `key=value` lines; `deleted=` comes once per path, in base64. */
export interface Report {
  /** The step's own exit status; undefined if it was never run. */
  readonly exit: number | undefined;
  /** The step worked on the headnode's own files: nothing is to be merged. */
  readonly shared: boolean;
  readonly deleted: readonly string[];
  readonly values: ReadonlyMap<string, string>;
}

/** Limit of a report without its deleted paths, in bytes. The wrapper writes a tenth of that. */
const MOST_BYTES = 64 * 1024;
/** Longer than any path in base64. */
const MOST_OF_LINE = 16 * 1024;
/** Limit of different keys. */
const MOST_VALUES = 100;

export function parseReport(text: string): Report {
  const reading = new Reading(Number.POSITIVE_INFINITY);
  for (const line of text.split('\n')) reading.take(line);
  return reading.report;
}

/**
 * Reads a report that anybody may have written.
 * @param before the paths that the step found: it can't have deleted more
 * @throws ScailfinError for a report that no wrapper would write
 */
export async function readReport(file: FileHandle, before: readonly { readonly path: string }[]): Promise<Report> {
  const most = MOST_BYTES + mostNames(before);
  if ((await file.stat()).size > most) throw new ScailfinError(`its report has more than ${most} bytes`);
  const reading = new Reading(before.length);
  let rest = '';
  let read = 0;
  for await (const chunk of file.createReadStream({ autoClose: false, encoding: 'latin1', highWaterMark: 1 << 16 })) {
    // the file may grow while it is read
    read += chunk.length;
    if (read > most) throw new ScailfinError(`its report has more than ${most} bytes`);
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MOST_OF_LINE) throw new ScailfinError(`its report has a line of more than ${MOST_OF_LINE} bytes`);
    for (const line of lines) reading.take(Buffer.from(line, 'latin1').toString());
  }
  reading.take(Buffer.from(rest, 'latin1').toString());
  return reading.report;
}

/** Bytes, by the list: many steps were given the same. */
const knownNames = new WeakMap<readonly unknown[], number>();

/** How much the lines of all these paths take, in bytes. */
function mostNames(before: readonly { readonly path: string }[]): number {
  const known = knownNames.get(before);
  if (known !== undefined) return known;
  const bytes = before.reduce((sum, { path }) => sum + 4 * Math.ceil(Buffer.byteLength(path) / 3) + 9, 0);
  knownNames.set(before, bytes);
  return bytes;
}

class Reading {
  readonly #values = new Map<string, string>();
  readonly #deleted: string[] = [];

  constructor(private readonly mostDeleted: number) {}

  take(line: string): void {
    const at = line.indexOf('=');
    if (at <= 0) return;
    const [key, value] = [line.slice(0, at), line.slice(at + 1)];
    if (key === 'deleted') this.#deleted.push(Buffer.from(value, 'base64').toString());
    else if (this.#values.size < MOST_VALUES) this.#values.set(key, value);
    if (this.#deleted.length > this.mostDeleted) {
      throw new ScailfinError('its report names more deleted files than there were');
    }
  }

  get report(): Report {
    const exit = this.#values.get('exit');
    return {
      exit: exit !== undefined && /^\d{1,3}$/.test(exit) ? Number(exit) : undefined,
      shared: ['yes', 'true', '1'].includes(this.#values.get('shared') ?? ''),
      deleted: this.#deleted,
      values: this.#values,
    };
  }
}

/** The wrapper's own exit statuses; if a step itself ends with such a status, the report names it. */
const classes: Readonly<Record<number, string>> = {
  160: 'no container runtime works',
  161: 'its image does not exist, or could not be converted',
  162: 'an input file did not arrive as it was when the step was submitted',
  163: 'its output could not be brought back',
  164: 'the launcher of parallel programs failed',
  165: 'the disk is full',
  166: 'the wrapper itself failed',
};

export interface Outcome {
  readonly state: 'finished' | 'failed';
  readonly exitCode?: number | undefined;
  readonly reason?: string | undefined;
}

/**
 * The outcome of a step whose job ended by itself.
 * @param status the job's status; undefined if a signal ended it
 */
export function outcomeOf(
  job: { readonly exitCode?: number | undefined; readonly signal?: number | undefined },
  report: Report | undefined,
  node: string | undefined,
): Outcome {
  const there = node ? ` on ${node}` : '';
  if (job.signal !== undefined) return { state: 'failed', reason: `signal ${job.signal} ended it${there}` };
  const known = classes[job.exitCode ?? -1];
  const said = saidBy(report, node);
  // the wrapper's status takes precedence: a successful step whose output was lost has failed
  const isWrappers = known !== undefined && (report?.exit === undefined || report.exit !== job.exitCode);
  if (isWrappers) return { state: 'failed', reason: said ?? `${known}${there}` };
  if (report?.exit === undefined) {
    return {
      state: 'failed',
      exitCode: job.exitCode,
      reason: `it ended${there} with status ${job.exitCode} and no report`,
    };
  }
  if (report.exit === 0) return { state: 'finished', exitCode: 0 };
  return { state: 'failed', exitCode: report.exit, reason: `its command ended with status ${report.exit}` };
}

/** The wrapper's sentence about itself with the node, whose name is known from the pool, and what to do about it. */
export function saidBy(report: Report | undefined, node: string | undefined): string | undefined {
  const message = report?.values.get('message');
  const hint = report?.values.get('hint');
  if (!message) return undefined;
  const said = inLine(message);
  const isOfNode = said.startsWith('this node ');
  const sentence = node && isOfNode ? `node ${node} ${said.slice(10)}` : `${node ? `on ${node}: ` : ''}${said}`;
  return `${sentence}${hint ? `. ${inLine(hint)}` : ''}`;
}
