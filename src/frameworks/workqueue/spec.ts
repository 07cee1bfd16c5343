import type { WorkersSpec } from '../workers/options.js';

export interface WorkQueueSpec {
  readonly workers: WorkersSpec;
}
