/** What the cluster's code tells about its progress; `cli/` turns it into a spinner, lines or JSON. */
export type ClusterEvent =
  | { readonly type: 'started'; readonly title: string }
  | { readonly type: 'progress'; readonly detail: string }
  | { readonly type: 'done'; readonly title: string; readonly detail?: string; readonly ms: number }
  | { readonly type: 'failed'; readonly title: string; readonly ms: number }
  | { readonly type: 'warning'; readonly text: string }
  | { readonly type: 'note'; readonly text: string };

export type EventSink = (event: ClusterEvent) => void;

/** Reports `work` as one step. `detail` is what it resolves with. */
export async function step<T>(sink: EventSink, title: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  sink({ type: 'started', title });
  try {
    const detail = await work();
    const ms = performance.now() - began;
    sink({ type: 'done', title, ms, ...(typeof detail === 'string' ? { detail } : {}) });
    return detail;
  } catch (error) {
    sink({ type: 'failed', title, ms: performance.now() - began });
    throw error;
  }
}
