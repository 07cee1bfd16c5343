import type { OwnFacts } from '../facts.js';
import type { Framework } from '../framework.js';
import { changeable, describeWorkers, planWorkers, workerOptions } from '../workers/options.js';
import type { WorkQueueSpec } from './spec.js';

/** Work Queue, of the Cooperative Computing Tools: a program of the user's hands out tasks to workers, which call it. */
export const workqueue: Framework<WorkQueueSpec, OwnFacts> = {
  name: 'workqueue',
  title: 'Work Queue',
  about: 'workqueue (workers for a manager program)',
  options: workerOptions,
  secrets: ['workqueue.password'],
  facts: { port: 'number' },
  plan: request => ({ workers: planWorkers(request) }),
  describe: ({ workers }) => `${describeWorkers(workers)}; your manager program runs on the headnode`,
  ...changeable,
  service: async () => (await import('./service.js')).workqueueService,
};
