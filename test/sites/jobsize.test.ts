import { describe, expect, it } from 'vitest';
import { planSite, type SiteRequest } from '../../src/cluster/spec.js';
import { batchJob } from '../../src/cluster/steps/glideins.js';
import { usualNodesPerJob } from '../../src/sites/jobsize.js';
import { parseProfile } from '../../src/sites/profile.js';
import type { Config } from '../../src/sites/settings.js';
import { readProfile } from '../unit/profiles.js';

describe('nodes of each job, if nobody says it', () => {
  it('are one, as long as the queue takes so many jobs', () => {
    expect(usualNodesPerJob(60, undefined)).toBe(1);
    expect(usualNodesPerJob(60, { nodes: 50 })).toBe(1);
    expect(usualNodesPerJob(50, { nodes: 50, jobs: 50 })).toBe(1);
  });

  it('make the fewest jobs, all of the same size, if they do not fit otherwise', () => {
    expect(usualNodesPerJob(60, { nodes: 50, jobs: 50 })).toBe(30);
    expect(usualNodesPerJob(61, { nodes: 50, jobs: 50 })).toBe(31);
    expect(usualNodesPerJob(9, { jobs: 5 })).toBe(9);
    expect(usualNodesPerJob(300, { minNodes: 128, nodes: 256 })).toBe(150);
    expect(usualNodesPerJob(130, { minNodes: 128 })).toBe(130);
  });

  it('are what the profile says, but never more than are asked for', () => {
    expect(usualNodesPerJob(60, { nodesPerJob: 16 })).toBe(16);
    expect(usualNodesPerJob(4, { nodesPerJob: 16 })).toBe(4);
    expect(usualNodesPerJob(2, { minNodes: 128 })).toBe(2);
  });
});

const big = parseProfile(
  `name: big
title: A leadership machine
login: {hosts: [x.org]}
scheduler: {type: slurm}
node: {cores: 64}
queues:
  prod: {minNodes: 128, nodes: 512, jobs: 4, default: true}
  debug: {nodes: 2, jobs: 1}
`,
  'big.yaml',
);
const none: Config = { sites: {} };
const plan = (request: SiteRequest, profile = big, config = none) => planSite(request, profile, config);

describe('a plan', () => {
  it('on Bridges-2 of 60 nodes has two jobs of 30', () => {
    const spec = plan({ nodes: 60 }, readProfile('bridges'));
    expect([spec.nodes, spec.nodesPerJob]).toEqual([60, 30]);
    expect(batchJob(spec, 'mine', '/d', 2, 'b1')).toMatchObject({
      nodes: 30,
      command: ['/bin/bash', '/d/node.sh', '/d', 'b1'],
    });
  });

  it('is rounded up to whole jobs', () => {
    const spec = plan({ nodes: 200, nodesPerJob: 128 });
    expect([spec.nodes, spec.nodesPerJob]).toEqual([256, 128]);
  });

  it('has no key for jobs of one node, as older records', () => {
    expect(plan({ queue: 'debug' })).not.toHaveProperty('nodesPerJob');
  });

  it('is refused, if it would have to ask for more nodes than the user did', () => {
    expect(() => plan({ nodes: 2 })).toThrow(
      'queue prod takes only jobs of at least 128 nodes; --nodes 2 asks for less: give --nodes 128',
    );
    expect(() => plan({ nodes: 256, nodesPerJob: 64 })).toThrow(
      '--nodes-per-job 64 asks for less: give --nodes-per-job 128',
    );
  });

  it('is refused, if it is too large for jobs or for the number of jobs', () => {
    expect(() => plan({ nodesPerJob: 600, nodes: 600 })).toThrow(
      'queue prod allows 512 nodes in a job; --nodes-per-job 600',
    );
    expect(() => plan({ nodes: 3000 })).toThrow(
      'queue prod allows 2000 nodes: its limit is on jobs of one user, each with 500 nodes; --nodes 3000 asks for more',
    );
  });

  it('takes the size of jobs from config.yaml, too', () => {
    const config: Config = { sites: { big: { nodesPerJob: 256 } } };
    expect(plan({ nodes: 512 }, big, config)).toMatchObject({ nodes: 512, nodesPerJob: 256 });
  });

  it('with BOSCO has jobs of one node', () => {
    expect(() => plan({ submit: 'bosco', nodesPerJob: 128, max: 128 })).toThrow(
      'the headnode submits jobs of one node',
    );
    expect(() => plan({ submit: 'bosco', max: 128 })).toThrow('takes only jobs of at least 128 nodes');
  });

  it('where jobs can have one node only, says so', () => {
    expect(() => plan({ nodesPerJob: 2 }, readProfile('local'))).toThrow(
      'with the scheduler fork, each job has one node',
    );
    expect(() => plan({ nodesPerJob: 2 }, readProfile('notredame'))).toThrow('need the key scheduler.nodesEnvironment');
  });
});

