import type { Framework } from '../framework.js';

/** The bare pool, which every cluster has: jobs are submitted with HTCondor's own commands. */
export const htcondor: Framework = {
  name: 'htcondor',
  title: 'HTCondor',
  about: 'htcondor (only the pool)',
  options: [],
  secrets: [],
  facts: {},
  plan: () => ({}),
  describe: () => 'only the pool',
  differences: () => [],
};
