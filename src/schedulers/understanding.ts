import type { BatchJobState, Output } from './job.js';

/** The result of reading any command of a batch system, as recorded somewhere: to test recordings of other sites. */
export interface Understanding {
  readonly kind: 'submit' | 'list' | 'cancel' | 'hold' | 'queues' | 'nodes' | 'version' | 'other';
  /** Submitted, listed or cancelled jobs; one per array task if the output distinguishes tasks. */
  readonly jobs: readonly UnderstoodJob[];
  /** The system's own error if the command failed or could not be understood: then nothing is known. */
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
