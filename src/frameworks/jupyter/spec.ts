import type { WorkersSpec } from '../workers/options.js';

export interface JupyterSpec {
  /** Of the server: cores, memory and image. */
  readonly workers: WorkersSpec;
  /** The directory at the site with the notebooks; absent: as before, or the account's home directory. */
  readonly notebooks?: string;
}

/** In the cluster's directory on this machine: what JupyterLab's user is known by. */
export const tokenName = 'jupyter.token';
