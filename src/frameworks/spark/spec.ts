import type { WorkersSpec } from '../workers/options.js';

export interface SparkSpec {
  readonly workers: WorkersSpec;
}

/** In the cluster's directory on this machine: what proves the server to its clients, and clients to it. */
export const secretFiles = ['spark.cert.pem', 'spark.key.pem', 'spark.token'] as const;

/** MiB: Spark's own minimum for an executor, and what its other programs need. */
export const LEAST_MEMORY = 1024;
