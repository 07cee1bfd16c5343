import { setTimeout as sleep } from 'node:timers/promises';
import { isStepOver, type StepService } from '../../jobs/step.js';
import type { LogEvents } from '../overview.js';
import type { EventStream } from './stream.js';

const mostBytes = 256 * 2 ** 10;
const everyMs = 1000;
/** How many characters from the beginning of the new text are searched for in the old one. */
const mark = 512;

/**
 * Sends a step's log as it grows, until the step is over and everything is sent.
 * @param mayRead whether the reader may still see it: a share can end
 */
export async function followLog(
  steps: StepService,
  id: string,
  stream: EventStream<LogEvents>,
  mayRead: () => boolean,
): Promise<void> {
  let old: string | undefined;
  while (!stream.isClosed) {
    if (!mayRead()) return stream.end();
    // ask for the state before the log, so that the last lines are not missed
    const step = steps.get(id);
    const text = await steps.log(id, mostBytes);
    tell(stream, old, text);
    old = text;
    if (!step || isStepOver(step.state)) {
      stream.send('end', {});
      return stream.end();
    }
    await sleep(everyMs);
  }
}

function tell(stream: EventStream<LogEvents>, old: string | undefined, text: string): void {
  if (text === old) return;
  const more = old === undefined ? undefined : addedTo(old, text);
  if (more === undefined) stream.send('text', { text });
  else if (more !== '') stream.send('more', { text: more });
}

/**
 * The part of the new text after the old one, of which the beginning may be missing; undefined if it can't be determined.
 */
export function addedTo(old: string, text: string): string | undefined {
  if (text.startsWith(old)) return text.slice(old.length);
  const at = text.length < mark ? -1 : old.indexOf(text.slice(0, mark));
  const kept = at < 0 ? '' : old.slice(at);
  return kept !== '' && text.startsWith(kept) ? text.slice(kept.length) : undefined;
}
