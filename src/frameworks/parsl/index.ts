import { UsageError } from '../../errors.js';
import type { Framework } from '../framework.js';
import { changeable, describeWorkers, planWorkers, workerOptions } from '../workers/options.js';
import type { ParslFacts, ParslSpec } from './spec.js';

/** Parsl: programs of the user's on the headnode, whose apps run in blocks of workers that they ask for. */
export const parsl: Framework<ParslSpec, ParslFacts> = {
  name: 'parsl',
  title: 'Parsl',
  about: 'parsl (blocks of workers that Parsl programs ask for)',
  // its blocks end by Parsl's own limit
  options: workerOptions.filter(({ name }) => name !== 'worker-idle'),
  secrets: [],
  facts: { port: 'number', home: 'string' },
  plan: request => {
    const workers = planWorkers(request);
    if (workers.count !== 0) return { workers };
    throw new UsageError('--workers 0 lets Parsl have no block of workers, so that no app would ever run', {
      hint: 'give the most blocks that a program may have, for example: --workers 4',
    });
  },
  describe: ({ workers }) => `at most ${describeWorkers(workers)}; your programs run on the headnode`,
  ...changeable,
  service: async () => (await import('./service.js')).parslService,
};