describe('the user’s own options for the batch system', () => {
  const job = (request: SiteRequest, profile = readProfile('bridges'), config = none) =>
    batchJob(planSite(request, profile, config), 'mine', '/d', 1, 'b1');

  it('come after those of the profile, and are kept in the plan', () => {
    const directive = ['--reservation=tutorial', '--licenses=scratch:1'];
    expect(plan({ queue: 'debug', directive }).directives).toEqual(directive);
    expect(job({ directive }).directives).toEqual(directive);
    const config: Config = { sites: { bridges: { directives: ['--qos=high'] } } };
    expect(job({}, undefined, config).directives).toEqual(['--qos=high']);
    expect(job({ directive }, undefined, config).directives).toEqual(directive);
  });

  it('are checked as those of a profile are, all at once', () => {
    expect(() => job({ directive: ['--clusters=c5'] })).toThrow('"--clusters=c5" names a cluster; name it with');
    expect(() => job({ directive: ['--time=3', 'foo', '--comment=$(id)'] })).toThrow(
      [
        '--directive "--time=3" sets the walltime; give it with --walltime, its limit under "queues"',
        '--directive "foo" is not an option: it must begin with -',
        `--directive "--comment=$(id)" can't be used in a batch script: leave out \` $ ; \\ #`,
      ].join('\n'),
    );
  });

  it('ask for GPUs of each node: as many as the queue has, or as the user says', () => {
    expect(job({ queue: 'GPU' })).toMatchObject({ gpusPerNode: 8, gpuType: 'v100-32' });
    expect(job({ queue: 'GPU', gpus: { count: 4, type: 'h100-80' } })).toMatchObject({
      gpusPerNode: 4,
      gpuType: 'h100-80',
    });
    expect(job({ queue: 'GPU', directive: ['--gpus=h100-80:1'] })).toMatchObject({ gpusPerNode: 0 });
    expect(() => job({ gpus: { count: 1 } })).toThrow('queue RM has no GPUs; --gpus 1 asks for more');
    const config: Config = { sites: { bridges: { gpus: { count: 2 } } } };
    expect(job({ queue: 'GPU' }, undefined, config)).toMatchObject({ gpusPerNode: 2 });
  });

  it('replace what the profile’s directives say of GPUs, and nothing else', () => {
    const own = parseProfile(
      `name: own
title: Own
login: {hosts: [x.org]}
scheduler: {type: slurm, directives: ['--constraint=gpu']}
queues: {q: {gpus: 4, directives: ['--gpus-per-node=4']}}
`,
      'own.yaml',
    );
    expect(job({ gpus: { count: 2 } }, own)).toMatchObject({ gpusPerNode: 2, directives: ['--constraint=gpu'] });
    expect(job({}, own)).toMatchObject({ gpusPerNode: 0, directives: ['--constraint=gpu', '--gpus-per-node=4'] });
  });

  it('of a type are refused where it is not known how to ask for one', () => {
    expect(() => job({ gpus: { count: 1, type: 'a10' }, queue: 'gpu' }, readProfile('notredame'))).toThrow(
      'it is not known how jobs ask for a type of GPU there',
    );
  });
});
