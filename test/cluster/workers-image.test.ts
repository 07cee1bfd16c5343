// @module-tag nightly; each time: frameworks/parsl
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareImage } from '../lab/image.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { offerParsl } from '../lab/parsl.js';
import { offerSpark, sparkRequirements } from '../lab/spark.js';
import { scailfin, statusOf } from './helpers/cluster.js';

const reason = labUnavailable();
const name = 'lab-slurm';
const beside = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const parslRequirements = beside('../../templates/worker/parsl/requirements.txt');
const slowly = { timeoutMs: 300_000 };

/** Dask's and JupyterLab's have tests of their own. */
describe.skipIf(reason !== undefined)(
  `workers in an image${reason ? ` (skipped: ${reason})` : ''}`,
  { timeout: 400_000 },
  () => {
    let lab: Lab;
    beforeAll(async () => {
      const [spark, parsl] = [
        await prepareImage(undefined, sparkRequirements),
        await prepareImage(undefined, parslRequirements),
      ];
      lab = await Lab.up();
      await offerParsl(lab, 'headnode');
      await offerSpark(lab, 'headnode');
      await lab.write('headnode', '/opt/client.py', readFileSync(beside('../lab/spark/client.py')), { user: 'root' });
      await lab.write('login', '/home/alice/spark.sif', readFileSync(spark), { mode: 0o644 });
      await lab.write('login', '/home/alice/parsl.sif', readFileSync(parsl), { mode: 0o644 });
    }, 600_000);
    afterAll(() => lab?.down(), 60_000);

    const up = (framework: string, image: string, ...more: string[]) => {
      const options = [
        '--framework',
        framework,
        '--workers',
        '1',
        '--worker-image',
        `/home/alice/${image}.sif`,
        ...more,
      ];
      return scailfin(lab, 'headnode', ['up', '--site', name, '--nodes', '1', ...options], slowly);
    };
    const inContainers = async (what: string): Promise<string> => {
      const seen = `for p in $(pgrep -f '${what}'); do ls -d /proc/$p/root/.singularity.d; done`;
      return (await lab.exec('c1', ['sh', '-c', seen], { user: 'root', check: false })).stdout;
    };

    it('of Parsl compute with what is in it, and say which version it lacks', async () => {
      await up('parsl', 'parsl');
      const use = ['exec', name, '--', 'sh', '-c', 'python3 /opt/program.py 40 0.5 & sleep 20; wait'];
      const run = scailfin(lab, 'headnode', use, slowly);
      await expect.poll(() => inContainers('[p]rocess_worker_pool'), { timeout: 60_000 }).toContain('.singularity.d');
      expect((await run).stdout).toContain('sum 20540 on c1');
      await up('parsl', 'spark');
      const { stderr } = await scailfin(lab, 'headnode', ['exec', name, '--', 'python3', '/opt/program.py', '4'], {
        ...{ ...slowly, check: false },
      });
      expect(stderr).toContain('the image has no Parsl for its python3');
    });

    it('of Spark compute with what is in it', async () => {
      await up('spark', 'spark', '--worker-memory', '2000', '--worker-cores', '2');
      const use = ['exec', '--framework', 'spark', name, '--', 'python3', '/opt/client.py', '1'];
      const { stdout, stderr } = await scailfin(lab, 'headnode', use, slowly);
      expect(stdout, stderr).toMatch(/^nodes c1\ngroups [\d ]+\nsum 2646700\nhalf 249750.0\n$/);
      expect(await inContainers('[o]rg.apache.spark.deploy.worker')).toContain('.singularity.d');
      const parts = (await statusOf(lab, 'headnode', name)).frameworks.find(f => f.name === 'spark')?.parts;
      expect(parts?.find(p => p.name === 'worker 1')).toMatchObject({ state: 'alive', reason: 'on c1' });
    });

    it('leave nothing behind', async () => {
      const down = await scailfin(lab, 'headnode', ['down', name]);
      expect(down.stdout).toContain('Verified: no batch job');
      await lab.exec('login', ['sh', '-c', 'rm /home/alice/*.sif']);
      await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
    });
  },
);
