import type { OwnFacts } from '../facts.js';
import type { Framework } from '../framework.js';
import { changeable, describeWorkers, planWorkers, workerOptions } from '../workers/options.js';
import { type DaskSpec, secretFiles } from './spec.js';

/** Dask: a scheduler on the headnode, which clients use from anywhere, and its workers. */
export const dask: Framework<DaskSpec, OwnFacts> = {
  name: 'dask',
  title: 'Dask',
  about: 'dask (a scheduler and workers for parallel Python)',
  options: workerOptions,
  secrets: secretFiles,
  facts: { port: 'number' },
  plan: request => ({ workers: planWorkers(request) }),
  describe: ({ workers }) => `${describeWorkers(workers)}; the scheduler is on the headnode`,
  ...changeable,
  service: async () => (await import('./service.js')).daskService,
};
