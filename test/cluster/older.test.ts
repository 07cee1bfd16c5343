import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { scailfin } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';
import { Load } from './helpers/load.js';

const reason = labUnavailable();
const name = 'older';
const pool = `/home/scail/.scailfin/${name}/pool`;
const up = ['up', name, '--site', 'lab-slurm', '--nodes', '2', '--walltime', '30m'];

describe.skipIf(reason !== undefined)(`a pool of an older scailfin${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up();
    await scailfin(lab, 'headnode', up);
  });
  afterAll(() => lab?.down());

  const sh = async (script: string) =>
    (await lab.exec('headnode', ['sh', '-c', script], { check: false, timeoutMs: 90_000 })).stdout.trim();

  test('has what is new after up again', async () => {
    // the pool as it was before it had this program
    await sh(`cd ${pool}; sed -i 's/, SHADOWS$//; /SHADOWS/d' condor_config; kill -HUP $(cat run/master.pid)
      kill $(cat run/shadows.pid); rm -f shadows.sh run/shadows.pid run/config.sum`);
    expect((await scailfin(lab, 'headnode', up)).stderr).toContain('all there already');
    await expect.poll(() => sh(`kill -0 $(cat ${pool}/run/shadows.pid) && echo runs`)).toBe('runs');
  });

  test('loses no output when connections of running jobs break', async () => {
    const load = await Load.submit(lab, name, { count: 8, seconds: 20 });
    await load.runs(8);
    // as a firewall does that forgot them
    await lab.exec('headnode', ['ss', '-K', 'sport', '=', '9618'], { user: 'root' });
    await load.ends(90_000);
    const { wrong, began, ended } = await load.outcome();
    expect({ wrong, began, ended }).toEqual({ wrong: [], began: Array(8).fill(1), ended: Array(8).fill(1) });
    expect(await sh(`cat ${pool}/log/ShadowsLog`)).toContain('the schedd is started again');
    await load.remove();
  });

  test('and nothing is left', async () => {
    expect((await scailfin(lab, 'headnode', ['down', name])).stdout).toContain(verified);
    await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
  });
});
