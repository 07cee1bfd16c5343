import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { packageRoot } from '../../src/paths.js';
import { checkLimits, flagDuration, flagMemory, type LimitOptions, type LimitRequest } from '../../src/sites/limits.js';
import { parseProfile } from '../../src/sites/profile.js';
import type { SiteProfile } from '../../src/sites/schema.js';
import { parseDuration, parseMemory } from '../../src/units.js';

const site = parseProfile(
  `name: x
title: X
login: {hosts: [x.org]}
scheduler: {type: slurm}
node: {cores: 16, memory: 64G}
queues:
  short: {walltime: 10m, nodes: 4, default: true}
  debug: {walltime: 2h, nodes: 8, jobs: 2}
  long: {walltime: 2d, cores: 8, memory: 4G}
  gpu: {walltime: 10m, gpus: 4}
`,
  'x.yaml',
);
const shipped = (name: string) => parseProfile(readFileSync(join(packageRoot, 'sites', `${name}.yaml`), 'utf8'), name);
const one: LimitRequest = { nodes: 1, walltimeSeconds: 600 };

function problems(profile: SiteProfile, request: LimitRequest, options?: LimitOptions): string[] {
  try {
    checkLimits(profile, request, options);
    return [];
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return error.message.split('\n');
  }
}

describe('checkLimits', () => {
  it('gives the queue a request goes to', () => {
    expect(checkLimits(site, one)).toBe('short');
    expect(checkLimits(site, { ...one, queue: 'long' })).toBe('long');
    expect(checkLimits(shipped('local'), { ...one, nodes: 100, walltimeSeconds: 1e9 })).toBeUndefined();
    expect(checkLimits(shipped('local'), { ...one, queue: 'any' })).toBe('any');
  });

  it('HTCondor has the queues that its profile describes, and no others', () => {
    const condor = (queues: string) =>
      parseProfile(`name: x\ntitle: X\nlogin: {hosts: [x.org]}\nscheduler: {type: htcondor}\n${queues}`, 'x.yaml');
    expect(problems(condor(''), { ...one, queue: 'any' })).toEqual(['x has no queue any: leave --queue out']);
    const flavoured = condor(`queues: {longlunch: {walltime: 2h, directives: ['+JobFlavour = "longlunch"']}}\n`);
    expect(checkLimits(flavoured, { ...one, queue: 'longlunch' })).toBe('longlunch');
    expect(problems(flavoured, { ...one, walltimeSeconds: 7201 })).toHaveLength(1);
  });

  it('names the flag to change, and a queue that would do', () => {
    expect(problems(site, { ...one, walltimeSeconds: 7200 })).toEqual([
      'queue short allows 10m; --walltime 2h asks for more: give --walltime 10m or --queue debug',
    ]);
    expect(problems(site, { ...one, nodes: 9 })).toEqual([]);
    expect(problems(site, { ...one, nodes: 9, nodesPerJob: 9 })).toEqual([
      'queue short allows 4 nodes in a job; --nodes-per-job 9 asks for more: give --nodes-per-job 4 or --queue long',
    ]);
    expect(problems(site, { ...one, queue: 'debug', nodes: 3 })).toEqual([
      'queue debug allows 2 nodes: its limit is on jobs of one user, each with one node; --nodes 3 asks for more: give --nodes 2 or --queue short',
    ]);
    expect(problems(site, { ...one, gpus: 1 })).toEqual([
      'queue short has no GPUs; --gpus 1 asks for more: leave --gpus out or --queue gpu',
    ]);
  });

  it('shows all violations at once', () => {
    const request = { queue: 'long', nodes: 1, walltimeSeconds: 3 * 86400, cores: 9, memoryMib: 5000 };
    expect(problems(site, request)).toEqual([
      'queue long allows 2d; --walltime 3d asks for more: give --walltime 2d',
      'queue long has 8 cores; --cores 9 asks for more: give --cores 8',
      'queue long has 4G of memory; --memory 5000M asks for more: give --memory 4G',
    ]);
  });

  it('knows the queues by name', () => {
    expect(problems(site, { ...one, queue: 'shrot' })).toEqual([
      'x has no queue shrot; did you mean short?: give --queue with one of short, debug, long, gpu',
    ]);
    expect(problems(site, { ...one, queue: 'toString' })).toHaveLength(1);
  });

  it('asks for the account a site charges', () => {
    expect(problems(shipped('nersc'), one)).toEqual([
      'nersc charges every job to an account: give --account, or set it permanently: scailfin config set sites.nersc.account ACCOUNT',
    ]);
    expect(checkLimits(shipped('nersc'), { ...one, account: 'm1234' })).toBe('regular');
  });

  it('refuses a retired site, unless nothing will run there', () => {
    const options = { activeSites: ['bridges', 'local'] };
    expect(problems(shipped('bluewaters'), one, options)).toEqual([
      'bluewaters (Blue Waters (NCSA)) is retired since 2021-12-31, so no job can run there; active sites: bridges, local',
    ]);
    expect(checkLimits(shipped('bluewaters'), one, { allowRetired: true })).toBe('normal');
  });

  it('writes amounts as they are typed', () => {
    for (const seconds of [1, 59, 60, 90, 600, 3600, 5400, 86400, 129600, 100000]) {
      expect(parseDuration(flagDuration(seconds))).toBe(seconds);
    }
    for (const mib of [1, 512, 1000, 1024, 5000, 4096]) expect(parseMemory(flagMemory(mib))).toBe(mib);
  });
});
