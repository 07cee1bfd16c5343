// @module-tag nightly; each time: cluster/relay
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { jobsOn, scailfin } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';
import { Load } from './helpers/load.js';
import { cutAt, relayOf } from './helpers/outage.js';

const reason = labUnavailable();
const name = 'move';

describe.skipIf(reason !== undefined)(`a relay that moves${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up({ isolated: true });
    await lab.addLogin2();
    // Slurm puts both on one node
    const size = ['--nodes', '2', '--cores', '4', '--walltime', '30m'];
    await scailfin(lab, 'headnode', ['up', name, '--site', 'lab-slurm', ...size]);
  });
  afterAll(() => lab?.down());

  const once = (count: number) => ({ wrong: [], began: Array(count).fill(1), ended: Array(count).fill(1) });
  const isOpenOn = (machine: string) =>
    expect.poll(async () => (await relayOf(lab, name))?.at, { timeout: 60_000 }).toMatch(new RegExp(` on ${machine}$`));

  test('the login node is restarted: running jobs go on', async () => {
    const load = await Load.submit(lab, name, { count: 4, seconds: 20 });
    await load.runs(4);
    const before = (await relayOf(lab, name))?.since ?? 0;
    await lab.reboot('login');
    await expect.poll(async () => (await relayOf(lab, name))?.since, { timeout: 60_000 }).toBeGreaterThan(before);
    await isOpenOn('login');
    await load.ends(100_000);
    expect(await load.outcome()).toEqual(once(4));
    await load.remove();
  }, 200_000);

  test('the name leads to another login node: nodes find the relay there, and running jobs go on', async () => {
    const load = await Load.submit(lab, name, { count: 4, seconds: 20 });
    await load.runs(4);
    await lab.leadLoginTo('login2');
    await cutAt(lab, 'login');
    await isOpenOn('login2');
    await load.ends(100_000);
    expect(await load.outcome()).toEqual(once(4));
    await load.remove();
  }, 200_000);

  test('two glide-ins on one node: the one that leads there is ended, and the other takes over', async () => {
    const load = await Load.submit(lab, name, { count: 2, seconds: 25, cores: 4 });
    await load.runs(2);
    const whose =
      'for p in $(pgrep -x ssh); do tr "\\0" "\\n" <"/proc/$p/environ" | sed -n "s/^SCAILFIN_JOB=//p"; done';
    const leading = (await lab.exec('c1', ['sh', '-c', whose], { user: 'root' })).stdout.trim();
    expect(leading).toMatch(/^\d+_[12]$/);
    await lab.exec('login', ['scancel', leading]);
    await load.ends(120_000);
    const { wrong, began, ended } = await load.outcome();
    expect(wrong).toEqual([]);
    // the job of the glide-in that was ended began once more, and the other one did not
    expect(began.toSorted()).toEqual([1, 2]);
    expect(ended).toEqual([1, 1]);
    expect(await jobsOn(lab)).toHaveLength(1);
    await load.remove();
  }, 200_000);

  test('and nothing is left', async () => {
    expect((await scailfin(lab, 'headnode', ['down', name])).stdout).toContain(verified);
    await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
  });
});
