// @module-tag nightly; each time: cluster/relay
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { jobsOn, scailfin, statusOf, submitJobs } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';
import { down, growsAndShrinks, type PoolAt } from './helpers/grown.js';

const reason = labUnavailable();
const root = { user: 'root' };
const keys = '.ssh/authorized_keys';
const far: PoolAt = { host: 'headnode', user: 'scail', name: 'far' };
const request = ['up', 'far', '--site', 'lab-slurm', '--headnode', 'headnode', '--walltime', '20m'];

/** The pool is on another machine than the user, and only SSH goes there and from there to the site. */
describe.skipIf(reason !== undefined)(
  `a relay that a headnode elsewhere keeps${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    let lab: Lab;
    let before: string;
    beforeAll(async () => {
      lab = await Lab.up({ isolated: true });
      before = await lab.read('login', keys);
    });
    afterAll(async () => {
      await lab?.down();
    });
    afterEach(async () => {
      await scailfin(lab, 'laptop', ['down', 'far'], { check: false });
      await lab.write('login', keys, before, { mode: 0o600 });
    });
    const clean = () => expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
    /** The headnode's user is a stranger at the site. */
    const onlyLaptop = async (): Promise<string> => {
      const own = `${before
        .split('\n')
        .filter(line => line.endsWith('@laptop'))
        .join('\n')}\n# mine`;
      await lab.write('login', keys, own, { mode: 0o600 });
      return own;
    };

    it("logs in as the headnode's user does there", async () => {
      const up = await scailfin(lab, 'laptop', request);
      expect(up.stderr).toMatch(/Opening the relay on alice@login: compute nodes reach the pool at 10\.77\.1\.1:/);
      expect(up.stdout).toContain('far: running. 1 of 1 glide-ins has joined.');
      expect(await lab.read('login', keys)).toBe(before);
      const ran = await submitJobs(lab, 'laptop', 'far', 4, 'true', { host: 'headnode', user: 'scail' });
      expect(ran).toEqual(Array(4).fill({ user: 'alice', node: 'c1' }));
      expect(await down(lab, 'laptop', 'far')).toContain(verified);
      await clean();
    });

    it('is not forgotten where nobody remembers it: down without a record does not say that nothing is left', async () => {
      await scailfin(lab, 'laptop', request);
      await lab.exec('laptop', ['rm', '-r', '.local/state/scailfin/clusters/far']);
      const blind = await scailfin(lab, 'laptop', ['down', 'far', '--site', 'lab-slurm', '--yes'], { check: false });
      expect(blind.exitCode).toBe(1);
      expect(blind.stderr).toMatch(/the pool that a relay led to, which is not on .*: add --headnode \[user@\]HOST/);
      expect(blind.stdout).not.toContain(verified);
      const told = ['down', 'far', '--site', 'lab-slurm', '--headnode', 'headnode', '--yes'];
      expect((await scailfin(lab, 'laptop', told)).stdout).toContain(verified);
      await clean();
    });

    it("logs in with the cluster's own key otherwise, and lets the pool grow with another one", async () => {
      const own = await onlyLaptop();
      const growth = ['--submit', 'bosco', '--max', '2', '--idle-timeout', '15s'];
      await scailfin(lab, 'laptop', [...request, ...growth]);
      const added = (await lab.read('login', keys)).replace(own, '');
      const dir = '/home/alice/.scailfin/far/site';
      expect(added.split('\n').filter(Boolean).sort()).toEqual([
        expect.stringMatching(
          new RegExp(`^restrict,command="bash --norc ${dir}/bosco/blahpd.sh" ssh-ed25519 \\S+ scailfin:${dir}$`),
        ),
        expect.stringMatching(
          new RegExp(
            `^restrict,command="bash --norc ${dir}/relay/enter.sh ${dir} 10.77.1.1" ecdsa-sha2-nistp256 \\S+ scailfin-relay:${dir}$`,
          ),
        ),
      ]);
      // glide-ins that no command of the user's submitted use the relay
      await growsAndShrinks(far, lab, () => jobsOn(lab));
      const relay = async () => (await statusOf(lab, 'laptop', 'far')).sites[0]?.relay;
      await expect.poll(relay, { timeout: 60_000, interval: 1000 }).toMatchObject({ state: 'open', nodes: 0 });
      // the same command finds all of it
      expect((await scailfin(lab, 'laptop', [...request, ...growth])).exitCode).toBe(0);
      expect((await lab.read('login', keys)).match(/scailfin/g)).toHaveLength(
        (added.match(/scailfin/g) as string[]).length,
      );
      expect(await down(lab, 'laptop', 'far')).toContain(verified);
      expect(await lab.read('login', keys)).toBe(own);
      await clean();
    }, 240_000);

    it('says so if a key is not enough, and what to do; then nothing of it is left', async () => {
      const own = await onlyLaptop();
      const policy =
        'Match Address 10.77.0.3\n  PasswordAuthentication yes\n  AuthenticationMethods publickey,password\n';
      const reread = ['sh', '-c', 'kill -HUP "$(cat /run/sshd.pid)"; sleep 0.5'];
      await lab.write('login', '/etc/ssh/sshd_config.d/00-relay.conf', policy, root);
      await lab.exec('login', reread, root);
      const refused = await scailfin(lab, 'laptop', request, { check: false });
      await lab.exec('login', ['rm', '/etc/ssh/sshd_config.d/00-relay.conf'], root);
      await lab.exec('login', reread, root);
      expect(refused.exitCode).toBe(1);
      expect(refused.stderr).toMatch(
        /scail@headnode can't log in to alice@login \(lab-slurm\) without a person, not even with the cluster's own key: .*such as a one-time code/,
      );
      expect(refused.stderr).toMatch(/→ nothing was submitted; .*--headnode local.*--headnode login/);
      expect(await lab.read('login', keys)).toBe(own);
      await clean();
    });
  },
);
