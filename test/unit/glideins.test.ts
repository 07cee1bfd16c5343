import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { matchGlideins, type SiteGlideins, type SiteJob, unaskedGlideins } from '../../src/cluster/glideins.js';
import { type Batch, type ClusterRecord, type Entry, fold, type SiteRecord } from '../../src/cluster/record.js';
import { surplusOf } from '../../src/cluster/scale.js';
import { planSite } from '../../src/cluster/spec.js';
import { strangersIn } from '../../src/cluster/strangers.js';
import type { PoolGlidein, PoolStatus } from '../../src/htcondor/query.js';
import type { BatchJobStatus } from '../../src/schedulers/job.js';
import { jobsFor, nodesIn, nodesOfEach, wholeJobs } from '../../src/schedulers/nodes.js';
import { readProfile } from './profiles.js';

const batch = (nodes: number | undefined, ...jobIds: string[]): Batch => ({
  ...{ label: 'b1', count: 1, jobIds, outcome: 'submitted', token: 'b1' },
  ...(nodes === undefined ? {} : { nodes }),
});
const siteOf = (...batches: Batch[]): SiteRecord => ({
  spec: planSite({}, readProfile('local'), { sites: {} }),
  batches,
});
const running = (id: string, node?: string): BatchJobStatus => ({
  ...{ id, jobId: id.split('_')[0] as string, state: 'running', word: 'R' },
  ...(node === undefined ? {} : { node }),
});
const ad = (job: string, node: string, more: Partial<PoolGlidein> = {}): PoolGlidein => ({
  ...{ job, name: `slot1@${job}.t1@${node}`, bearer: 't1', site: 'local', node, cores: 4, busy: 1, jobs: 1 },
  ...{ memory: 1000, ends: undefined, silent: 3 },
  ...more,
});
const poolOf = (...glideins: PoolGlidein[]): PoolStatus => ({
  ...{ pool: 'alive', glideins, jobs: undefined },
  tokens: [{ id: 't1', label: 'b1', site: 'local', revoked: false } as PoolStatus['tokens'][number]],
});
const brief = ({ batchJobs, glideins }: SiteGlideins) => ({
  jobs: batchJobs.map(job => `${job.id}: ${job.joined} of ${job.nodes}`),
  glideins: glideins.map(g => `${g.id} of ${g.job} on ${g.node}${g.joined ? '' : ', absent'}`),
});

describe('batch jobs and their glide-ins', () => {
  it('of one node each are as many', () => {
    const pool = poolOf(ad('17_1', 'c1.site'));
    expect(brief(matchGlideins(siteOf(batch(1, '17')), [running('17_1', 'c1'), running('17_2', 'c2')], pool))).toEqual({
      jobs: ['17_1: 1 of 1', '17_2: 0 of 1'],
      glideins: ['17_1 of 17_1 on c1', '17_2 of 17_2 on c2, absent'],
    });
  });

  it('a job of three nodes brings three', () => {
    const pool = poolOf(ad('17', 'c2'), ad('17', 'c1'));
    expect(brief(matchGlideins(siteOf(batch(3, '17')), [running('17', 'c1')], pool))).toEqual({
      jobs: ['17: 2 of 3'],
      glideins: ['17/0 of 17 on c1', '17/1 of 17 on c2', '17/2 of 17 on undefined, absent'],
    });
  });

  it('a job whose nodes the scheduler names has each machine on its own node, and misses the others by name', () => {
    const pool = poolOf(ad('17', 'c3.site'), ad('17', 'c1.site'));
    const job = { ...running('17', 'c1'), allNodes: ['c1', 'c2', 'c3'] };
    expect(brief(matchGlideins(siteOf(batch(3, '17')), [job], pool))).toEqual({
      jobs: ['17: 2 of 3'],
      glideins: ['17/0 of 17 on c1', '17/1 of 17 on c2, absent', '17/2 of 17 on c3'],
    });
  });

  it('a glide-in that a launcher took from the node of its script is where it says', () => {
    const pool = poolOf(ad('17', 'nid00012'));
    expect(brief(matchGlideins(siteOf(batch(1, '17')), [running('17', 'mom1')], pool)).glideins).toEqual([
      '17 of 17 on nid00012',
    ]);
  });

  it('where the pool can not be asked, it is unknown who joined', () => {
    const { batchJobs, glideins } = matchGlideins(siteOf(batch(2, '17')), [running('17')], undefined);
    expect(batchJobs).toMatchObject([{ nodes: 2, joined: undefined }]);
    expect(glideins.map(g => g.joined)).toEqual([undefined, undefined]);
  });

  it('where the scheduler can not be asked, the pool tells of them, and the others are unknown', () => {
    const pool = poolOf(ad('17', 'c1'), ad('17', 'c2'));
    const there = unaskedGlideins(siteOf(batch(2, '17'), { ...batch(1, '18'), label: 'b2' }), ['17', '18'], pool);
    expect(brief(there)).toEqual({
      jobs: ['17: 2 of 2', '18: 0 of 1'],
      glideins: ['17/0 of 17 on c1', '17/1 of 17 on c2', '18 of 18 on undefined, absent'],
    });
    expect(there.batchJobs.map(job => job.state)).toEqual(['unknown', 'unknown']);
  });
});

