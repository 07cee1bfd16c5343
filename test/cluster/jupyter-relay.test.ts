// @module-tag nightly; each time: frameworks/jupyter/door, and cluster/relay for the relay
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Desk, offerJupyter } from '../lab/jupyter.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { scailfin } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';

/** The first `up` installs JupyterLab. */
const slowly = { timeoutMs: 200_000 };
const reason = labUnavailable();

/** The browser is on a laptop, the headnode elsewhere, and nodes reach nothing but their login node. */
describe.skipIf(reason !== undefined)(
  `JupyterLab from a laptop, through the relay${reason ? ` (skipped: ${reason})` : ''}`,
  { timeout: 240_000 },
  () => {
    let lab: Lab;
    let desk: Desk;
    beforeAll(async () => {
      lab = await Lab.up({ isolated: true });
      desk = new Desk(lab, 'laptop', 'far');
      await Promise.all([offerJupyter(lab, 'headnode'), offerJupyter(lab, 'laptop')]);
      // a site's own variable, which only a login sets
      for (const host of ['c1', 'c2'] as const)
        await lab.write(host, '/etc/profile.d/site.sh', 'export SCRATCH=/home/alice/scratch\n', {
          user: 'root',
          mode: 0o644,
        });
      await lab.exec('login', ['mkdir', '-p', '/home/alice/scratch/work'], { user: 'alice' });
    }, 240_000);
    afterAll(() => lab?.down(), 60_000);

    it('runs cells on a node that can call nobody, in the directory that was named', async () => {
      const options = ['--framework', 'jupyter', '--worker-memory', '1500', '--notebooks', '$SCRATCH/work'];
      const up = await scailfin(
        lab,
        'laptop',
        ['up', 'far', '--site', 'lab-slurm', '--headnode', 'headnode', '--nodes', '1', ...options],
        slowly,
      );
      expect(up.stderr).toContain('Opening the relay');
      expect(up.stdout).toContain('scailfin connect far');
      await desk.until(120);
      expect(await desk.cell('import os; print(os.getcwd(), sum(range(101)))')).toBe('/home/alice/scratch/work 5050');
      const connect = await scailfin(lab, 'laptop', ['connect', 'far', '--background']);
      expect(connect.stdout).toMatch(/^JUPYTER_URL=http:\/\/127\.0\.0\.1:\d+\/$/m);
    });

    it('asks another user of the laptop for the token', async () => {
      const url = (await desk.bash('echo "$U"')).trim();
      const ask = async (user: string, more: string) =>
        (
          await lab.exec('laptop', ['bash', '-c', `curl -sS -m 10 -o /dev/null -w '%{http_code}' ${more}`], {
            user,
            check: false,
          })
        ).stdout;
      expect(await ask('bob', `${url}/api/kernels`)).toBe('403');
      expect(await ask('bob', `-H 'Accept: text/html' ${url}/lab`)).toBe('403');
      expect(await ask('bob', `-H 'Accept: text/html' ${url}/`)).toBe('200');
      const { stdout: token } = await lab.exec('laptop', [
        'bash',
        '-c',
        'cat ~/.local/state/scailfin/clusters/far/jupyter.token',
      ]);
      expect(token.trim()).toHaveLength(32);
      for (const host of ['headnode', 'c1', 'login'] as const) {
        const look = `cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'; grep -rl ${token.trim()} /home /root /tmp 2>/dev/null`;
        const { stdout } = await lab.exec(host, ['bash', '-c', look], { user: 'root', check: false });
        expect(stdout.replaceAll(look, '').includes(token.trim()), host).toBe(false);
      }
    });

    it('leaves nothing behind but the directory', async () => {
      const down = await scailfin(lab, 'laptop', ['down', 'far']);
      expect(down.stdout).toContain(verified);
      const { stdout } = await lab.exec('login', ['find', 'scratch'], { user: 'alice' });
      expect(stdout).toBe('scratch\nscratch/work\n');
      await lab.exec('login', ['rm', '-r', 'scratch'], { user: 'alice' });
      await expect.poll(() => lab.leftovers(), { timeout: 15_000 }).toEqual([]);
    });
  },
);
