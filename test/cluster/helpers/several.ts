import { expect } from 'vitest';
import type { Lab } from '../../lab/lab.js';
import { scailfin, statusOf, submitJobs } from './cluster.js';
import { type CycleSite, joined, verified } from './cycle.js';

/** A cluster of one job with two nodes comes up, as the batch system's own program starts its glide-ins, and goes. */
export async function twoNodes(lab: Lab, site: CycleSite): Promise<void> {
  const name = 'pair';
  const size = ['--nodes', '2', '--nodes-per-job', '2', '--cores', '4', '--walltime', '30m'];
  await scailfin(lab, 'headnode', ['up', name, '--site', site.profile, ...size]);
  const there = (await statusOf(lab, 'headnode', name)).sites[0];
  expect(there?.batchJobs.map(job => [job.nodes, job.joined])).toEqual([[2, 2]]);
  expect(there?.glideins.map(g => [g.node, g.cores]).sort()).toEqual([
    ['c1', 4],
    ['c2', 4],
  ]);
  expect(await site.jobs(lab)).toHaveLength(1);
  expect((await scailfin(lab, 'headnode', ['down', name])).stdout).toContain(verified);
  await expect.poll(() => lab.leftovers(), { timeout: 15_000 }).toEqual([]);
}

/**
 * The life of a cluster whose jobs have two nodes each: two jobs bring four glide-ins, scaling goes by whole jobs, a job
 * goes on when one of its nodes dies, and says so.
 */
export async function severalNodes(lab: Lab, site: CycleSite): Promise<void> {
  const name = site.profile;
  const request = ['--site', name, '--nodes', '3', '--nodes-per-job', '2', '--cores', '4', '--walltime', '30m'];
  const up = await scailfin(lab, 'headnode', ['up', ...request]);
  expect(up.stderr).toContain('2 of 2 nodes each; 3 asked for, rounded up to whole jobs');
  expect(up.stdout).toContain(`${name}: running. 4 of 4 glide-ins have joined.`);
  expect((await site.jobs(lab)).length).toBe(2);

  const there = (await statusOf(lab, 'headnode', name)).sites[0];
  expect(there?.batchJobs.map(job => [job.nodes, job.joined])).toEqual([
    [2, 2],
    [2, 2],
  ]);
  for (const job of there?.batchJobs ?? []) {
    const nodes = (there?.glideins ?? []).filter(g => g.job === job.id).map(g => g.node);
    expect(nodes.sort()).toEqual(['c1', 'c2']);
  }
  for (const glidein of there?.glideins ?? []) {
    expect(glidein).toMatchObject({ state: 'running', joined: true, cores: 4 });
    expect(glidein.id).toMatch(/^\d+_[12]\/[01]$/);
  }
  const ran = await submitJobs(lab, 'headnode', name, 16, 'sleep 2');
  expect(ran.map(j => j.user)).toEqual(Array(16).fill('alice'));
  expect(new Set(ran.map(j => j.node))).toEqual(new Set(['c1', 'c2']));
  // each node has a log of its own
  const logs = await scailfin(lab, 'headnode', ['logs', name]);
  for (const job of there?.batchJobs ?? [])
    for (const node of ['c1', 'c2']) expect(logs.stdout).toContain(`==> ${job.id}@${node}/glidein.log <==`);

  const scaled = await scailfin(lab, 'headnode', ['scale', name, '--nodes', '1']);
  expect(scaled.stdout).toContain('2 glide-ins at');
  expect(scaled.stdout).toContain('in 1 job of 2 nodes (1 rounded up to whole jobs)');
  await expect.poll(async () => (await site.jobs(lab)).length, { timeout: 30_000 }).toBe(1);
  expect(await joined(lab, name)).toBe(2);

  await lab.partition('c2', true);
  const told = async (): Promise<string> => (await scailfin(lab, 'headnode', ['status', name])).stdout;
  await expect
    .poll(told, { timeout: 90_000, interval: 4000 })
    .toMatch(/job \d+_[12] runs with 1 of its 2 nodes in the pool/);
  expect(await joined(lab, name)).toBe(1);
  await lab.partition('c2', false);

  const down = await scailfin(lab, 'headnode', ['down', name]);
  // if the dead node could not remove its directory yet, it is named
  expect(down.stdout).toContain(`${name} is down. Verified: no batch job`);
  expect(await site.jobs(lab)).toEqual([]);
  await expect.poll(() => lab.leftovers(), { timeout: 30_000 }).toEqual([]);
}
