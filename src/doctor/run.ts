import { InterruptedError, messageOf, ScailfinError } from '../errors.js';
import type { Context, Finding, Stage } from './stage.js';

/** The result of a stage. */
export interface StageResult extends Finding {
  readonly id: string;
  readonly title: string;
  readonly seconds: number;
}

export interface Watcher {
  started(title: string): void;
  ended(result: StageResult): void;
}

/**
 * Runs the stages one after the other. After a failure the others are skipped, because they would fail for the same
 * reason.
 * @throws the reason of an interruption
 */
export async function examine(stages: readonly Stage[], context: Context, watcher: Watcher): Promise<StageResult[]> {
  const results: StageResult[] = [];
  let culprit: Stage | undefined;
  for (const stage of stages) {
    const began = performance.now();
    let finding: Finding;
    if (culprit === undefined) {
      watcher.started(stage.title);
      finding = await outcome(stage, context);
    } else {
      finding = { status: 'skipped', detail: `not checked: first correct "${culprit.title}"` };
    }
    if (finding.status === 'failed') culprit = stage;
    const seconds = Number(((performance.now() - began) / 1000).toFixed(3));
    const result = { id: stage.id, title: stage.title, seconds, ...finding };
    results.push(result);
    watcher.ended(result);
  }
  return results;
}

async function outcome(stage: Stage, context: Context): Promise<Finding> {
  const { signal } = context;
  signal.throwIfAborted();
  try {
    return await (stage.cleansUp ? stage.run(context) : unlessAborted(signal, stage.run(context)));
  } catch (error) {
    // an interrupted stage may still report what it could not clean up
    if (signal.aborted && (error === signal.reason || !stage.cleansUp)) throw signal.reason;
    // Ctrl-C at a question comes as an error of its own
    if (!(error instanceof ScailfinError) || error instanceof InterruptedError) throw error;
    if (signal.aborted) throw error;
    return {
      ...{ status: 'failed', detail: messageOf(error) },
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    };
  }
}

/** Rejects with the reason of an abort, without waiting for `work`. */
export function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
