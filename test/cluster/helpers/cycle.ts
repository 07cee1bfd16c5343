import { expect } from 'vitest';
import type { Lab } from '../../lab/lab.js';
import { scailfin, statusOf, submitJobs } from './cluster.js';

/** What the cycle must know of a lab's site, beside what its `Site` says. */
export interface CycleSite {
  /** The profile's name, which is the cluster's too. */
  readonly profile: string;
  /** How glide-ins are called: `1_1`. */
  readonly ids: RegExp;
  /** The scheduler's own word for a job that runs. */
  readonly running: string;
  /** The scheduler tells a running job's remaining time; default true. */
  readonly tellsTime?: boolean;
  /** Alice's jobs that wait or run, as the site's own commands list them on the login node, one each. */
  jobs(lab: Lab): Promise<string[]>;
}

/** The lab's sites. */
export const slurm: CycleSite = {
  profile: 'lab-slurm',
  ids: /^\d+_[12]$/,
  running: 'RUNNING',
  jobs: async lab =>
    (await lab.exec('login', ['squeue', '--noheader', '-r', '-o', '%i'])).stdout.split('\n').filter(Boolean),
};

export const sge: CycleSite = {
  profile: 'lab-sge',
  ids: /^\d+_[12]$/,
  running: 'r',
  jobs: async lab =>
    (await lab.exec('login', ['qstat', '-u', 'alice', '-s', 'prs'])).stdout.split('\n').slice(2).filter(Boolean),
};

/** `down` says so once it has looked for itself. */
export const verified = 'Verified: no batch job, process or file of it remains';

/**
 * A cluster's whole life on a site: up with two nodes, status, jobs as alice on both, one node, two again, down, nothing left.
 * @param headnode where the pool is: the headnode, where all is typed, or the site's login node
 */
export async function cycle(lab: Lab, site: CycleSite, headnode: 'local' | 'login' = 'local'): Promise<void> {
  const name = site.profile;
  const request = ['--site', name, '--nodes', '2', '--walltime', '30m', '--headnode', headnode];
  const up = await scailfin(lab, 'headnode', ['up', ...request]);
  expect(up.stdout).toContain(`${name}: running. 2 of 2 glide-ins have joined.`);

  const status = await statusOf(lab, 'headnode', name);
  expect(status.slots).toEqual({ total: 16, busy: 0, idle: 16 });
  const glideins = status.sites[0]?.glideins ?? [];
  expect(glideins.map(g => g.node).sort()).toEqual(['c1', 'c2']);
  for (const glidein of glideins) {
    expect(glidein).toMatchObject({ state: 'running', word: site.running, joined: true, cores: 8 });
    expect(glidein.id).toMatch(site.ids);
    if (site.tellsTime ?? true) {
      expect(glidein.secondsLeft).toBeGreaterThan(1600);
      expect(glidein.secondsLeft).toBeLessThanOrEqual(1800);
    }
  }

  const head = headnode === 'login' ? ({ host: 'login', user: 'alice' } as const) : undefined;
  const ran = await submitJobs(lab, 'headnode', name, 16, 'sleep 2', head);
  expect(ran.map(j => j.user)).toEqual(Array(16).fill('alice'));
  expect(new Set(ran.map(j => j.node))).toEqual(new Set(['c1', 'c2']));

  await scailfin(lab, 'headnode', ['scale', name, '--nodes', '1']);
  await expect.poll(async () => (await site.jobs(lab)).length, { timeout: 30_000 }).toBe(1);
  await scailfin(lab, 'headnode', ['scale', name, '--nodes', '2']);
  await expect.poll(() => joined(lab, name), { timeout: 30_000 }).toBe(2);

  const down = await scailfin(lab, 'headnode', ['down', name]);
  expect(down.stdout).toContain(verified);
  expect(await site.jobs(lab)).toEqual([]);
  // where the batch system kills outright, a glide-in's keeper takes a moment longer than it
  await expect.poll(() => lab.leftovers(), { timeout: 10_000 }).toEqual([]);
}

/** How many glide-ins of a cluster, as the headnode's scail knows it, are in the pool. */
export async function joined(lab: Lab, name: string): Promise<number> {
  const { sites } = await statusOf(lab, 'headnode', name);
  return sites.flatMap(s => s.glideins).filter(g => g.joined).length;
}
