// @module-tag nightly; each time: unit/nodehours and unit/allowance
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClusterStatus } from '../../src/cluster/status.js';
import { labUnavailable } from '../lab/lab.js';
import { until } from '../lab/programs.js';
import { Bench } from './helpers/bench.js';

const reason = labUnavailable();

describe.skipIf(reason !== undefined)(`a limit of node-hours${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.open();
  });
  afterAll(() => bench?.close());

  const statusOf = async (name: string): Promise<ClusterStatus> =>
    JSON.parse((await bench.good(['status', name, '--json'])).stdout);
  const active = (status: ClusterStatus): number =>
    status.sites[0]?.glideins.filter(g => ['queued', 'running', 'completing'].includes(g.state)).length ?? 0;

  test('ends glide-ins in time, submits no more, and says why', async () => {
    const first = await bench.good(['up', 'cheap', '--site', 'lab-slurm', '--max-node-hours', '0.05']);
    const began = Date.now();
    expect(first.stderr).toContain('limit      0.05 node-hours for all glide-ins');
    expect(first.stderr).toContain('each glide-in gets 3:00, not 1:00:00');

    // the headnode's own submissions are limited by the headnode
    const bosco = ['--submit', 'bosco', '--min', '1', '--max', '1', '--walltime', '2m', '--max-node-hours', '0.04'];
    await bench.good(['up', 'grown', '--site', 'lab-slurm', ...bosco]);
    expect((await bench.good(['scale', 'cheap', '--nodes', '2'])).stderr).toContain(
      '0 of 1 jobs are submitted: 0.05 node-hours are the limit at lab-slurm, and 0.05 of them are used or promised',
    );

    const named = async (): Promise<string> =>
      (await bench.lab.exec('login', ['squeue', '-h', '-t', 'PD,R,CF,CG', '-o', '%j'])).stdout;
    // Slurm itself is asked while there is nothing to see, because that takes a tenth of the processor
    await until('the glide-in to end', 200_000, async () => !(await named()).includes('sf-cheap'));
    await expect.poll(async () => active(await statusOf('cheap')), { timeout: 60_000 }).toBe(0);
    expect((Date.now() - began) / 1000).toBeLessThan(190);
    const over = await statusOf('cheap');
    expect(over.reason).toContain('the limit of 0.05 node-hours at lab-slurm allows no more');
    await bench.refuses(['up', 'cheap'], {
      says: ['0.05 node-hours are the limit at lab-slurm'],
      hint: 'scailfin scale cheap --max-node-hours H',
    });

    // one glide-in there was allowed, and it has ended by now, too
    await until('the other glide-in to end', 60_000, async () => !(await named()).includes('sf-grown'));
    await expect.poll(async () => active(await statusOf('grown')), { timeout: 60_000 }).toBe(0);
    await expect.poll(async () => (await statusOf('grown')).reason, { timeout: 60_000 }).toContain('node-hours');
    expect(await bench.jobs()).toEqual([]);

    await bench.good(['scale', 'cheap', '--nodes', '1', '--max-node-hours', '0.1']);
    expect(active(await statusOf('cheap'))).toBe(1);
    expect((await bench.good(['down', 'cheap'])).stdout).toMatch(/It used (at least )?0\.\d\d node-hours\./);
    await bench.good(['down', 'grown']);
    await bench.expectNothing();
  }, 400_000);
});
