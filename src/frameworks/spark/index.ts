import { UsageError } from '../../errors.js';
import type { OwnFacts } from '../facts.js';
import type { Framework } from '../framework.js';
import { changeable, describeWorkers, planWorkers, workerOptions } from '../workers/options.js';
import { LEAST_MEMORY, type SparkSpec, secretFiles } from './spec.js';

/** Apache Spark: its master and a Spark Connect server on the headnode, which clients use from anywhere, and its workers. */
export const spark: Framework<SparkSpec, OwnFacts> = {
  name: 'spark',
  title: 'Spark',
  about: 'spark (an Apache Spark cluster)',
  options: workerOptions,
  secrets: secretFiles,
  facts: { port: 'number' },
  plan(request) {
    const workers = planWorkers(request);
    if (workers.memory === undefined || workers.memory >= LEAST_MEMORY) return { workers };
    throw new UsageError(
      `--worker-memory ${workers.memory} is too little: a worker of Spark needs ${LEAST_MEMORY} MiB`,
      {
        hint: `give at least --worker-memory ${LEAST_MEMORY}`,
      },
    );
  },
  describe: ({ workers }) => `${describeWorkers(workers)}; the master and the Connect server are on the headnode`,
  ...changeable,
  service: async () => (await import('./service.js')).sparkService,
};
