import type { OwnFacts } from '../facts.js';
import type { WorkersSpec } from '../workers/options.js';

export interface ParslSpec {
  readonly workers: WorkersSpec;
}

export interface ParslFacts extends OwnFacts {
  /** No port: programs listen where and when they want. */
  readonly port: 0;
  /** Absolute; its directory on the headnode. */
  readonly home: string;
}
