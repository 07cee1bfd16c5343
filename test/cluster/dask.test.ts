import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { offerDask } from '../lab/dask.js';
import { type HostName, Lab, labUnavailable } from '../lab/lab.js';
import { until } from '../lab/programs.js';
import { scailfin, statusOf } from './helpers/cluster.js';

const reason = labUnavailable();
const name = 'lab-slurm';
const home = `/home/scail/.scailfin/${name}/pool/workers/dask`;
const client = readFileSync(fileURLToPath(new URL('../lab/dask/client.py', import.meta.url)));
const sum = 'sum 2646700\n';

describe.skipIf(reason !== undefined)(`Dask${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up();
    await offerDask(lab, 'headnode');
    await lab.write('headnode', '/opt/client.py', client, { user: 'root' });
  }, 180_000);
  afterAll(() => lab?.down(), 60_000);

  const bash = (script: string, host: HostName = 'headnode', user?: string) =>
    lab.exec(host, ['bash', '-c', script], { check: false, timeoutMs: 85_000, ...(user ? { user } : {}) });
  const use = (args: string) =>
    scailfin(lab, 'headnode', ['exec', name, '--', 'python3', '/opt/client.py', ...args.split(' ')]);
  const parts = async () => (await statusOf(lab, 'headnode', name)).frameworks[0]?.parts ?? [];
  const working = async (n: number) =>
    (await parts()).filter(p => p.name.startsWith('worker ') && p.state === 'alive').length === n;

  it('is installed and started with the cluster, and computes', async () => {
    const options = ['--framework', 'dask', '--workers', '3', '--worker-cores', '3', '--worker-memory', '600'];
    const up = await scailfin(lab, 'headnode', ['up', '--site', name, '--nodes', '1', ...options]);
    expect(up.stderr).toContain('Starting Dask: 3 workers, scheduler on port 38786');
    // one node of 8 cores has room for two
    const { stdout, stderr } = await use('2');
    expect(stdout, stderr).toBe(`nodes c1 c1\n${sum}moved 5000000\n`);
    expect(await parts()).toEqual([
      { name: 'manager', state: 'alive' },
      { name: 'wire', state: 'alive' },
      { name: 'worker 1', state: 'alive', reason: 'on c1' },
      { name: 'worker 2', state: 'alive', reason: 'on c1' },
      { name: 'worker 3', state: 'starting', reason: 'waits for a glide-in with room' },
    ]);
  });

  it('keeps its key, and lets nobody in who has none', async () => {
    const key = (await bash(`sed -n 5p ${home}/tree/dask/key.pem`)).stdout.trim();
    expect(key).toMatch(/^\S{64}$/);
    for (const host of ['headnode', 'c1'] as const) {
      const { stdout } = await bash('cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null', host, 'root');
      expect(stdout.includes(key), host).toBe(false);
    }
    const find =
      'find /tmp/scailfin-* /home/scail/.scailfin /home/scail/.local/state/scailfin -type f -name "*key*" 2>/dev/null';
    for (const host of ['headnode', 'c1'] as const) {
      expect((await bash(find, host, 'root')).stdout).not.toBe('');
      expect((await bash(find, host, 'bob')).stdout).toBe('');
    }
    // whoever listens on the headnode or on a node: bob calls each port, by TLS with a key of his own, and says something
    const ports = async (host: HostName) => {
      const script = `ss -Hltn | awk '{ print $4 }' | grep '^127' | sed 's/.*://' | sort -u`;
      return (await bash(script, host, 'root')).stdout.trim().split('\n');
    };
    const cert =
      'openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=bob -keyout /tmp/bob.pem -out /tmp/bob.crt 2>/dev/null';
    const talk = (port: string, cert: string, key: string) =>
      `(echo; sleep 2) | timeout 5 openssl s_client -connect 127.0.0.1:${port} -cert ${cert} -key ${key} -quiet 2>/dev/null | head -c 2000 | tr -d '\\0'`;
    // this is what whoever has the key is told
    const told = /compression|python/;
    expect((await bash(talk('38786', `${home}/tree/dask/cert.pem`, `${home}/tree/dask/key.pem`))).stdout).toMatch(told);
    for (const host of ['headnode', 'c1'] as const) {
      await bash(cert, host, 'bob');
      const tried = (await ports(host)).map(async port => {
        const plain = `exec 3<>/dev/tcp/127.0.0.1/${port} && printf 'GET /info/main/workers.html HTTP/1.0\\r\\n\\r\\n' >&3; timeout 3 head -c 2000 <&3 | tr -d '\\0'`;
        expect((await bash(plain, host, 'bob')).stdout, `${host} ${port}`).not.toMatch(/200 OK|Workers/);
        const tls = talk(port, '/tmp/bob.crt', '/tmp/bob.pem');
        expect((await bash(tls, host, 'bob')).stdout, `${host} ${port}`).not.toMatch(told);
      });
      await Promise.all(tried);
      await bash('rm -f /tmp/bob.pem /tmp/bob.crt', host, 'bob');
    }
  });

  it("shows its scheduler none of the owner's files, although workers may have it run programs", async () => {
    const look = `
import os
from distributed import Client
def see():
    home = os.listdir("/home/scail") if os.path.exists("/home/scail") else []
    return home, os.path.exists("${home}/../../keys"), os.path.exists("${home}/password"), len([p for p in os.listdir("/proc") if p.isdigit()]) < 5
print(Client(timeout=20).run_on_scheduler(see))`;
    await lab.write('headnode', '/opt/look.py', look, { user: 'root' });
    const { stdout, stderr } = await scailfin(lab, 'headnode', ['exec', name, '--', 'python3', '/opt/look.py']);
    expect(stdout, stderr).toBe("(['.scailfin'], False, False, True)\n");
  });

  it('has workers on another node once there is one', { tags: ['nightly'] }, async () => {
    await scailfin(lab, 'headnode', ['scale', name, '--nodes', '2']);
    await until('three workers', 60_000, () => working(3));
    const { stdout, stderr } = await use('3');
    expect(stdout, stderr).toMatch(/^nodes c1 c[12] c2\n/);
    expect(stdout).toContain(`${sum}moved 5000000\n`);
  });

  it('has another scheduler after one was killed, to which the workers go', { tags: ['nightly'] }, async () => {
    const before = await lab.read('headnode', `${home}/manager.pid`);
    await lab.exec('headnode', ['kill', '-KILL', before.trim()]);
    await until('another one', 60_000, async () => (await lab.read('headnode', `${home}/manager.pid`)) !== before);
    const { stdout, stderr } = await use('3');
    expect(stdout, stderr).toMatch(/^nodes c1 c[12] c2\n/);
    expect(stdout).toContain(`${sum}moved 5000000\n`);
  });

  it('finishes what it computes when a node dies', { tags: ['nightly'] }, async () => {
    const program = ['sh', '-c', 'python3 /opt/client.py 3 0.6 >~/said'];
    const run = scailfin(lab, 'headnode', ['exec', name, '--', ...program]);
    await until('it computes', 60_000, async () => (await bash('cat ~/said')).stdout.startsWith('nodes'));
    await lab.reboot('c2');
    const { stderr } = await run;
    expect((await bash('cat ~/said; rm ~/said')).stdout, stderr).toContain(sum);
    await lab.exec('c2', ['sh', '-c', 'rm -rf /tmp/scailfin-*'], { user: 'root' });
  });

  it('leaves nothing behind', async () => {
    const down = await scailfin(lab, 'headnode', ['down', name]);
    expect(down.stdout).toContain('Verified: no batch job');
    await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
    expect((await bash(`ls ~/.local/state/scailfin/clusters/${name} | grep pem`)).stdout).toBe('');
  });
});
