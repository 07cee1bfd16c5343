import { InterruptedError } from '../errors.js';

/** What is to be stopped, and cleaned up, before the program ends. */
let current: { readonly controller: AbortController; readonly hint: string } | undefined;

/**
 * Runs work that a first Ctrl-C or TERM stops by its signal, so that it can clean up; a second one does not wait.
 * @param hint what is so when it was stopped
 */
export async function stoppable<T>(hint: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  current = { controller, hint };
  try {
    return await work(controller.signal);
  } finally {
    // a connection that was being made would keep the program
    if (controller.signal.aborted) setTimeout(() => process.exit(), 500).unref();
    current = undefined;
  }
}

/** @returns whether something is being stopped now; else the program is to end at once */
export function stop(signal: 'SIGINT' | 'SIGTERM'): boolean {
  if (current === undefined || current.controller.signal.aborted) return false;
  current.controller.abort(new InterruptedError(signal, { hint: current.hint }));
  return true;
}
