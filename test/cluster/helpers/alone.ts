import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HostName, Lab, labUnavailable } from '../../lab/lab.js';
import type { SiteName } from '../../lab/site.js';
import { scailfin, statusOf } from './cluster.js';

const reason = labUnavailable();
const root = { user: 'root' };

/** Seconds until a glide-in without a job leaves, and until one that has lost its headnode does. */
const [IDLE, LOST] = [45, 18];
/** A glide-in looks around every few seconds, HTCondor takes its time to stop, and the machine may be busy. Seconds. */
const SLACK = 90;

/** A site of the lab, and how its batch system is told to start no job, and to go on. */
export interface AloneSite {
  readonly site: SiteName;
  readonly profile: string;
  readonly close: string;
  readonly open: string;
}

/** Whatever goes away for good, and whoever forgets them: glide-ins end by themselves, within their limits. */
export function alone({ site, profile, close, open }: AloneSite): void {
  describe.skipIf(reason !== undefined)(
    `glide-ins that nobody ends: ${profile}${reason ? ` (skipped: ${reason})` : ''}`,
    () => {
      let lab: Lab;
      const size = [
        '--nodes',
        '2',
        '--cores',
        '1',
        '--memory',
        '1G',
        '--walltime',
        '30m',
        '--idle-timeout',
        `${IDLE}s`,
      ];
      const asRoot = (host: HostName, script: string) => lab.exec(host, ['sh', '-ec', script], root);

      beforeAll(async () => {
        lab = await Lab.up({ site });
      });
      afterAll(() => lab?.down());

      const up = (name: string, host: HostName = 'headnode', headnode = 'local') =>
        scailfin(lab, host, ['up', name, '--site', profile, '--headnode', headnode, ...size]);
      const joined = async (name: string) =>
        (await statusOf(lab, 'headnode', name)).sites.flatMap(s => s.glideins).filter(g => g.joined).length;

      /** Nothing runs on the nodes any more, and nothing of it is there; so long after now at the latest. Seconds. */
      const expectAlone = async (limit: number): Promise<void> => {
        // the batch system's own daemons, which are root's, and the directory that Grid Engine makes for a job wait for their
        // controller, if that is gone
        const isOurs = (line: string): boolean =>
          /^c[12]: (?!process \d+ root |file \/tmp\/[\d.]+\.all\.q )/.test(line);
        const onNodes = async () => (await lab.leftovers()).filter(isOurs);
        expect(await onNodes()).not.toEqual([]);
        await expect.poll(onNodes, { timeout: (limit + SLACK) * 1000, interval: 2000 }).toEqual([]);
      };
      /** The batch system has no job any more, by its own word. */
      const expectNoJobs = () =>
        expect
          .poll(async () => (await lab.leftovers()).filter(line => line.startsWith(`${site}: `)), { timeout: 30_000 })
          .toEqual([]);

      /** A cluster whose glide-ins leave soon if they lose their headnode: they read that when they begin. */
      const upEasilyLost = async (name: string): Promise<void> => {
        await asRoot('login', close);
        await scailfin(lab, 'headnode', ['up', name, '--site', profile, ...size, '--no-wait']);
        await lab.exec('login', ['sed', '-i', `s/^lost=.*/lost=${LOST} look=1/`, `.scailfin/${name}/site/settings`]);
        await asRoot('login', open);
        await expect.poll(() => joined(name), { timeout: 60_000 }).toBe(2);
      };

      it('leave when the laptop is gone for good', async () => {
        await up('away', 'laptop', 'scail@headnode');
        await lab.partition('laptop', true);
        await expectAlone(IDLE);
        await expectNoJobs();
        await lab.partition('laptop', false);
        await scailfin(lab, 'laptop', ['down', 'away']);
      }, 300_000);

      it('leave when the journal was deleted', async () => {
        await up('forgotten');
        await lab.exec('headnode', ['rm', '-rf', '.local/state/scailfin']);
        await expectAlone(IDLE);
        await expectNoJobs();
        await scailfin(lab, 'headnode', ['down', 'forgotten', '--site', profile]);
      }, 300_000);

      it('leave when their token was revoked, and the site could not be reached to cancel them', async () => {
        await up('revoked');
        await lab.refuseSshFrom('headnode', true);
        const { stderr } = await scailfin(lab, 'headnode', ['token', 'revoke', 'revoked', '--all']);
        expect(stderr).toContain('glide-ins there leave by themselves');
        await expectAlone(IDLE);
        await expectNoJobs();
        await lab.refuseSshFrom('headnode', false);
        await scailfin(lab, 'headnode', ['down', 'revoked']);
      }, 300_000);

      it('leave when nothing can be written to the home directory of the site any more', async () => {
        await up('stuck');
        // read-only on one node, full on the other: what is written goes to a layer without room
        await asRoot('c1', 'mount --bind /home /home; mount -o remount,ro,bind /home');
        const layer = 'mkdir /run/full; mount -t tmpfs -o size=64k none /run/full; cd /run/full; mkdir upper work';
        const fill =
          'mount -t overlay -o lowerdir=/home,upperdir=upper,workdir=work none /home; dd if=/dev/zero of=fill bs=1k';
        await asRoot('c2', `${layer}; ${fill} 2>/dev/null || true`);
        const touch = ['sh', '-c', 'head -c 9000 /dev/zero >/home/alice/.scailfin/stuck/site/logs/new'];
        for (const node of ['c1', 'c2'] as const)
          expect((await lab.exec(node, touch, { check: false })).exitCode, node).not.toBe(0);
        await expectAlone(IDLE);
        await expectNoJobs();
        await asRoot('c1', 'umount /home');
        await asRoot('c2', 'umount /home /run/full; rmdir /run/full');
        await scailfin(lab, 'headnode', ['down', 'stuck']);
      }, 300_000);

      it('leave when the headnode is gone for good', async () => {
        await upEasilyLost('headless');
        await lab.partition('headnode', true);
        await expectAlone(LOST);
        await expectNoJobs();
        await lab.partition('headnode', false);
        await scailfin(lab, 'headnode', ['down', 'headless']);
      }, 300_000);

      it('leave when the login node is gone, which is their way to the headnode', async () => {
        await upEasilyLost('cut');
        await lab.partition('login', true);
        await expectAlone(LOST);
        await lab.partition('login', false);
        await expectNoJobs();
        await scailfin(lab, 'headnode', ['down', 'cut']);
        await expect.poll(() => lab.leftovers(), { timeout: 20_000 }).toEqual([]);
      }, 300_000);
    },
  );
}
