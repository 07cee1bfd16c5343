// @module-tag nightly; each time: faults kills programs of the pool at a few points each day
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { until } from '../lab/programs.js';
import { scailfin, statusOf } from './helpers/cluster.js';

const reason = labUnavailable();
const name = 'crash';
const again = ['up', name, '--site', 'lab-slurm', '--nodes', '2', '--walltime', '30m'];

describe.skipIf(reason !== undefined)(`a pool whose daemons end${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up();
    await scailfin(lab, 'headnode', again);
  });
  afterAll(() => lab?.down());

  const here = (script: string) => lab.exec('headnode', ['sh', '-c', script], { check: false });
  const pool = (command: string) =>
    scailfin(lab, 'headnode', ['exec', name, '--', ...command.split(' ')], { check: false });
  const running = async (): Promise<number> =>
    (await pool('condor_q -const JobStatus==2 -af NumShadowStarts')).stdout.split('\n').filter(Boolean).length;
  const masters = async (): Promise<string[]> =>
    (await here('pgrep -x condor_master')).stdout.split('\n').filter(Boolean);

  const schedds = async (): Promise<string> => (await here('pgrep -x condor_schedd')).stdout.trim();

  /** Ends the schedd as `condor_off -fast` does, and waits for the next one. */
  async function restart(): Promise<void> {
    const schedd = await schedds();
    await here(`kill -QUIT ${schedd}`);
    await until('another schedd', 60_000, async () => !['', schedd].includes(await schedds()));
  }

  async function submit(): Promise<void> {
    const lines = [
      'executable=/bin/sleep',
      'arguments=3600',
      'request_memory=20M',
      'transfer_executable=false',
      'queue 12',
    ];
    await lab.exec('headnode', ['mkdir', '-p', 'jobs']);
    await lab.write('headnode', 'jobs/job.sub', lines.join('\n'));
    await lab.exec('headnode', ['sh', '-c', `cd jobs && scailfin exec ${name} -- condor_submit job.sub`]);
    await until('the jobs to run', 90_000, async () => (await running()) === 12);
  }

  it('is called by its glide-ins, and can call them, also if its machine crashed just after they joined', async () => {
    // the pool writes down within a second how they come back to it
    await new Promise(resolve => setTimeout(resolve, 1500));
    await lab.reboot('headnode');
    await scailfin(lab, 'headnode', again);
    // a startd whose address changed would learn it only after five minutes
    await submit();
  });

  it('its master survives the end of a schedd with many jobs', async () => {
    const before = await masters();
    // the master looks at the schedd's children once a minute
    await new Promise(resolve => setTimeout(resolve, 61_000));
    // as on a busy machine: children that were ended stay for a while, until the first process of the machine has reaped them
    process.kill(lab.pidOf('headnode'), 'SIGSTOP');
    try {
      await restart();
    } finally {
      process.kill(lab.pidOf('headnode'), 'SIGCONT');
    }
    expect(await masters()).toEqual(before);
  });

  it('is started again when its master is killed, at the port that the glide-ins know, and its jobs go on', async () => {
    const { address } = (await statusOf(lab, 'headnode', name)).headnode ?? {};
    await here('kill -KILL $(pgrep -x condor_master)');
    await until('another master', 60_000, async () => (await masters()).length === 1);
    await until('the jobs to go on', 90_000, async () => (await running()) === 12);
    await expect
      .poll(() => statusOf(lab, 'headnode', name), { timeout: 60_000 })
      .toMatchObject({ headnode: { address, pool: 'alive' }, reason: '2 of 2 glide-ins have joined.' });
    expect((await here(`cat .scailfin/${name}/pool/log/start.err`)).stdout).toMatch(/master was ended by signal 9/);
  });

  it('is started by up where daemons outlived it and its keeper, at the same port', async () => {
    const { address } = (await statusOf(lab, 'headnode', name)).headnode ?? {};
    await here(`kill -KILL $(cat .scailfin/${name}/pool/run/keep.pid) $(pgrep -x condor_master)`);
    await scailfin(lab, 'headnode', again);
    expect((await statusOf(lab, 'headnode', name)).headnode).toMatchObject({ address, pool: 'alive' });
  });

  it('gives jobs back to the queue whose glide-in said that it left', async () => {
    const hosts = async () => (await pool('condor_q -const JobStatus==2 -af RemoteHost')).stdout;
    expect(await hosts()).toContain('@c2');
    await lab.exec('c2', ['pkill', '-KILL', '-u', 'alice', 'condor_'], { user: 'root' });
    // without its word they would wait for it for 20 minutes (AWAY_LIMIT)
    await until('the jobs to leave it', 90_000, async () => !(await hosts()).includes('@c2'));
    expect(await hosts()).toContain('@c1');
  });

  it('gives jobs back to the queue whose node died, as soon as up learned that its batch job is over', async () => {
    const hosts = async () => (await pool('condor_q -const JobStatus==2 -af RemoteHost')).stdout;
    await scailfin(lab, 'headnode', again);
    await until('jobs on both nodes', 90_000, async () => /@c1[\s\S]*@c2|@c2[\s\S]*@c1/.test(await hosts()));
    // it says nothing any more, not even that its connections end
    await lab.partition('c1', true);
    await lab.exec('c1', ['pkill', '-KILL', '-u', 'alice'], { user: 'root', check: false });
    await lab.exec('login', ['scontrol', 'update', 'NodeName=c1', 'State=DOWN', 'Reason=died'], { user: 'root' });
    // it is not back yet, or the jobs' shadows would learn from it that they are gone
    await scailfin(lab, 'headnode', [...again, '--no-wait']);
    const log = () => here(`cat .scailfin/${name}/pool/log/ShadowsLog`);
    await until('the jobs to be given back', 120_000, async () =>
      (await log()).stdout.includes('the batch job of its glide-in is over'),
    );
    await until('all of them to leave it', 90_000, async () => !(await hosts()).includes('@c1'));
    await lab.partition('c1', false);
    await lab.exec('login', ['scontrol', 'update', 'NodeName=c1', 'State=RESUME'], { user: 'root', check: false });
    // a node that died tidies up as it starts again
    await lab.exec('c1', ['sh', '-c', `rm -rf /tmp/scailfin-${name}-*`], { user: 'root' });
    await until('all jobs to run', 90_000, async () => (await running()) === 12);
  });

  it('and down leaves nothing: nobody starts it again', async () => {
    const { stdout } = await scailfin(lab, 'headnode', ['down', name]);
    expect(stdout).toContain('Verified: no batch job of it remains');
    // nobody can ask the node that died
    expect(stdout).toMatch(
      /killed before they could remove their directories:\n {2}- \/tmp\/scailfin-crash-\S+ on c1\n/,
    );
    await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
  });
});
