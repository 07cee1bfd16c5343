import { InterruptedError } from '../errors.js';

/** The work that must be stopped, and cleaned up, before the program ends. */
let current: { readonly controller: AbortController; readonly hint: string } | undefined;

/**
 * Runs work that the first Ctrl-C or TERM stops by an abort signal, so that it can clean up. A second one ends the
 * program at once.
 * @param hint what the user should know if the work was stopped
 */
export async function stoppable<T>(hint: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  current = { controller, hint };
  try {
    return await work(controller.signal);
  } finally {
    // a connection that was being made would keep the program alive
    if (controller.signal.aborted) setTimeout(() => process.exit(), 500).unref();
    current = undefined;
  }
}

/** @returns true if work is being stopped; false if the program should end at once */
export function stop(signal: 'SIGINT' | 'SIGTERM'): boolean {
  if (current === undefined || current.controller.signal.aborted) return false;
  current.controller.abort(new InterruptedError(signal, { hint: current.hint }));
  return true;
}
