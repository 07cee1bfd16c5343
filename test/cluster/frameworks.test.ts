// @module-tag nightly; each time: frameworks says what several plan and tell
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { offerDask } from '../lab/dask.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { installWorkQueue } from '../lab/workqueue.js';
import { scailfin, statusOf } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';

const reason = labUnavailable();
const client = readFileSync(fileURLToPath(new URL('../lab/dask/client.py', import.meta.url)));

/** Each framework has tests of its own: here is what they must not take from each other. */
describe.skipIf(reason !== undefined)(`several frameworks${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up();
    await Promise.all([offerDask(lab, 'headnode'), installWorkQueue(lab, 'headnode')]);
    await lab.write('headnode', '/opt/client.py', client, { user: 'root' });
  });
  afterAll(() => lab?.down());

  const states = async () =>
    Object.fromEntries((await statusOf(lab, 'laptop', 'far')).frameworks.map(f => [f.name, f.state]));

  const refused = async (...args: string[]): Promise<string> => {
    const { exitCode, stderr } = await scailfin(lab, 'laptop', args, { check: false });
    expect(exitCode).toBe(2);
    return stderr;
  };

  it('come up together, and another one later', async () => {
    const place = ['--site', 'lab-slurm', '--headnode', 'headnode', '--nodes', '1'];
    const first = ['--framework', 'reana,workqueue', '--reana', 'edge', '--workers', '1', '--worker-memory', '300'];
    const up = await scailfin(lab, 'laptop', ['up', 'far', ...place, ...first]);
    expect(up.stderr).toMatch(/✓ Starting REANA: edge.*✓ Starting Work Queue: 1 worker, manager on port \d+/s);
    expect(up.stdout).toMatch(/^REANA:$.*^Work Queue:$/ms);

    const later = ['up', 'far', '--framework', 'dask', '--workers', '2', '--worker-cores', '3'];
    const plan = await scailfin(lab, 'laptop', [...later, '--dry-run']);
    await lab.exec('laptop', ['sh', '-c', 'rm -r /tmp/scailfin-far-*']);
    expect(plan.stdout).toMatch(/^ {2}REANA {6}.*\n {2}Work Queue .*\n {2}Dask {7}2 workers of 3 cores/m);
    const wire = async () => lab.read('headnode', '/home/scail/.scailfin/far/pool/wire/wire.pid');
    const before = await wire();
    const more = await scailfin(lab, 'laptop', later);
    expect(more.stderr).toMatch(/REANA: edge.*Work Queue: 1 worker.*Dask: 2 workers/s);
    // the connections of the workers that there are go on
    expect(await wire()).toBe(before);
    expect(await states()).toEqual({ reana: 'alive', workqueue: expect.any(String), dask: expect.any(String) });
  });

  it('work side by side', async () => {
    await scailfin(lab, 'laptop', ['example', 'copy', 'hello-serial', 'hello']);
    const run = 'cd hello && sed -i "s/environment: .*/environment: \'\'/" reana.yaml && scailfin run --cluster far';
    const [ran, computed] = await Promise.all([
      lab.exec('laptop', ['bash', '-c', run], { check: false, timeoutMs: 150_000 }),
      scailfin(lab, 'laptop', ['exec', 'far', '--', 'python3', '/opt/client.py', '2']),
    ]);
    expect(ran.exitCode, ran.stderr).toBe(0);
    expect(computed.stdout, computed.stderr).toBe('nodes c1 c1\nsum 2646700\nmoved 5000000\n');
    expect(await states()).toEqual({ reana: 'alive', workqueue: 'alive', dask: 'alive' });
  });

  it('are reached from here, each by a port of its own', async () => {
    const env = await scailfin(lab, 'laptop', ['env', 'far']);
    expect(env.stdout).toMatch(/REANA_SERVER_URL=http.*WORK_QUEUE_PORT=\d+.*DASK_SCHEDULER_ADDRESS=tls:/s);
    for (const title of ['REANA', 'Work Queue', 'Dask'])
      expect(env.stderr).toMatch(new RegExp(`process \\d+ forwards port \\d+ to ${title} until`));
    // those that there are go on
    const again = await scailfin(lab, 'laptop', ['env', 'far']);
    expect(again).toMatchObject({ stdout: env.stdout, stderr: '' });
    const url = /REANA_SERVER_URL=(\S+)/.exec(env.stdout)?.[1];
    expect((await lab.exec('laptop', ['curl', '-s', `${url}/api/ping`])).stdout).toContain('OK');

    const both = await refused('connect', 'far', '--background', '--port', '5999');
    expect(both).toContain('--port 5999 can lead to one framework only, not to 3');
    expect(both).toContain('--framework reana|workqueue|dask');
    const stop = await scailfin(lab, 'laptop', ['connect', 'far', '--stop']);
    expect(stop.stdout).toBe('3 ports are no longer forwarded\n');
    const one = ['connect', 'far', '--background', '--framework', 'reana', '--port', '5999'];
    expect((await scailfin(lab, 'laptop', one)).stdout).toBe('REANA_SERVER_URL=http://127.0.0.1:5999\n');
  });

  it('are named where one of them is not there', async () => {
    expect(await refused('up', 'far', '--framework', 'dask,hologram')).toContain('no framework "hologram"');
    expect(await refused('connect', 'far', '--framework', 'htcondor')).toContain('there are: reana, workqueue, dask,');
  });

  it('leave nothing behind', async () => {
    const down = await scailfin(lab, 'laptop', ['down', 'far', '--yes']);
    expect(down.stdout, down.stderr).toContain(verified);
    await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
  });
});
