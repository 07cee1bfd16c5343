// @module-tag nightly; each time: cluster/workqueue
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { until } from '../lab/programs.js';
import { installWorkQueue, sumOfSquares } from '../lab/workqueue.js';
import { scailfin, statusOf } from './helpers/cluster.js';

const reason = labUnavailable();
const name = 'lab-slurm';
const pool = `/home/scail/.scailfin/${name}/pool`;

describe.skipIf(reason !== undefined)(`Work Queue when something dies${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up();
    await installWorkQueue(lab, 'headnode');
    const options = ['--framework', 'workqueue', '--workers', '4', '--worker-cores', '2', '--worker-memory', '500'];
    await scailfin(lab, 'headnode', ['up', '--site', name, '--nodes', '2', ...options]);
    await until('four workers', 60_000, async () => (await workers()).filter(w => /^alive/.test(w)).length === 4);
  }, 180_000);
  afterAll(() => lab?.down(), 60_000);

  const bash = async (script: string) => {
    const all = `mkdir -p ~/m && cd ~/m && eval "$(scailfin env)" && ${script}`;
    return lab.exec('headnode', ['bash', '-c', all], { check: false, timeoutMs: 110_000 });
  };
  /** STATE REASON of each. */
  const workers = async (): Promise<string[]> => {
    const parts = (await statusOf(lab, 'headnode', name)).frameworks[0]?.parts ?? [];
    return parts.filter(p => p.name.startsWith('worker ')).map(p => `${p.state} ${p.reason}`);
  };

  it('goes on with another manager after one was killed', async () => {
    const first = bash('exec wqmanager 400 5');
    await until('a task to run', 60_000, async () => (await bash('pgrep wqmanager && ls out.1 2>&1')).stdout !== '');
    await new Promise(resolve => setTimeout(resolve, 3000));
    await lab.exec('headnode', ['pkill', '-KILL', 'wqmanager']);
    expect((await first).stdout).not.toContain('sum');
    const second = await bash('timeout 60 wqmanager 30');
    expect(second.stdout, second.stderr).toContain(sumOfSquares(30));
  });

  it('goes on when the wire is killed', async () => {
    const run = bash('timeout 100 wqmanager 40 2');
    await new Promise(resolve => setTimeout(resolve, 4000));
    const before = await lab.read('headnode', `${pool}/wire/wire.pid`);
    await lab.exec('headnode', ['kill', '-KILL', before.trim()]);
    await until('another wire', 60_000, async () => (await lab.read('headnode', `${pool}/wire/wire.pid`)) !== before);
    const { stdout, stderr } = await run;
    expect(stdout, stderr).toContain(sumOfSquares(40));
  });

  it('starts the workers of a node that died on another one, and repeats their tasks', async () => {
    const [dead] = (await workers()).map(w => w.replace('alive on ', '')) as ['c1' | 'c2'];
    const other = dead === 'c1' ? 'c2' : 'c1';
    const run = bash('timeout 110 wqmanager 30 2');
    await new Promise(resolve => setTimeout(resolve, 4000));
    await lab.reboot(dead);
    await until(`four workers on ${other}`, 110_000, async () =>
      (await workers()).every(w => w === `alive on ${other}`),
    );
    const { stdout, stderr } = await run;
    expect(stdout, stderr).toContain(sumOfSquares(30));
    expect(stdout).toContain(`on ${other}`);
    await lab.exec(dead, ['sh', '-c', 'rm -rf /tmp/scailfin-*'], { user: 'root' });
  });

  it('leaves nothing behind', async () => {
    await lab.exec('headnode', ['rm', '-rf', 'm']);
    const down = await scailfin(lab, 'headnode', ['down', name]);
    expect(down.stdout).toContain('Verified: no batch job');
    await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
  });
});
