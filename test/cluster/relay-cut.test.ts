// @module-tag nightly; each time: cluster/relay
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { scailfin, statusOf } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';
import { Load } from './helpers/load.js';
import { cutAt, poolLog, relayOf, relayPid } from './helpers/outage.js';

const reason = labUnavailable();
const name = 'cut';
const up = ['up', name, '--site', 'lab-slurm', '--nodes', '2', '--walltime', '30m'];

describe.skipIf(reason !== undefined)(`a relay whose connection breaks${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up({ isolated: true });
    await scailfin(lab, 'headnode', up);
  });
  afterAll(() => lab?.down());

  const isOpen = () => expect.poll(async () => (await relayOf(lab, name))?.state, { timeout: 60_000 }).toBe('open');

  test('jobs go on, and each output is right', async () => {
    const load = await Load.submit(lab, name, { count: 8, seconds: 25 });
    await load.runs(8, 40_000);
    for (const side of ['headnode', 'login'] as const) {
      await cutAt(lab, side);
      await sleep(2_000);
      await isOpen();
    }
    await load.ends(100_000);
    const { wrong, began, ended } = await load.outcome();
    // no job began before the cuts had an end, so none runs twice
    expect({ wrong, began, ended }).toEqual({ wrong: [], began: Array(8).fill(1), ended: Array(8).fill(1) });
    const log = await load.log();
    // HTCondor lost the jobs, and found each of them
    expect(log).toMatch(/^022 /m);
    expect(log).toMatch(/^023 /m);
    expect(await poolLog(lab, name, 'ShadowsLog')).toContain('the schedd is started again');
    await load.remove();
  });

  test('up again leaves the relay as it is', async () => {
    const [before, open] = [await relayPid(lab, name), await relayOf(lab, name)];
    expect((await scailfin(lab, 'headnode', up)).stderr).toContain('all there already');
    expect(await relayPid(lab, name)).toBe(before);
    expect((await relayOf(lab, name))?.since).toBe(open?.since);
  });

  test('the process on the headnode is killed: the pool starts it again, and the cut is told', async () => {
    const before = await relayPid(lab, name);
    const killed = Math.floor(Date.now() / 1000);
    await lab.exec('headnode', ['kill', '-STOP', before]);
    await lab.exec('headnode', ['kill', '-KILL', before]);
    await isOpen();
    expect(await relayPid(lab, name)).not.toBe(before);
    expect((await relayOf(lab, name))?.since).toBeGreaterThanOrEqual(killed);
    await expect.poll(async () => (await relayOf(lab, name))?.nodes, { timeout: 60_000 }).toBeGreaterThan(0);
    expect((await statusOf(lab, 'headnode', name)).reason).toMatch(/^2 of 2 glide-ins have joined\.$/);
  });

  test('the pool dies, and its relay survives it: there is one relay again', async () => {
    await lab.exec('headnode', ['pkill', '-KILL', 'condor_master'], { user: 'root' });
    await lab.exec('headnode', ['pkill', '-KILL', 'condor'], { user: 'root', check: false });
    await scailfin(lab, 'headnode', up);
    const count = ['pgrep', '-c', '-f', '[r]elay/program/dist/relay[.]mjs'];
    await expect.poll(async () => (await lab.exec('headnode', count)).stdout.trim(), { timeout: 60_000 }).toBe('1');
    await isOpen();
  });

  test('and nothing is left', async () => {
    expect((await scailfin(lab, 'headnode', ['down', name])).stdout).toContain(verified);
    await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
  });
});
