import type { WorkersSpec } from '../workers/options.js';

export interface DaskSpec {
  readonly workers: WorkersSpec;
}

/** In the cluster's directory on this machine: what proves its clients, workers and scheduler to each other. */
export const secretFiles = ['dask.cert.pem', 'dask.key.pem'] as const;
