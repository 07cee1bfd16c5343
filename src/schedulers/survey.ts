import type { BatchJob, Command, Output } from './job.js';

/** What a batch system can be asked before anything is submitted. Pure, like the adapters. */
export interface Survey {
  /** The name that people use. */
  readonly title: string;
  /** The programs that the adapter runs; all of them must be in the PATH. */
  readonly programs: readonly string[];
  readonly version: {
    readonly command: Command;
    /** Undefined if it is not there, or if another system answered: several systems have a qsub. */
    parse(out: Output): string | undefined;
  };
  readonly queues?: {
    readonly commands: readonly Command[];
    /** The same for another cluster of Slurm. */
    inCluster?(cluster: string): readonly Command[];
    /** @throws SchedulerError if it could not be asked */
    parse(outs: readonly Output[]): QueueInfo[];
  };
  /** The size of a node, if queues do not say it. */
  readonly node?: { readonly command: Command; parse(out: Output): NodeSize };
  /** The system's own way to test a job without submitting it. */
  readonly testSubmit?: {
    command(job: BatchJob): Command;
    /** @returns its answer @throws SchedulerError with its reason if it would refuse the job */
    parse(out: Output): string;
  };
}

/** What jobs may ask for on the usual node; unknown values are absent. Memory in MiB. */
export interface NodeSize {
  readonly cores?: number;
  readonly memory?: number;
}

/** A queue or partition as the batch system describes it; unknown values are absent. */
export interface QueueInfo {
  readonly name: string;
  /** Jobs that name no queue go here. */
  readonly default: boolean;
  /** Jobs are accepted, even if they do not start soon. */
  readonly open: boolean;
  /** The system's word for its state, if it is not the usual one. */
  readonly word?: string;
  /** Seconds. */
  readonly walltime?: number;
  /** Most nodes that one job may have. */
  readonly nodes?: number;
  /** Most jobs that one user may have queued and running. */
  readonly jobs?: number;
  /** Of the queue's usual node. */
  readonly cores?: number;
  /** MiB of the queue's usual node. */
  readonly memory?: number;
  /** Of the queue's usual node. */
  readonly gpus?: number;
  /** Several jobs may share a node. */
  readonly shared?: boolean;
  /** Grid Engine: the parallel environment that gives a job several cores of one node. */
  readonly parallelEnvironment?: string;
}

/** A whole number from 1; undefined for words such as UNLIMITED. */
export function limit(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d*$/.test(text) ? Number(text) : undefined;
}

/** The size of most nodes, because sites have a few different ones. */
export function usualSize(nodes: readonly NodeSize[]): NodeSize {
  const counts = new Map<string, number>();
  for (const node of nodes) counts.set(JSON.stringify(node), (counts.get(JSON.stringify(node)) ?? 0) + 1);
  const [most] = [...counts].sort(([, a], [, b]) => b - a);
  return most ? (JSON.parse(most[0]) as NodeSize) : {};
}

/** The entries of `values` that are defined. */
export function known<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
