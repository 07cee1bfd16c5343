import type { Framework } from '../framework.js';

/** The bare pool, which every cluster has: jobs are submitted to it with HTCondor's own commands. */
export const htcondor: Framework = {
  name: 'htcondor',
  title: 'HTCondor',
  about: 'htcondor is the pool alone',
  options: [],
  secrets: [],
  facts: {},
  plan: () => ({}),
  describe: () => 'the pool alone',
  differences: () => [],
};
