import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ClusterStatus } from '../../src/cluster/status.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { jobsOn, scailfin, statusOf, submitJobs } from './helpers/cluster.js';

const reason = labUnavailable();

describe.skipIf(reason !== undefined)(`a cluster in the lab${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up({});
  });
  afterAll(async () => {
    await lab?.down();
  });

  // what a failed test leaves must not fail the next
  afterEach(async () => {
    for (const host of ['headnode', 'laptop'] as const) {
      const known = JSON.parse((await scailfin(lab, host, ['list', '--json'])).stdout) as { name: string }[];
      for (const { name } of known) await scailfin(lab, host, ['down', name], { check: false });
    }
  });

  it('goes up, runs jobs as alice on both nodes, scales, and goes down clean', async () => {
    const up = await scailfin(lab, 'headnode', ['up', '--site', 'lab-slurm', '--nodes', '2', '--walltime', '30m']);
    expect(up.stderr).toContain('2 nodes × 30:00 = 1 node-hour at most; 8 cores, 15.6 GiB each');
    expect(up.stdout).toContain('lab-slurm: running. 2 of 2 glide-ins have joined.');
    expect(up.stdout).toContain('scailfin down lab-slurm');

    const status = await statusOf(lab, 'headnode', 'lab-slurm');
    expect(status.state).toBe('running');
    expect(status.slots).toEqual({ total: 16, busy: 0, idle: 16 });
    // two nodes for half an hour: some seconds are used, the rest is bound
    const { used, usedAtLeast, bound } = status.nodeHours;
    expect([used > 0, used < 0.1, usedAtLeast, bound > 0.9, used + bound <= 1.01]).toEqual([
      true,
      true,
      false,
      true,
      true,
    ]);
    const [site] = status.sites;
    expect(site?.glideins.map(g => g.node).sort()).toEqual(['c1', 'c2']);
    for (const glidein of site?.glideins ?? []) {
      expect(glidein).toMatchObject({ state: 'running', word: 'RUNNING', joined: true, cores: 8 });
      expect(glidein.secondsLeft).toBeGreaterThan(1600);
      expect(glidein.secondsLeft).toBeLessThanOrEqual(1800);
    }

    const began = Date.now();
    const jobs = await submitJobs(lab, 'headnode', 'lab-slurm', 16, 'sleep 2');
    expect(Date.now() - began).toBeLessThan(20_000);
    expect(jobs.map(j => j.user)).toEqual(Array(16).fill('alice'));
    expect(new Set(jobs.map(j => j.node))).toEqual(new Set(['c1', 'c2']));

    await scailfin(lab, 'headnode', ['scale', 'lab-slurm', '--nodes', '1']);
    await expect.poll(async () => (await jobsOn(lab)).length, { timeout: 60_000 }).toBe(1);
    await scailfin(lab, 'headnode', ['scale', 'lab-slurm', '--nodes', '2']);
    await expect.poll(async () => joined(await statusOf(lab, 'headnode', 'lab-slurm')), { timeout: 60_000 }).toBe(2);

    const down = await scailfin(lab, 'headnode', ['down', 'lab-slurm']);
    expect(down.stdout).toContain('Verified: no batch job, process or file of it remains');
    expect(await jobsOn(lab)).toEqual([]);
    expect(await lab.leftovers()).toEqual([]);
    // HTCondor writes to the administrator of the machine, if nobody tells it otherwise
    for (const host of ['headnode', 'c1'] as const)
      expect((await lab.exec(host, ['ls', '/var/mail'], { user: 'root' })).stdout).toBe('');
    // and again
    const twice = await scailfin(lab, 'headnode', ['down', 'lab-slurm', '--json']);
    expect(JSON.parse(twice.stdout)).toMatchObject({ name: 'lab-slurm', cancelled: 0 });
  });

  it('goes up and down in few round trips', async () => {
    const argv = ['up', '--site', 'lab-slurm', '--nodes', '1', '--no-wait', '--json'];
    // the payload may have to be made, and is copied to the site: four of these
    expect(JSON.parse((await scailfin(lab, 'headnode', argv)).stdout).roundTrips).toBeLessThanOrEqual(11);
    // the same once more: nothing is copied, and nothing is submitted
    expect(JSON.parse((await scailfin(lab, 'headnode', argv)).stdout).roundTrips).toBeLessThanOrEqual(6);
    // four, and two more looks: a glide-in that has only just started leaves no trace for which the first look would wait
    const began = Date.now();
    const down = JSON.parse((await scailfin(lab, 'headnode', ['down', 'lab-slurm', '--json'])).stdout);
    expect(down.roundTrips).toBeLessThanOrEqual(6 + Math.floor((Date.now() - began) / 10_000));
  });

  it('reports that it runs when brought up again, and refuses other settings', async () => {
    await scailfin(lab, 'headnode', ['up', 'again', '--site', 'lab-slurm', '--nodes', '1', '--walltime', '30m']);
    const before = await jobsOn(lab);
    const again = await scailfin(lab, 'headnode', [
      'up',
      'again',
      '--site',
      'lab-slurm',
      '--nodes',
      '1',
      '--walltime',
      '30m',
    ]);
    expect(again.stderr).toContain('all there already');
    expect(await jobsOn(lab)).toEqual(before);
    // it knows its site
    expect((await scailfin(lab, 'headnode', ['up', 'again'])).stdout).toContain('1 of 1 glide-ins has joined');
    const more = await scailfin(
      lab,
      'headnode',
      ['up', 'again', '--site', 'lab-slurm', '--nodes', '2', '--walltime', '30m'],
      { check: false },
    );
    expect(more.exitCode).toBe(2);
    expect(more.stderr).toContain('scailfin scale again --nodes 2');
    const longer = await scailfin(
      lab,
      'headnode',
      ['up', 'again', '--site', 'lab-slurm', '--nodes', '1', '--walltime', '1h'],
      { check: false },
    );
    expect(longer.exitCode).toBe(2);
    expect(longer.stderr).toMatch(/walltime is 1800, not 3600[\s\S]*scailfin down again/);
    await scailfin(lab, 'headnode', ['down', 'again']);
    expect(await lab.leftovers()).toEqual([]);
  });

  it.each([
    { from: 'laptop', headnode: 'scail@headnode', address: '10.77.0.3' },
    { from: 'laptop', headnode: 'login', address: '10.77.1.1' },
  ] as const)('runs its pool on $headnode, seen from the $from', async ({ from, headnode, address }) => {
    await scailfin(lab, from, ['up', 'far', '--site', 'lab-slurm', '--headnode', headnode, '--walltime', '20m']);
    const status = await statusOf(lab, from, 'far');
    expect(status).toMatchObject({ state: 'running', headnode: { kind: headnode, pool: 'alive' } });
    expect(status.headnode.address.split(':')[0]).toBe(address);
    const slots = await scailfin(lab, from, ['exec', 'far', '--', 'condor_status', '-af', 'Name', 'Cpus']);
    expect(slots.stdout).toMatch(/^slot1@\d+_1\.[0-9a-f]{8}@c[12] 8$/m);
    // an exit status of a command comes back as it is
    expect((await scailfin(lab, from, ['exec', 'far', '--', 'sh', '-c', 'exit 7'], { check: false })).exitCode).toBe(7);
    const env = await scailfin(lab, from, ['env', 'far'], { check: false });
    expect(env.exitCode).toBe(2);
    expect(env.stderr).toContain('scailfin exec far -- COMMAND');
    await scailfin(lab, from, ['down', 'far']);
    expect(await lab.leftovers()).toEqual([]);
  });

  it('leaves alone what another machine brought up under the same name after it was down', {
    tags: ['nightly'],
  }, async () => {
    const up = ['up', 'twice', '--site', 'lab-slurm', '--nodes', '1', '--walltime', '30m', '--no-wait'];
    await scailfin(lab, 'laptop', [...up, '--headnode', 'scail@headnode']);
    await scailfin(lab, 'laptop', ['down', 'twice']);
    await scailfin(lab, 'headnode', up);
    // by the job's number alone: it may begin meanwhile
    const jobs = async () => (await jobsOn(lab)).map(line => line.split(/[_ ]/)[0]);
    const others = await jobs();
    expect(others).toHaveLength(1);
    const again = JSON.parse((await scailfin(lab, 'laptop', ['down', 'twice', '--json'])).stdout);
    expect(again.verified).toEqual(Array(2).fill(expect.stringContaining('another cluster has that name there')));
    expect(await jobs()).toEqual(others);
    expect((await statusOf(lab, 'headnode', 'twice')).headnode?.pool).toBe('alive');
  });

  it('spans a second site', { tags: ['nightly'] }, async () => {
    await scailfin(lab, 'headnode', ['up', 'wide', '--site', 'lab-slurm', '--walltime', '20m']);
    await scailfin(lab, 'headnode', ['scale', 'wide', '--site', 'local', '--nodes', '1']);
    await expect.poll(async () => joined(await statusOf(lab, 'headnode', 'wide')), { timeout: 60_000 }).toBe(2);
    await scailfin(lab, 'headnode', ['down', 'wide']);
    expect(await lab.leftovers()).toEqual([]);
  });

  it('replaces a job whose node fails while the others are waited for', async () => {
    const say = (node: string, state: string) =>
      lab.exec('login', ['scontrol', 'update', `NodeName=${node}`, `State=${state}`, 'Reason=test'], { user: 'root' });
    await say('c2', 'DRAIN');
    const up = scailfin(lab, 'headnode', ['up', 'lost', '--site', 'lab-slurm', '--nodes', '2', '--walltime', '20m']);
    const states = async () => (await jobsOn(lab)).map(job => job.split(' ')[2]).sort();
    await expect.poll(states, { timeout: 60_000 }).toEqual(['PENDING', 'RUNNING']);
    // `up` has seen both
    await sleep(8_000);
    await say('c1', 'DOWN');
    // the second one may go there at once
    await say('c2', 'RESUME');
    const { stdout, stderr } = await up;
    expect(stderr).toMatch(/job \d+_1 on c1 was lost \(NODE_FAIL\); what is missing is submitted again/);
    expect(stdout).toContain('2 of 2 glide-ins have joined');
    expect(joined(await statusOf(lab, 'headnode', 'lost'))).toBe(2);
    await scailfin(lab, 'headnode', ['down', 'lost']);
    expect(await lab.leftovers()).toEqual([]);
  });

  it('shows a node that was rebooted under its glide-in as it is', { tags: ['nightly'] }, async () => {
    await scailfin(lab, 'headnode', ['up', 'boot', '--site', 'lab-slurm', '--nodes', '2', '--walltime', '20m']);
    // a node that takes long to boot must not be taken for a dead one by this Slurm
    const patient = 'sed -i s/^SlurmdTimeout=.*/SlurmdTimeout=300/ /etc/slurm/slurm.conf && scontrol reconfigure';
    await lab.exec('login', ['sh', '-c', patient], { user: 'root' });
    await lab.reboot('c1');
    const c1 = async () =>
      (await statusOf(lab, 'headnode', 'boot')).sites[0]?.glideins.find(
        g => g.node === 'c1' && g.state !== 'cancelled',
      );
    // this Slurm goes on calling the job running: the pool's silence is what tells, and fifty seconds are none yet
    await sleep(45_000);
    await expect.poll(async () => (await c1())?.joined, { timeout: 60_000, interval: 2000 }).toBe(false);
    expect(await c1()).toMatchObject({ state: 'running', word: 'RUNNING' });
    expect((await c1())?.silent).toBeGreaterThan(50);
    const status = await statusOf(lab, 'headnode', 'boot');
    expect(status.slots?.total).toBe(8);
    expect(status.reason).toContain('1 of 2 glide-ins have joined');
    expect((await scailfin(lab, 'headnode', ['status', 'boot'])).stdout).toMatch(/c1 .* silent /);
    // the silent one is the first to go
    await scailfin(lab, 'headnode', ['scale', 'boot', '--nodes', '1']);
    await scailfin(lab, 'headnode', ['scale', 'boot', '--nodes', '2']);
    await expect.poll(async () => (await c1())?.joined, { timeout: 60_000, interval: 1000 }).toBe(true);
    expect(joined(await statusOf(lab, 'headnode', 'boot'))).toBe(2);
    await scailfin(lab, 'headnode', ['down', 'boot']);
    expect(await lab.leftovers()).toEqual([]);
  });

  it('brings back the logs of its glide-ins', { tags: ['nightly'] }, async () => {
    await scailfin(lab, 'headnode', ['up', 'talk', '--site', 'lab-slurm', '--walltime', '20m']);
    const id = (await statusOf(lab, 'headnode', 'talk')).sites[0]?.glideins[0]?.id as string;
    expect((await scailfin(lab, 'headnode', ['logs', 'talk'])).stdout).toContain(`glide-in ${id} of cluster talk on c`);
    const all = (await scailfin(lab, 'headnode', ['logs', 'talk', '--glidein', id])).stdout;
    expect(all).toMatch(new RegExp(`^==> ${id}/c\\d-[0-9a-f]{8}/MasterLog <==$`, 'm'));
    expect(all).toMatch(new RegExp(`^==> ${id}/c\\d-[0-9a-f]{8}/StartLog <==$`, 'm'));
    const none = await scailfin(lab, 'headnode', ['logs', 'talk', '--glidein', '999'], { check: false });
    expect(none.exitCode).toBe(2);
    expect(none.stderr).toContain(`there are: ${id}`);
    await scailfin(lab, 'headnode', ['down', 'talk']);
    expect(await lab.leftovers()).toEqual([]);
  });
});

const joined = (status: ClusterStatus): number => status.sites.flatMap(s => s.glideins).filter(g => g.joined).length;
