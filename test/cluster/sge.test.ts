import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { scailfin, statusOf, submitJobs } from './helpers/cluster.js';

const reason = labUnavailable();

describe.skipIf(reason !== undefined)(`a cluster on Grid Engine${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up({ site: 'sge' });
  });
  afterAll(async () => {
    await lab?.down();
  });

  const joined = async (): Promise<number> =>
    (await statusOf(lab, 'headnode', 'lab-sge')).sites.flatMap(s => s.glideins).filter(g => g.joined).length;
  const jobs = async (): Promise<string[]> =>
    (await lab.exec('login', ['qstat', '-u', 'alice', '-s', 'prs'])).stdout.split('\n').slice(2).filter(Boolean);

  it('goes up, runs jobs as alice on both nodes, scales, and goes down clean', async () => {
    const up = await scailfin(lab, 'headnode', ['up', '--site', 'lab-sge', '--nodes', '2', '--walltime', '30m']);
    expect(up.stdout).toContain('lab-sge: running. 2 of 2 glide-ins have joined.');

    const status = await statusOf(lab, 'headnode', 'lab-sge');
    expect(status.slots).toEqual({ total: 16, busy: 0, idle: 16 });
    const glideins = status.sites[0]?.glideins ?? [];
    expect(glideins.map(g => g.node).sort()).toEqual(['c1', 'c2']);
    expect(glideins.map(g => g.id).sort()).toEqual(['1_1', '1_2']);
    for (const glidein of glideins) {
      expect(glidein).toMatchObject({ state: 'running', word: 'r', joined: true, cores: 8 });
      expect(glidein.secondsLeft).toBeGreaterThan(1600);
      expect(glidein.secondsLeft).toBeLessThanOrEqual(1800);
    }

    const ran = await submitJobs(lab, 'headnode', 'lab-sge', 16, 'sleep 2');
    expect(ran.map(j => j.user)).toEqual(Array(16).fill('alice'));
    expect(new Set(ran.map(j => j.node))).toEqual(new Set(['c1', 'c2']));

    await scailfin(lab, 'headnode', ['scale', 'lab-sge', '--nodes', '1']);
    await expect.poll(async () => (await jobs()).length, { timeout: 30_000 }).toBe(1);
    await scailfin(lab, 'headnode', ['scale', 'lab-sge', '--nodes', '2']);
    await expect.poll(joined, { timeout: 30_000 }).toBe(2);

    const down = await scailfin(lab, 'headnode', ['down', 'lab-sge']);
    expect(down.stdout).toContain('verified: no batch job, no process, no file of it remains');
    expect(await jobs()).toEqual([]);
    expect(await lab.leftovers()).toEqual([]);
  });

  it('counts no job as gone while the qmaster is away', async () => {
    await scailfin(lab, 'headnode', ['up', '--site', 'lab-sge', '--nodes', '1', '--walltime', '30m']);
    await lab.stopScheduler();
    const away = await statusOf(lab, 'headnode', 'lab-sge');
    expect(away.sites[0]?.glideins.map(g => g.state)).not.toContain('finished');
    expect((await scailfin(lab, 'headnode', ['down', 'lab-sge'], { check: false })).exitCode).not.toBe(0);
    await lab.startScheduler();
    expect(await lab.leftovers()).not.toEqual([]);
    const down = await scailfin(lab, 'headnode', ['down', 'lab-sge']);
    expect(down.stdout).toContain('verified: no batch job, no process, no file of it remains');
    expect(await lab.leftovers()).toEqual([]);
  });

  it('is told of a job that stays', async () => {
    await lab.exec('login', ['qsub', '-terse', '-b', 'y', '-o', '/dev/null', '-j', 'y', 'sleep', '60']);
    expect((await lab.leftovers()).filter(line => /^sge: job \d+ .* alice /.test(line))).toHaveLength(1);
    await lab.exec('login', ['qdel', '-u', 'alice']);
    await expect.poll(() => lab.leftovers(), { timeout: 20_000 }).toEqual([]);
  });
});
