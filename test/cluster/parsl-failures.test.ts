// @module-tag nightly; each time: frameworks/parsl
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { offerParsl } from '../lab/parsl.js';
import { until } from '../lab/programs.js';
import { scailfin, statusOf } from './helpers/cluster.js';

const reason = labUnavailable();
const name = 'lab-slurm';
const pool = `/home/scail/.scailfin/${name}/pool`;

describe.skipIf(reason !== undefined)(
  `Parsl when something dies${reason ? ` (skipped: ${reason})` : ''}`,
  { timeout: 300_000 },
  () => {
    let lab: Lab;
    beforeAll(async () => {
      lab = await Lab.up();
      await offerParsl(lab, 'headnode');
      const options = ['--framework', 'parsl', '--workers', '2', '--worker-cores', '2', '--worker-memory', '9000'];
      await scailfin(lab, 'headnode', ['up', '--site', name, '--nodes', '2', ...options]);
    }, 240_000);
    afterAll(() => lab?.down(), 60_000);

    const bash = (script: string) => lab.exec('headnode', ['bash', '-c', script], { check: false, timeoutMs: 280_000 });
    const run = (args: string) => bash(`scailfin exec ${name} -- timeout 270 python3 /opt/program.py ${args}`);
    const blocks = async () =>
      ((await statusOf(lab, 'headnode', name)).frameworks[0]?.parts ?? []).filter(p => p.name.startsWith('worker '));
    const alive = async () => (await blocks()).filter(p => p.state === 'alive');
    const left = async () =>
      (
        await bash(
          `pgrep -f '[H]TEX interchange'; ls ${pool}/wire/services ${pool}/workers/parsl/programs | grep parsl-`,
        )
      ).stdout;

    it('takes the blocks of a killed program away, and its interchange', async () => {
      const program = run('500 1 2');
      await until('two blocks', 150_000, async () => (await alive()).length === 2);
      await lab.exec('headnode', ['pkill', '-KILL', '-f', '^python3 /opt/program.py']);
      await program;
      await until('nothing', 60_000, async () => (await blocks()).length === 0 && (await left()) === '');
    });

    it('ends the blocks when the interchange was killed, too, and the next program removes the rest', async () => {
      const program = run('500 1 2');
      await until('two blocks', 150_000, async () => (await alive()).length === 2);
      const log = `$(ls -td ${pool}/workers/parsl/runinfo/* | head -n 1)/pool/interchange.log`;
      await until('both to have come', 120_000, async () => {
        return (await bash(`grep -c 'Registered manager' ${log}`)).stdout === '2\n';
      });
      // together: each would see that the other one has gone
      await bash('kill -KILL $(pgrep -f "[H]TEX interchange|^python3 /opt/[p]rogram.py")');
      await program;
      expect(await blocks()).toHaveLength(2);
      await until('no block', 120_000, async () => (await blocks()).length === 0);
      expect(await left()).not.toBe('');
      expect((await run('4')).stdout).toContain('sum 14 on');
      expect(await left()).toBe('');
    });

    it('says at once why no block can start, and has no more of them', async () => {
      const broken = 'echo "this is broken" >&2; exit 1';
      await bash(`cd ${pool}/workers/parsl/tree && mv worker.sh kept && echo '${broken}' >worker.sh`);
      const { stdout, stderr } = await run('4');
      expect(stdout).toBe('');
      expect(stderr).toContain('this is broken');
      await bash(`cd ${pool}/workers/parsl/tree && mv kept worker.sh`);
      expect(await blocks()).toEqual([]);
    });

    it('computes again what was lost with a node', async () => {
      const program = run('60 1 2 >~/said');
      // with one node, there is room for one block only
      await until('two blocks', 150_000, async () => (await bash('cat ~/said')).stdout.includes('blocks 2'));
      const dead = (await alive())[1]?.reason === 'on c1' ? 'c1' : 'c2';
      await lab.reboot(dead);
      const { stderr } = await program;
      expect((await bash('cat ~/said; rm ~/said')).stdout, stderr).toContain('sum 70210 on');
      await lab.exec(dead, ['sh', '-c', 'rm -rf /tmp/scailfin-*'], { user: 'root' });
    });

    it('leaves nothing behind', async () => {
      const down = await scailfin(lab, 'headnode', ['down', name]);
      // the node that died could not remove its files
      expect(down.stdout).toContain('Verified: no batch job');
      await expect.poll(() => lab.leftovers(), { timeout: 15_000 }).toEqual([]);
    });
  },
);
