import { afterAll, beforeAll, describe, it } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { type CycleSite, cycle } from './helpers/cycle.js';

const reason = labUnavailable();

const condor: CycleSite = {
  profile: 'lab-condor',
  ids: /^\d+_[01]$/,
  running: 'RUNNING',
  jobs: async lab =>
    (await lab.exec('login', ['condor_q', '-af', 'ClusterId', 'ProcId', 'JobStatus'])).stdout.split('\n').filter(Boolean),
};

describe.skipIf(reason !== undefined)(`a cluster on HTCondor${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up({ site: 'condor' });
  });
  afterAll(async () => {
    await lab?.down();
  });

  it('goes up, runs jobs as alice on both nodes, scales, and goes down clean', () => cycle(lab, condor));
});
