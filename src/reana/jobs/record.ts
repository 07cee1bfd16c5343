import { isStepOver, type Step } from './step.js';

/** How a step's job ended, before its files are back in the workspace; times are milliseconds since 1970. */
export interface Ending {
  readonly exitCode?: number | undefined;
  readonly signal?: number | undefined;
  readonly at: number;
}

/** A step with the fields that only its service needs. */
export interface StepRecord extends Step {
  readonly ending?: Ending | undefined;
  /** Somebody asked to stop it. */
  readonly stopping?: boolean | undefined;
  /** The step is not to be submitted or awaited any more; its job, if there is one, is to be removed. */
  readonly forgotten?: boolean | undefined;
}

export type Change = Partial<Omit<StepRecord, 'id' | 'request'>>;

/** A line of the journal. `read` is how far HTCondor's log has been read once the change is made, in bytes. */
export interface Entry {
  readonly id?: string;
  readonly set?: Partial<StepRecord>;
  readonly forget?: true;
  readonly read?: number;
}

/** Reads the entries of a journal, one by one: the steps by their ids, oldest first. */
export async function fold(entries: AsyncIterable<Entry>): Promise<{ steps: Map<string, StepRecord>; read: number }> {
  const steps = new Map<string, StepRecord>();
  let read = 0;
  for await (const { id, set, forget, read: upTo } of entries) {
    if (upTo !== undefined) read = upTo;
    if (id === undefined) continue;
    if (forget) steps.delete(id);
    else if (set?.request !== undefined || steps.has(id)) steps.set(id, { ...steps.get(id), ...set } as StepRecord);
  }
  return { steps, read };
}

/** Whether it has, or may have, a job in the pool. */
export const isInPool = (step: StepRecord): boolean => !isStepOver(step.state) && step.ending === undefined;
