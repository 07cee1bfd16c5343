import type { BatchJobState, Output } from './job.js';

/** What an adapter makes of any one command of its batch system, as recorded somewhere: for trying recordings of other sites. */
export interface Understanding {
  readonly kind: 'submit' | 'list' | 'cancel' | 'hold' | 'queues' | 'nodes' | 'version' | 'other';
  /** Submitted, listed or cancelled jobs; one per array task where the output tells tasks apart. */
  readonly jobs: readonly UnderstoodJob[];
  /** The system's own words where the command failed or could not be understood: nothing is known then. */
  readonly error?: string;
}

export interface UnderstoodJob {
  readonly id: string;
  readonly state?: BatchJobState;
  /** The scheduler's own word. */
  readonly word?: string;
  readonly exit?: number;
  readonly reason?: string;
}

/** Reads the output of a command line as it was typed (`squeue -h -j 17 -o '%i|%T'`). Never throws. */
export type Reader = (command: string, out: Output) => Understanding;
