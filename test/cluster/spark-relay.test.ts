// @module-tag nightly; each time: cluster/dask, and cluster/relay for the relay
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { offerSpark, sparkClient, sparkRequirements } from '../lab/spark.js';
import { offer } from '../lab/wheels.js';
import { verified } from './helpers/cycle.js';

const reason = labUnavailable();
const file = (path: string) => readFileSync(fileURLToPath(new URL(path, import.meta.url)));

/** The client is on a laptop, the master on a headnode elsewhere, and nodes reach nothing but their login node. */
describe.skipIf(reason !== undefined)(
  `Spark from a laptop, through the relay${reason ? ` (skipped: ${reason})` : ''}`,
  { timeout: 900_000 },
  () => {
    let lab: Lab;
    beforeAll(async () => {
      lab = await Lab.up({ isolated: true });
      await offerSpark(lab, 'headnode');
      await offer(lab, 'laptop', [sparkRequirements, sparkClient]);
      for (const name of ['client.py', 'attack.py'])
        await lab.write('laptop', `/opt/${name}`, file(`../lab/spark/${name}`), { user: 'root' });
      for (const [name, path] of [
        ['requirements', sparkRequirements],
        ['client', sparkClient],
      ] as const)
        await lab.write('laptop', `/opt/${name}.txt`, readFileSync(path), { user: 'root' });
      const install =
        'python3 -m venv own && own/bin/pip install -q --no-cache-dir --no-deps -r /opt/requirements.txt && own/bin/pip install -q --no-cache-dir --no-deps --no-build-isolation -r /opt/client.txt';
      await lab.exec('laptop', ['sh', '-c', install], { timeoutMs: 300_000 });
    }, 1_200_000);
    afterAll(() => lab?.down(), 60_000);

    const laptop = (script: string, user?: string) =>
      lab.exec('laptop', ['bash', '-c', script], { timeoutMs: 600_000, check: false, ...(user ? { user } : {}) });

    it('computes on nodes that can call nobody, and move data between them', async () => {
      const options = ['--framework', 'spark', '--workers', '2', '--worker-cores', '6', '--worker-memory', '1100'];
      const request = ['up', 'far', '--site', 'lab-slurm', '--headnode', 'headnode', '--nodes', '2'];
      const up = await lab.exec('laptop', ['scailfin', ...request, ...options], { timeoutMs: 600_000 });
      expect(up.stderr).toContain('Opening the relay');
      const { stdout, stderr } = await laptop('eval "$(scailfin env far)" && own/bin/python /opt/client.py 2');
      expect(stdout, stderr).toBe(
        `nodes c1 c2\ngroups 71428928571 71428071429 71428214286 71428357143 71428500000 71428642857 71428785714
sum 2646700\nhalf 249750.0\n`,
      );
      expect(stderr).toMatch(/process \d+ forwards port \d+ to Spark/);
    });

    it('lets no other user of the laptop in, and tells its token to no other server', async () => {
      const { stdout } = await laptop('eval "$(scailfin env far 2>/dev/null)" && echo "$SPARK_REMOTE"');
      const [, port = ''] = /127\.0\.0\.1:(\d+)/.exec(stdout) ?? [];
      expect((await laptop(`python3 -I /opt/attack.py 127.0.0.1:${port}`, 'bob')).stdout).toBe(
        `127.0.0.1:${port} refused\n`,
      );
      const find = 'find / -xdev -type f -readable -name "spark.*" 2>/dev/null | grep clusters';
      expect((await laptop(find)).stdout).toContain('spark.token');
      expect((await laptop(find, 'bob')).stdout).toBe('');
      // a server of another user, with a certificate of its own, at the port that a client calls
      const other = `openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout /tmp/bob.pem -out /tmp/bob.crt 2>/dev/null
(sleep 15 | timeout 15 openssl s_server -accept 127.0.0.1:47999 -alpn h2 -cert /tmp/bob.crt -key /tmp/bob.pem >/tmp/bob.out 2>&1); cat /tmp/bob.out; rm -f /tmp/bob.*`;
      const heard = laptop(other, 'bob');
      const call = `eval "$(scailfin env far 2>/dev/null)"; export SPARK_REMOTE="sc://127.0.0.1:47999/;use_ssl=true"; timeout 12 own/bin/python /opt/client.py 1; cat "$(ls -d ~/.local/state/scailfin/clusters/far)/spark.token"`;
      const token = (await laptop(call)).stdout.trim();
      expect(token).toMatch(/^\S{43}$/);
      const said = (await heard).stdout;
      // it was called, and the caller hung up in the middle of the greeting
      expect(said).toMatch(/ACCEPT[\s\S]*(alert|unexpected eof)/i);
      expect(said).not.toContain(token);
    });

    it('leaves nothing behind', async () => {
      await lab.exec('laptop', ['rm', '-rf', 'own']);
      const down = await lab.exec('laptop', ['scailfin', 'down', 'far'], { timeoutMs: 120_000 });
      expect(down.stdout).toContain(verified);
      await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
    });
  },
);
