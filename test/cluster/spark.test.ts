// @module-tag nightly; each time: cluster/dask has the same wire, installation and workers
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HostName, Lab, labUnavailable } from '../lab/lab.js';
import { until } from '../lab/programs.js';
import { offerSpark } from '../lab/spark.js';
import { statusOf } from './helpers/cluster.js';

const reason = labUnavailable();
const name = 'lab-slurm';
const home = `/home/scail/.scailfin/${name}/pool/workers/spark`;
const file = (path: string) => readFileSync(fileURLToPath(new URL(path, import.meta.url)));
/** What `client.py` prints after the nodes. */
const answers = `groups 71428928571 71428071429 71428214286 71428357143 71428500000 71428642857 71428785714
sum 2646700\nhalf 249750.0\n`;

describe.skipIf(reason !== undefined)(`Spark${reason ? ` (skipped: ${reason})` : ''}`, { timeout: 900_000 }, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up();
    await offerSpark(lab, 'headnode');
    await lab.write('headnode', '/opt/client.py', file('../lab/spark/client.py'), { user: 'root' });
    await lab.write('headnode', '/opt/attack.py', file('../lab/spark/attack.py'), { user: 'root' });
    await lab.write('c1', '/opt/attack.py', file('../lab/spark/attack.py'), { user: 'root' });
  }, 600_000);
  afterAll(() => lab?.down(), 60_000);

  const scailfin = (...args: string[]) => lab.exec('headnode', ['scailfin', ...args], { timeoutMs: 600_000 });
  const bash = (script: string, host: HostName = 'headnode', user?: string) =>
    lab.exec(host, ['bash', '-c', script], { check: false, timeoutMs: 85_000, ...(user ? { user } : {}) });
  const use = (...args: string[]) => scailfin('exec', name, '--', 'python3', '/opt/client.py', ...args);
  const parts = async () => (await statusOf(lab, 'headnode', name)).frameworks[0]?.parts ?? [];

  it('is installed and started with the cluster, and computes over two nodes', async () => {
    const options = ['--framework', 'spark', '--workers', '2', '--worker-cores', '2', '--worker-memory', '9000'];
    const up = await scailfin('up', '--site', name, '--nodes', '2', ...options);
    expect(up.stderr).toContain('Starting Spark: 2 workers, Connect server on port 45002');
    // a node of 15.6 GiB has room for one of them
    const { stdout, stderr } = await use('2');
    expect(stdout, stderr).toBe(`nodes c1 c2\n${answers}`);
    expect(await parts()).toEqual([
      { name: 'manager', state: 'alive' },
      { name: 'wire', state: 'alive' },
      { name: 'worker 1', state: 'alive', reason: expect.stringMatching(/^on c[12]$/) },
      { name: 'worker 2', state: 'alive', reason: expect.stringMatching(/^on c[12]$/) },
    ]);
  });

  it('has secrets that no program shows, and no file that others can read', async () => {
    const secrets = [
      (await bash(`sed -n 's/^spark.authenticate.secret //p' ${home}/tree/spark/spark-defaults.conf`)).stdout.trim(),
      (await bash(`cat ${home}/front/token`)).stdout.trim(),
      (await bash(`sed -n 5p ${home}/front/key.pem`)).stdout.trim(),
    ];
    for (const secret of secrets) expect(secret).toMatch(/^\S{43,}$/);
    for (const host of ['headnode', 'c1', 'c2'] as const) {
      const { stdout } = await bash("cat /proc/[0-9]*/cmdline | tr '\\0' ' '", host, 'root');
      expect(stdout).toContain('org.apache.spark');
      // Spark's own programs give the first one to executors in their environment, which only their user can read
      const others = (await bash('cat /proc/[0-9]*/environ 2>/dev/null', host, 'bob')).stdout;
      for (const secret of secrets) {
        expect(stdout.includes(secret), host).toBe(false);
        expect(others.includes(secret), host).toBe(false);
      }
      const find = `grep -rlsF ${secrets.map(s => `-e ${s}`).join(' ')} /tmp /home/scail /home/alice /opt /var/tmp`;
      expect((await bash(find, host, 'bob')).stdout, host).toBe('');
    }
    // nodes do not know what lets clients in, nor the key of the server
    const find = `grep -rlsF -e ${secrets[1]} -e ${secrets[2]} /tmp`;
    expect((await bash(find, 'c1', 'root')).stdout).toBe('');
  });

  it('lets nobody in who has not its secrets, at any of its ports, on the headnode or on nodes', async () => {
    const ports = async (host: HostName) => {
      const script = `ss -Hltn | awk '{ print $4 }' | grep '^127' | sort -u`;
      return (await bash(script, host, 'root')).stdout.trim().split('\n');
    };
    for (const host of ['headnode', 'c1'] as const) {
      const all = await ports(host);
      // the master, a driver's, a worker's and an executor's
      for (const port of [':7077', ':7100', ':7110', ':7120', ':7130'])
        expect(
          all.some(one => one.endsWith(port)),
          `${host} ${port}`,
        ).toBe(true);
      const { stdout, stderr } = await bash(`python3 -I /opt/attack.py ${all.join(' ')}`, host, 'bob');
      const lines = stdout.trim().split('\n');
      expect(lines.length, stderr).toBe(all.length);
      expect(
        lines.filter(line => !line.endsWith(' refused')),
        stderr,
      ).toEqual([]);
    }
    // this is what the same program says of those who know the token
    const { stdout } = await bash(`python3 -I /opt/attack.py --token ${home}/front/token 127.0.0.1:45002`);
    expect(stdout).toBe('127.0.0.1:45002 TLS let in\n');
  });

  it("shows its programs on the headnode none of the owner's files, although workers may have them run programs", async () => {
    const pid = (await bash('pgrep -f "[o]rg.apache.spark.deploy.SparkSubmit"')).stdout.trim();
    const inside = `/proc/${pid}/root`;
    const hidden = ['/home/scail/.local', `${home}/../../keys`, `${home}/../../wire/key.pem`, `${home}/tree/wire/key`];
    const look = (root: string) => `ls -d ${[...hidden, `${home}/front/token`].map(path => root + path).join(' ')}`;
    expect((await bash(look(inside), 'headnode', 'root')).stdout).toBe(`${inside}${home}/front/token\n`);
    // outside of it, all of them are there
    expect((await bash(look(''), 'headnode', 'root')).stdout.trim().split('\n').length).toBe(5);
    expect(Number((await bash(`ls ${inside}/proc | grep -c '^[0-9]'`, 'headnode', 'root')).stdout)).toBeLessThan(10);
  });

  it('has fewer workers by the same command with another number', async () => {
    await scailfin('up', name, '--framework', 'spark', '--workers', '1');
    await until(
      'one worker',
      60_000,
      async () => (await parts()).filter(p => p.name.startsWith('worker ')).length === 1,
    );
    const { stdout, stderr } = await use('1');
    expect(stdout, stderr).toMatch(/^nodes c[12]\n/);
    expect(stdout).toContain(answers);
    await scailfin('up', name, '--framework', 'spark', '--workers', '2');
  });

  it('has another master and server after they were killed, to which the workers go', async () => {
    const before = await lab.read('headnode', `${home}/manager.pid`);
    await lab.exec('headnode', ['kill', '-KILL', before.trim()]);
    await until('another one', 120_000, async () => {
      const { stdout } = await bash('ss -Hltn sport = :45002');
      return stdout !== '' && (await lab.read('headnode', `${home}/manager.pid`)) !== before;
    });
    const { stdout, stderr } = await use('2');
    expect(stdout, stderr).toBe(`nodes c1 c2\n${answers}`);
  });

  it('finishes what it computes when a node dies', async () => {
    const program = ['sh', '-c', 'python3 /opt/client.py 2 0.3 >~/said'];
    const run = scailfin('exec', name, '--', ...program);
    await until('it computes in Python', 120_000, async () => (await bash('cat ~/said')).stdout.includes('groups'));
    await lab.reboot('c2');
    const { stderr } = await run;
    expect((await bash('cat ~/said; rm ~/said')).stdout, stderr).toContain(answers);
    await lab.exec('c2', ['sh', '-c', 'rm -rf /tmp/scailfin-*'], { user: 'root' });
  });

  it('leaves nothing behind', async () => {
    const down = await scailfin('down', name);
    // the node that died could not remove its files
    expect(down.stdout).toContain('Verified: no batch job');
    await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
    expect((await bash(`ls ~/.local/state/scailfin/clusters/${name} | grep spark`)).stdout).toBe('');
  });
});
