import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab, longUnavailable } from '../lab/lab.js';
import { until } from '../lab/programs.js';
import { offerSpark } from '../lab/spark.js';

const reason = longUnavailable();
const name = 'lab-slurm';
const home = `/home/scail/.scailfin/${name}/pool/workers/spark`;
const client = readFileSync(fileURLToPath(new URL('../lab/spark/client.py', import.meta.url)));
const answers = `groups 71428928571 71428071429 71428214286 71428357143 71428500000 71428642857 71428785714
sum 2646700\nhalf 249750.0\n`;

describe.skipIf(reason !== undefined)(
  `Spark when something fails${reason ? ` (skipped: ${reason})` : ''}`,
  { timeout: 900_000 },
  () => {
    let lab: Lab;
    beforeAll(async () => {
      lab = await Lab.up();
      await offerSpark(lab, 'headnode');
      await lab.write('headnode', '/opt/client.py', client, { user: 'root' });
      const options = ['--framework', 'spark', '--workers', '2', '--worker-cores', '6', '--worker-memory', '1100'];
      const up = ['scailfin', 'up', '--site', name, '--nodes', '2', ...options];
      await lab.exec('headnode', up, { timeoutMs: 600_000 });
    }, 1_200_000);
    afterAll(() => lab?.down(), 60_000);

    const use = (...args: string[]) =>
      lab.exec('headnode', ['scailfin', 'exec', name, '--', 'python3', '/opt/client.py', ...args], {
        ...{ timeoutMs: 600_000, check: false },
      });

    it('has another master and server after they were killed, to which the workers go', async () => {
      const before = await lab.read('headnode', `${home}/manager.pid`);
      await lab.exec('headnode', ['kill', '-KILL', before.trim()]);
      const listens = async () => {
        const { stdout } = await lab.exec('headnode', ['ss', '-Hltn', 'sport', '=', ':45002'], { check: false });
        return stdout !== '' && (await lab.read('headnode', `${home}/manager.pid`)) !== before;
      };
      await until('another one', 300_000, listens);
      const { stdout, stderr } = await use('2');
      expect(stdout, stderr).toBe(`nodes c1 c2\n${answers}`);
    });

    it('finishes what it computes when a node dies, and has its worker back', async () => {
      const run = use('2', '0.5');
      await new Promise(resolve => setTimeout(resolve, 20_000));
      await lab.reboot('c2');
      const { stdout, stderr } = await run;
      expect(stdout, stderr).toContain(answers);
      await lab.exec('c2', ['sh', '-c', 'rm -rf /tmp/scailfin-*'], { user: 'root' });
    });

    it('leaves nothing behind', async () => {
      const down = await lab.exec('headnode', ['scailfin', 'down', name], { timeoutMs: 120_000 });
      expect(down.stdout).toContain('Verified: no batch job');
      await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
    });
  },
);