describe('what is too much', () => {
  const job = (id: string, nodes: number, joined: number, state: SiteJob['state'] = 'running'): SiteJob => ({
    ...{ id, jobId: id, state, word: '', nodes, joined },
  });
  const ids = (...args: Parameters<typeof surplusOf>): string[] => surplusOf(...args).map(one => one.id);

  it('goes by whole jobs, those that wait first, and never below the target', () => {
    const jobs = [job('a', 2, 2), job('b', 2, 0), job('c', 2, 0, 'queued')];
    expect(ids(jobs, [], 4)).toEqual(['c']);
    expect(ids(jobs, [], 3)).toEqual(['c']);
    expect(ids(jobs, [], 2)).toEqual(['c', 'b']);
    expect(ids(jobs, [], 0)).toEqual(['c', 'b', 'a']);
    expect(ids(jobs, [], 6)).toEqual([]);
  });

  it('of those that joined, the least busy goes first, whatever each of its nodes does', () => {
    const site = siteOf(batch(2, 'a'), { ...batch(2, 'b'), label: 'b2' });
    const pool = poolOf(
      ...[ad('a', 'c1', { busy: 2 }), ad('a', 'c2', { busy: 2 })],
      ...[ad('b', 'c3', { busy: 3 }), ad('b', 'c4', { busy: 0 })],
    );
    const { batchJobs, glideins } = matchGlideins(site, [running('a'), running('b')], pool);
    expect(ids(batchJobs, glideins, 2)).toEqual(['b']);
  });
});

describe('strangers', () => {
  const found = (nodes: number, ...ads: PoolGlidein[]) => {
    const site = siteOf(batch(nodes, '17'));
    const pool = poolOf(...ads);
    return strangersIn(pool, [{ site: 'local', ...matchGlideins(site, [running('17', 'c1')], pool) }], [site]).map(
      s => `${s.node}: ${s.why}`,
    );
  };

  it('are none as long as a job has as many nodes as there are machines of it', () => {
    expect(found(1, ad('17', 'c1'))).toEqual([]);
    expect(found(2, ad('17', 'c1'), ad('17', 'c2'))).toEqual([]);
  });

  it('are found where more machines than that say they are the job', () => {
    expect(found(1, ad('17', 'c1'), ad('17', 'c9'))).toEqual(['c9: it claims to be batch job 17, which runs on c1']);
    expect(found(2, ad('17', 'c1'), ad('17', 'c2'), ad('17', 'c9'))).toEqual([
      'c9: it claims to be batch job 17, which runs on c1, c2',
    ]);
  });
});

describe('a batch job that runs again on another node', () => {
  it('leaves an ad that is no stranger', () => {
    const site = siteOf(batch(1, '17', '18'));
    const strangers = (silent: number): string[] => {
      const pool = poolOf(ad('17', 'c2'), ad('17', 'c1', { silent }), ad('18', 'c3'));
      const jobs = [running('17', 'c2'), running('18', 'c3')];
      const sites = [{ site: 'local', ...matchGlideins(site, jobs, pool) }];
      return strangersIn(pool, sites, [site]).map(s => s.node);
    };
    expect(strangers(30)).toEqual([]);
    expect(strangers(3)).toEqual(['c1']);
  });
});

describe('where the scheduler can not be asked', () => {
  it('one of two machines that say they are the same job is a stranger', () => {
    const site = siteOf(batch(1, '17'));
    const pool = poolOf(ad('17', 'c1'), ad('17', 'c9'));
    const there = { site: 'local', error: 'no answer', ...unaskedGlideins(site, ['17'], pool) };
    expect(there.glideins.map(g => [g.id, g.node])).toEqual([
      ['17', 'c1'],
      ['17', 'c9'],
    ]);
    expect(strangersIn(pool, [there], [site]).map(s => `${s.node}: ${s.why}`)).toEqual([
      'c9: several machines claim to be batch job 17',
    ]);
  });
});

describe('how many nodes a batch job has', () => {
  it('makes whole jobs of nodes, and is said with each submission', () => {
    expect([jobsFor(0, 1), jobsFor(7, 1), nodesIn(7, 1), wholeJobs(7, 1)]).toEqual([0, 7, 7, 7]);
    expect([jobsFor(0, 3), jobsFor(7, 3), nodesIn(7, 3), wholeJobs(7, 3), wholeJobs(6, 3)]).toEqual([0, 3, 21, 9, 6]);
    expect([nodesOfEach({ nodes: 4 }), nodesOfEach({}), nodesOfEach(undefined)]).toEqual([4, 1, 1]);
  });

  it('is one in a journal of an older scailfin, which does not say', () => {
    const file = new URL('../frameworks/journals/bare.jsonl', import.meta.url);
    const entries = readFileSync(file, 'utf8').split('\n').filter(Boolean);
    const record = fold(entries.map(line => JSON.parse(line) as Entry)) as ClusterRecord;
    const site = record.sites[0] as SiteRecord;
    expect(site.batches.length).toBeGreaterThan(0);
    expect(site.batches.map(b => b.nodes)).toEqual(site.batches.map(() => undefined));
    const id = site.batches[0]?.jobIds[0] as string;
    expect(brief(matchGlideins(site, [running(`${id}_1`, 'c1')], poolOf()))).toEqual({
      jobs: [`${id}_1: 0 of 1`],
      glideins: [`${id}_1 of ${id}_1 on c1, absent`],
    });
  });
});
