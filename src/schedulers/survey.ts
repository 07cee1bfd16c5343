import type { BatchJob, Command, Output } from './job.js';

/** What a batch system can be asked before anything is submitted. Pure, as the adapters are. */
export interface Survey {
  /** As people call it. */
  readonly title: string;
  /** What the adapter runs; all of it must be in the PATH. */
  readonly programs: readonly string[];
  readonly version: {
    readonly command: Command;
    /** Undefined when it is not there, or when another system answered: several have a qsub. */
    parse(out: Output): string | undefined;
  };
  readonly queues?: {
    readonly commands: readonly Command[];
    /** @throws SchedulerError when it could not be asked */
    parse(outs: readonly Output[]): QueueInfo[];
  };
  /** What a node has, where queues don't tell. */
  readonly node?: { readonly command: Command; parse(out: Output): NodeSize };
  /** The system's own way to try a job without submitting it. */
  readonly testSubmit?: {
    command(job: BatchJob): Command;
    /** @returns what it says of the job @throws SchedulerError with its reason when it would refuse the job */
    parse(out: Output): string;
  };
}

/** What jobs may ask of the usual node; what isn't told is absent. Memory in MiB. */
export interface NodeSize {
  readonly cores?: number;
  readonly memory?: number;
}

/** A queue or partition as the batch system tells it; what it doesn't tell is absent. */
export interface QueueInfo {
  readonly name: string;
  /** Where a job goes that names none. */
  readonly default: boolean;
  /** Jobs are accepted, though they may not begin soon. */
  readonly open: boolean;
  /** The system's words for its state, where it is not the usual one. */
  readonly word?: string;
  /** Seconds. */
  readonly walltime?: number;
  /** Most nodes of one job. */
  readonly nodes?: number;
  /** Most jobs of one user that wait and run. */
  readonly jobs?: number;
  /** Of its usual node. */
  readonly cores?: number;
  /** MiB, of its usual node. */
  readonly memory?: number;
  /** Of its usual node. */
  readonly gpus?: number;
  /** Several jobs may share a node. */
  readonly shared?: boolean;
  /** Grid Engine: what gives a job several cores of one node there. */
  readonly parallelEnvironment?: string;
}

/** A whole number from 1; undefined for words such as UNLIMITED. */
export function limit(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d*$/.test(text) ? Number(text) : undefined;
}

/** What most nodes have: sites have a few odd ones. */
export function usualSize(nodes: readonly NodeSize[]): NodeSize {
  const counts = new Map<string, number>();
  for (const node of nodes) counts.set(JSON.stringify(node), (counts.get(JSON.stringify(node)) ?? 0) + 1);
  const [most] = [...counts].sort(([, a], [, b]) => b - a);
  return most ? (JSON.parse(most[0]) as NodeSize) : {};
}

/** The entries of `values` that are known. */
export function known<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
