/** The progress events of the cluster's code; `cli/` shows them as a spinner, lines or JSON. */
export type ClusterEvent =
  | { readonly type: 'started'; readonly title: string }
  | { readonly type: 'progress'; readonly detail: string }
  | { readonly type: 'done'; readonly title: string; readonly detail?: string; readonly ms: number }
  | { readonly type: 'failed'; readonly title: string; readonly ms: number }
  | { readonly type: 'warning'; readonly text: string }
  | { readonly type: 'note'; readonly text: string };

export type EventSink = (event: ClusterEvent) => void;

/** Reports `work` as one step; `detail` describes its result, unless the result is a text. */
export async function step<T>(
  sink: EventSink,
  title: string,
  work: () => Promise<T>,
  detail: (outcome: T) => string | undefined = outcome => (typeof outcome === 'string' ? outcome : undefined),
): Promise<T> {
  const began = performance.now();
  sink({ type: 'started', title });
  try {
    const outcome = await work();
    const text = detail(outcome);
    sink({ type: 'done', title, ms: performance.now() - began, ...(text === undefined ? {} : { detail: text }) });
    return outcome;
  } catch (error) {
    sink({ type: 'failed', title, ms: performance.now() - began });
    throw error;
  }
}
