import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KeptState } from '../../src/hosts/kept/place.js';
import { labUnavailable } from '../lab/lab.js';
import { Bench } from './helpers/bench.js';
import { statusOf } from './helpers/cluster.js';

const reason = labUnavailable();

describe.skipIf(reason !== undefined)(`a cluster by the system's ssh${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.open();
  });
  afterAll(async () => {
    await bench?.close();
  });

  /** ssh processes of scail, without those of the lab's own. */
  const masters = async (): Promise<string[]> => {
    const { stdout } = await bench.lab.exec('headnode', ['ps', '-u', 'scail', '-o', 'args=']);
    return stdout.split('\n').filter(line => line.startsWith('ssh '));
  };
  it('goes up, is looked at, scales and goes down, and no ssh stays', async () => {
    const up = ['up', 'by-ssh', '--site', 'lab-slurm', '--nodes', '2', '--walltime', '20m'];
    expect((await bench.good([...up, '--transport', 'openssh'])).stdout).toContain('2 of 2 glide-ins have joined');
    expect(await masters()).toEqual([]);
    // it was brought up that way: no need to say it again
    const status = bench.start(['status', 'by-ssh', '--watch']);
    await status.says('2 of 2 glide-ins');
    expect(await masters()).toHaveLength(1);
    await status.end('SIGINT');
    await expect.poll(masters).toEqual([]);
    expect((await statusOf(bench.lab, 'headnode', 'by-ssh')).state).toBe('running');
    await bench.good(['scale', 'by-ssh', '--nodes', '1']);
    expect((await bench.good(['down', 'by-ssh'])).stdout).toContain('Verified');
    expect(await masters()).toEqual([]);
    await bench.expectNothing();
  });

  it('needs one login, which is kept, listed, used and closed', async () => {
    await bench.good(['login', 'lab-slurm', '--transport', 'openssh']);
    const [kept] = JSON.parse((await bench.good(['login', '--json'])).stdout) as KeptState[];
    expect(kept).toMatchObject({ name: 'alice@login', clients: 0 });
    expect(await masters()).toHaveLength(1);
    // from here on nobody gets in but through what is kept
    await bench.lab.exec('login', ['mv', '.ssh/authorized_keys', '.ssh/kept']);
    await bench.good(['up', 'kept', '--site', 'lab-slurm', '--headnode', 'login', '--walltime', '20m']);
    expect((await bench.good(['exec', 'kept', '--', 'condor_status', '-af', 'Cpus'])).stdout).toBe('8\n');
    await bench.good(['down', 'kept']);
    expect((await bench.good(['logout', 'lab-slurm'])).stdout).toBe('alice@login: connection closed\n');
    await bench.lab.exec('login', ['mv', '.ssh/kept', '.ssh/authorized_keys']);
    await expect.poll(masters).toEqual([]);
    await bench.expectNothing();
  });

  it('closes a kept login that nobody uses', { tags: ['nightly'] }, async () => {
    await bench.good(['login', 'lab-slurm', '--transport', 'openssh', '--idle', '2s']);
    expect(await masters()).toHaveLength(1);
    await expect.poll(masters, { timeout: 60_000 }).toEqual([]);
    expect(JSON.parse((await bench.good(['login', '--json'])).stdout)).toEqual([]);
  });

  it('is used if ~/.ssh/config has a ProxyCommand, and says so', async () => {
    const config = 'Host login\n  ProxyCommand ssh -W %h:%p headnode\n';
    const before = await bench.lab.exec('headnode', ['cat', '.ssh/config'], { check: false });
    await bench.lab.write('headnode', '.ssh/config', `${config}${before.stdout}`, { mode: 0o600 });
    const up = ['up', 'proxied', '--site', 'lab-slurm', '--walltime', '20m', '--no-wait'];
    await bench.refuses([...up, '--transport', 'ssh2'], {
      ...{ exit: 2, says: ['login is reached by a ProxyCommand'], hint: '--transport openssh' },
    });
    expect((await bench.good(up)).stderr).toContain("login is reached by a ProxyCommand: the system's ssh connects");
    await bench.good(['down', 'proxied']);
    await bench.lab.write('headnode', '.ssh/config', before.stdout, { mode: 0o600 });
    await bench.expectNothing();
  });

  it('that is interrupted leaves no ssh behind', { tags: ['nightly'] }, async () => {
    const up = bench.start(['up', 'cut', '--site', 'lab-slurm', '--walltime', '20m', '--transport', 'openssh']);
    await up.says('Submitting');
    expect(await masters()).toHaveLength(1);
    expect(await up.end('SIGKILL')).not.toBe(0);
    await expect.poll(masters, { timeout: 60_000 }).toEqual([]);
    await bench.good(['down', 'cut', '--transport', 'openssh']);
    await bench.expectNothing();
  });
});
