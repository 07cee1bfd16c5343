import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { scailfin, statusOf } from './helpers/cluster.js';
import { cycle, sge, verified } from './helpers/cycle.js';
import { severalNodes } from './helpers/several.js';

const reason = labUnavailable();

describe.skipIf(reason !== undefined)(`a cluster on Grid Engine${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up({ site: 'sge' });
  });
  afterAll(async () => {
    await lab?.down();
  });

  it('goes up, runs jobs as alice on both nodes, scales, and goes down clean', () => cycle(lab, sge));

  it('has jobs of several nodes, too', { tags: ['nightly'] }, () => severalNodes(lab, sge));

  it('counts no job as gone while the qmaster is away', { tags: ['nightly'] }, async () => {
    await scailfin(lab, 'headnode', ['up', '--site', 'lab-sge', '--nodes', '1', '--walltime', '30m']);
    await lab.stopScheduler();
    const away = await statusOf(lab, 'headnode', 'lab-sge');
    expect(away.sites[0]?.glideins.map(g => g.state)).not.toContain('finished');
    expect((await scailfin(lab, 'headnode', ['down', 'lab-sge'], { check: false })).exitCode).not.toBe(0);
    await lab.startScheduler();
    expect(await lab.leftovers()).not.toEqual([]);
    const down = await scailfin(lab, 'headnode', ['down', 'lab-sge']);
    expect(down.stdout).toContain(verified);
    expect(await lab.leftovers()).toEqual([]);
  });

  it('reports a job that could not be removed', { tags: ['nightly'] }, async () => {
    await lab.exec('login', ['qsub', '-terse', '-b', 'y', '-o', '/dev/null', '-j', 'y', 'sleep', '60']);
    expect((await lab.leftovers()).filter(line => /^sge: job \d+ .* alice /.test(line))).toHaveLength(1);
    await lab.exec('login', ['qdel', '-u', 'alice']);
    await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
  });
});
