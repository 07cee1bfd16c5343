// @module-tag nightly; each time: frameworks/wire
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { offerDask } from '../lab/dask.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { until } from '../lab/programs.js';
import { installWorkQueue, sumOfSquares } from '../lab/workqueue.js';
import { scailfin, statusOf } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';

const reason = labUnavailable();
const name = 'lab-slurm';
const pool = `/home/scail/.scailfin/${name}/pool`;
const client = readFileSync(fileURLToPath(new URL('../lab/dask/client.py', import.meta.url)));

describe.skipIf(reason !== undefined)(`workers that nobody uses${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up();
    await Promise.all([offerDask(lab, 'headnode'), installWorkQueue(lab, 'headnode')]);
    await lab.write('headnode', '/opt/client.py', client, { user: 'root' });
  });
  afterAll(() => lab?.down());

  const workersOf = async (framework: string) =>
    (await statusOf(lab, 'headnode', name)).frameworks
      .find(f => f.name === framework)
      ?.parts?.filter(p => p.name.startsWith('worker '))
      .map(p => `${p.state}: ${p.reason}`);
  const away = 'starting: is away: it comes when somebody uses the framework';
  const areAway = (framework: string) =>
    until(
      `${framework}'s are away`,
      90_000,
      async () => (await workersOf(framework))?.every(text => text === away) ?? false,
    );

  it('leave their nodes, and do so apart for each framework', async () => {
    const options = [
      '--framework',
      'dask,workqueue',
      '--workers',
      '2',
      '--worker-idle',
      '15s',
      '--worker-memory',
      '400M',
    ];
    const up = await scailfin(lab, 'headnode', ['up', '--site', name, '--nodes', '1', ...options]);
    expect(up.stderr).toContain('2 workers of 1 core and 400 MiB');
    await areAway('dask');
    await areAway('workqueue');
    const { slots, frameworks } = await statusOf(lab, 'headnode', name);
    expect(slots).toMatchObject({ busy: 0 });
    // who comes finds both at work
    expect(frameworks.map(f => f.state)).toEqual(['alive', 'alive']);
  });

  it('come when somebody does: a manager of Work Queue', async () => {
    const run = 'mkdir -p m && cd m && eval "$(scailfin env)" && timeout 80 wqmanager 5';
    const { stdout, stderr } = await lab.exec('headnode', ['bash', '-c', run], { check: false, timeoutMs: 90_000 });
    expect(stdout, stderr).toContain(sumOfSquares(5));
    expect(await workersOf('dask')).toEqual([away, away]);
    await areAway('workqueue');
  });

  it('come when somebody does: a client of Dask, and stay as long as there is something of it', async () => {
    const ran = await scailfin(lab, 'headnode', ['exec', name, '--', 'python3', '/opt/client.py', '2']);
    expect(ran.stdout, ran.stderr).toBe('nodes c1 c1\nsum 2646700\nmoved 5000000\n');
    expect(await workersOf('workqueue')).toEqual([away, away]);
    const keep = `
from distributed import Client
with Client(timeout=20) as client:
    client.publish_dataset(kept=client.submit(sum, [40, 2]))`;
    await lab.write('headnode', '/opt/keep.py', keep, { user: 'root' });
    await scailfin(lab, 'headnode', ['exec', name, '--', 'python3', '/opt/keep.py']);
    await new Promise(resolve => setTimeout(resolve, 15_000));
    const get = `
from distributed import Client
with Client(timeout=20) as client:
    print(client.get_dataset("kept").result(timeout=5))
    client.unpublish_dataset("kept")`;
    await lab.write('headnode', '/opt/get.py', get, { user: 'root' });
    const got = await scailfin(lab, 'headnode', ['exec', name, '--', 'python3', '/opt/get.py']);
    expect(got.stdout, got.stderr).toBe('42\n');
    await areAway('dask');
  });

  it('come with up, stay if that says so, and a scheduler that was taken over can only ask for them', async () => {
    await scailfin(lab, 'headnode', ['up', name, '--framework', 'dask', '--worker-idle', 'never']);
    await until(
      'they are back',
      60_000,
      async () => (await workersOf('dask'))?.every(t => t.startsWith('alive')) ?? false,
    );
    // what it leaves in the place of its word: a pipe that nobody writes to
    const need = `${pool}/workers/workqueue`;
    const pipe = `echo '5 file' >${need}/idle && mkdir -p ${need}/run && mkfifo ${need}/run/need && touch ${need}/used`;
    await lab.exec('headnode', ['sh', '-c', pipe]);
    await areAway('workqueue');
    expect((await workersOf('dask'))?.every(text => text.startsWith('alive'))).toBe(true);
  });

  it('leave nothing behind', async () => {
    const down = await scailfin(lab, 'headnode', ['down', name, '--yes']);
    expect(down.stdout, down.stderr).toContain(verified);
    await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
  });
});
