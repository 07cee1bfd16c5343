// @module-tag nightly; each time: cluster/relay
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { until } from '../lab/programs.js';
import { jobsOn, scailfin } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';
import { relayOf } from './helpers/outage.js';

const reason = labUnavailable();
const name = 'away';
const profiles = '.config/scailfin/sites';

describe.skipIf(reason !== undefined)(`a headnode that is away${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  let sessions: string[] = [];
  beforeAll(async () => {
    lab = await Lab.up({ isolated: true });
  });
  afterAll(() => lab?.down());

  const relayProcesses = async (): Promise<string> => {
    const argv = ['sh', '-c', 'grep -lzF SCAILFIN_RELAY= /proc/[0-9]*/environ 2>/dev/null | wc -l'];
    return (await lab.exec('login', argv, { user: 'root', check: false })).stdout.trim();
  };

  test('its network is cut silently: status says it, the login node tidies up, and glide-ins leave', async () => {
    const profile = (await lab.read('headnode', `${profiles}/lab-slurm.yaml`))
      .replace('name: lab-slurm', 'name: slow')
      .replace('type: slurm', 'type: slurm\n  directives: ["--begin=now+15"]');
    await lab.write('headnode', `${profiles}/slow.yaml`, profile);
    await scailfin(lab, 'headnode', ['up', name, '--site', 'slow', '--walltime', '30m', '--no-wait']);
    // before the job begins
    const shorten = 'echo "lost=12 look=1" >>.scailfin/away/site/settings';
    await lab.exec('login', ['sh', '-c', `cd ~ && ${shorten}`]);
    await expect.poll(async () => (await relayOf(lab, name))?.nodes, { timeout: 60_000 }).toBe(1);
    sessions = (await lab.exec('login', ['pgrep', '-u', 'alice', 'sshd-session'])).stdout.split('\n').filter(Boolean);
    await lab.partition('headnode', true);
    const cut = Date.now() / 1000;
    // its own word is looked for before status is asked what it makes of that
    const states = `cat ~/.scailfin/${name}/pool/relay/state/*.json`;
    const said = async () => (await lab.exec('headnode', ['sh', '-c', states])).stdout;
    await until('the relay to see that it is cut off', 100_000, async () => /"state": *"cut"/.test(await said()));
    await expect.poll(async () => (await relayOf(lab, name))?.state, { timeout: 60_000 }).toBe('cut');
    const relay = await relayOf(lab, name);
    expect(relay?.reason).toMatch(/stopped answering|can't reach/);
    expect(relay?.since).toBeLessThan(cut + 95);
    const told = await scailfin(lab, 'headnode', ['status', name], { check: false });
    expect(told.stdout).toMatch(/relay cut off for [^:]+: running jobs go on/);
    await until('the relay on the login node to end', 60_000, async () => (await relayProcesses()) === '0');
    await until('the glide-in to leave', 60_000, async () => (await jobsOn(lab)).length === 0);
    const logs = await lab.exec('login', ['sh', '-c', 'cat ~/.scailfin/away/site/logs/*/glidein.log']);
    expect(logs.stdout).toContain('leaving: the headnode has not answered for 12 s');
    await lab.partition('headnode', false);
    await expect.poll(async () => (await relayOf(lab, name))?.state, { timeout: 60_000 }).toBe('open');
  }, 300_000);

  test('it is restarted, and up again continues', async () => {
    await lab.reboot('headnode');
    const { stdout } = await scailfin(lab, 'headnode', ['status', name], { check: false });
    expect(stdout).toMatch(/was restarted, so the pool has ended/);
    const up = await scailfin(lab, 'headnode', ['up', name, '--site', 'slow', '--walltime', '30m']);
    expect(up.stdout).toMatch(/running\. 1 of 1 glide-ins has joined/);
    expect((await relayOf(lab, name))?.state).toBe('open');
  });

  test('and nothing is left', async () => {
    expect((await scailfin(lab, 'headnode', ['down', name])).stdout).toContain(verified);
    // sshd itself keeps its end of a connection that was cut silently until TCP gives up, which can take a quarter of an hour
    const cutOff = sessions.map(pid => `login: process ${pid} alice sshd-session: alice@notty`);
    const left = async (): Promise<string[]> => (await lab.leftovers()).filter(line => !cutOff.includes(line));
    await expect.poll(left, { timeout: 60_000 }).toEqual([]);
  });
});
