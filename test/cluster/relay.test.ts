import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { makeImage } from '../reana/helpers/image.js';
import { scailfin, statusOf } from './helpers/cluster.js';
import { cycle, sge, slurm, verified } from './helpers/cycle.js';

const reason = labUnavailable();
const image = '/home/alice/image';

/** A step that copies a large input, and one that reads the copy. */
const specification = `version: 0.9.4
inputs: {files: [data/large.bin]}
workflow:
  type: serial
  specification:
    steps:
      - {name: copy, environment: ${image}, commands: ['cat data/large.bin > copy.bin']}
      - {name: check, environment: ${image}, commands: ['wc -c < copy.bin > said.txt', 'cat /etc/image >> said.txt']}
outputs: {files: [copy.bin, said.txt]}
`;

/** The headnode is at home, behind a NAT: it reaches the login node by SSH, and nothing reaches it. */
describe.skipIf(reason !== undefined)(
  `a site whose nodes reach only their login node${reason ? ` (skipped: ${reason})` : ''}`,
  { timeout: 200_000 },
  () => {
    describe.each([
      ['slurm', slurm],
      ['sge', sge],
    ] as const)('with %s', (system, site) => {
      let lab: Lab;
      beforeAll(async () => {
        lab = await Lab.up({ site: system, isolated: true });
        await makeImage(lab, 'c1', image);
      });
      afterAll(async () => {
        await lab?.down();
      });

      it('has no way out of its nodes, and no way in to the headnode', async () => {
        const tries = (host: 'c1' | 'login', target: string) =>
          lab.exec(host, ['timeout', '3', 'bash', '-c', `: </dev/tcp/${target}`], { check: false });
        expect((await tries('c1', '10.77.0.3/22')).exitCode).not.toBe(0);
        expect((await tries('login', '10.77.0.3/9618')).exitCode).not.toBe(0);
        expect((await lab.exec('c1', ['getent', 'hosts', 'headnode'], { check: false })).exitCode).not.toBe(0);
      });

      it('has a cluster all the same: up, jobs on both nodes, scale, down', () => cycle(lab, site));

      it('runs a workflow with a large input, and says how the nodes reach the pool', {
        tags: ['nightly'],
      }, async () => {
        const make = 'mkdir -p big/data && head -c 200000000 /dev/urandom >big/data/large.bin';
        await lab.exec('headnode', ['sh', '-c', make]);
        await lab.write('headnode', 'big/reana.yaml', specification);
        const name = site.profile;
        const up = await scailfin(lab, 'headnode', [
          ...['up', '--site', name, '--nodes', '1', '--walltime', '30m', '--framework', 'reana'],
        ]);
        expect(up.stderr).toMatch(
          /Opening the relay on alice@login: compute nodes reach the pool at 10\.77\.1\.1:\d+ on login/,
        );
        expect(up.stdout).toMatch(/relay open for \d+ s at 10\.77\.1\.1:\d+ on login; 1 node connected/);
        const [there] = (await statusOf(lab, 'headnode', name)).sites;
        expect(there?.relay).toMatchObject({ state: 'open', nodes: 1 });
        const run = await lab.exec('headnode', ['sh', '-c', 'cd big && scailfin run'], {
          ...{ timeoutMs: 150_000, check: false },
        });
        expect(run.stderr, run.stderr).toMatch(/✓ copy: finished.*✓ check: finished/s);
        expect(await lab.read('headnode', 'big/said.txt')).toBe('200000000\nthis is the image\n');
        await lab.exec('headnode', ['cmp', 'big/data/large.bin', 'big/copy.bin']);
        const down = await scailfin(lab, 'headnode', ['down', name]);
        expect(down.stdout).toContain(verified);
        await lab.exec('headnode', ['rm', '-rf', 'big']);
        await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
      });
    });

    describe('whose profile does not say so', () => {
      let lab: Lab;
      beforeAll(async () => {
        lab = await Lab.up({ isolated: true });
        const profile = '.config/scailfin/sites/lab-slurm.yaml';
        await lab.write(
          'headnode',
          profile,
          (await lab.read('headnode', profile)).replace('outbound: false', 'outbound: true'),
        );
      });
      afterAll(async () => {
        await lab?.down();
      });

      it('gets a relay if its login node can not reach the headnode, and not against --no-relay', {
        tags: ['nightly'],
      }, async () => {
        const refused = await scailfin(lab, 'headnode', ['up', '--site', 'lab-slurm', '--no-relay'], { check: false });
        expect(refused.exitCode).toBe(1);
        expect(refused.stderr).toMatch(/alice@login can't reach the headnode .*--relay/s);
        expect(await lab.leftovers()).toEqual([]);
        const up = await scailfin(lab, 'headnode', ['up', '--site', 'lab-slurm', '--walltime', '30m']);
        expect(up.stderr).toMatch(
          /alice@login can't reach this machine, so a relay on alice@login will carry the pool's traffic/,
        );
        expect(up.stdout).toContain('1 of 1 glide-ins has joined');
        // the same command finds it; another wish is refused
        expect((await scailfin(lab, 'headnode', ['up', '--site', 'lab-slurm', '--walltime', '30m'])).exitCode).toBe(0);
        const other = await scailfin(
          lab,
          'headnode',
          ['up', '--site', 'lab-slurm', '--walltime', '30m', '--no-relay'],
          { check: false },
        );
        expect(other.stderr).toContain('it uses a relay');
        const down = await scailfin(lab, 'headnode', ['down', 'lab-slurm']);
        expect(down.stdout).toContain(verified);
        expect(await lab.leftovers()).toEqual([]);
      });
    });
  },
);
