import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostName } from '../lab/lab.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { until } from '../lab/programs.js';
import { installWorkQueue, sumOfSquares } from '../lab/workqueue.js';
import { scailfin, statusOf } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';

const reason = labUnavailable();
const name = 'lab-slurm';
const pool = `/home/scail/.scailfin/${name}/pool`;
/** Nothing of the headnode can be called but its pool's port. */
const firewall = `table inet only {
  chain input {
    type filter hook input priority 0; policy drop;
    iif lo accept
    ct state established,related accept
    tcp dport 9618 accept
  }
}
`;

describe.skipIf(reason !== undefined)(`Work Queue${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up();
    await installWorkQueue(lab, 'headnode');
    await lab.write('headnode', '/tmp/only', firewall, { user: 'root' });
    await lab.exec('headnode', ['nft', '-f', '/tmp/only'], { user: 'root' });
  }, 180_000);
  afterAll(() => lab?.down(), 60_000);

  const bash = async (script: string, host: HostName = 'headnode', user?: string) =>
    lab.exec(host, ['bash', '-c', script], { check: false, timeoutMs: 80_000, ...(user ? { user } : {}) });
  const parts = async () => (await statusOf(lab, 'headnode', name)).frameworks[0]?.parts ?? [];
  const working = async (n: number) =>
    (await parts()).filter(p => p.name.startsWith('worker ') && p.state === 'alive').length === n;

  it('is there with the cluster: its workers wait for a manager, on whatever node has room', async () => {
    const options = ['--framework', 'workqueue', '--workers', '3', '--worker-cores', '4', '--worker-memory', '2000'];
    const up = await scailfin(lab, 'headnode', ['up', '--site', name, '--nodes', '1', ...options]);
    expect(up.stderr).toContain('Work Queue 3 workers of 4 cores and 2 GiB');
    expect(up.stdout).toContain('eval "$(scailfin env lab-slurm)" && ./MANAGER');
    // one node of 8 cores has room for two
    await until('two workers', 60_000, () => working(2));
    expect((await statusOf(lab, 'headnode', name)).frameworks[0]).toMatchObject({ name: 'workqueue', state: 'alive' });
    expect(await parts()).toEqual([
      { name: 'manager', state: 'starting', reason: 'none of your programs listens on port 39123' },
      { name: 'wire', state: 'alive' },
      { name: 'worker 1', state: 'alive', reason: 'on c1' },
      { name: 'worker 2', state: 'alive', reason: 'on c1' },
      { name: 'worker 3', state: 'starting', reason: 'waits for a glide-in with room' },
    ]);
    const { exitCode } = await bash('timeout 3 bash -c ": </dev/tcp/10.77.0.3/39123"', 'c1');
    expect(exitCode).not.toBe(0);
  });

  it('runs the tasks of a manager, whose answers are right', async () => {
    const run = await bash('mkdir -p m && cd m && eval "$(scailfin env)" && timeout 60 wqmanager 20');
    expect(run.stdout, run.stderr).toContain(sumOfSquares(20));
    expect(run.stdout).toMatch(/^task 1 on c1$/m);
    // and so does `scailfin exec`, which also works from elsewhere
    const exec = await bash(`cd m && timeout 60 scailfin exec ${name} -- sh -c 'cd ~/m && wqmanager 5'`);
    expect(exec.stdout, exec.stderr).toContain(sumOfSquares(5));
  });

  it('keeps its secrets, and lets nobody else in', async () => {
    const secrets = (
      await bash(`cat ${pool}/workers/workqueue/password ${pool}/workers/workqueue/tree/wire/key`)
    ).stdout
      .trim()
      .split('\n');
    expect(secrets).toHaveLength(2);
    for (const host of ['headnode', 'login', 'c1'] as const) {
      const all = 'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr "\\0" "\\n"';
      const { stdout } = await bash(all, host, 'root');
      for (const secret of secrets) expect(stdout.includes(secret), host).toBe(false);
    }
    // what others could open
    const open = `find ${pool} -perm /077 -type f ! -path '*/node' 2>/dev/null; ls ${pool}`;
    expect((await bash(open, 'headnode', 'bob')).stdout).toBe('');
    const there = 'find /tmp/scailfin-*/execute/dir_*/ -name password -o -name key.pem -o -name key 2>/dev/null';
    expect((await bash(there, 'c1', 'root')).stdout).not.toBe('');
    expect((await bash(there, 'c1', 'bob')).stdout).toBe('');
    // the ports at which the workers' ends of the wire listen
    const ports = `ss -Hltnp | sed -n 's/.*127.0.0.1:\\([0-9]*\\) .*"python3".*/\\1/p'`;
    const port = (await bash(ports, 'c1', 'root')).stdout.trim().split('\n')[0];
    expect(port).toMatch(/^\d+$/);
    // the manager waits for tasks to end, and takes workers
    const manager = bash('cd m && eval "$(scailfin env)" && timeout 60 wqmanager 4 6');
    await until('the manager', 60_000, async () => (await parts())[0]?.state === 'alive');
    // WORD ends a line of the worker's; a manager that lets somebody in answers it
    const talk = (at: string) =>
      `exec 3<>/dev/tcp/${at} && printf 'workqueue 11 bob linux x86_64 8.0.0\\ninfo worker-id x\\nready\\n' >&3; timeout 5 head -c 300 <&3 | tr -d '\\0'`;
    // a node's other users are refused before a word is said
    expect((await bash(talk(`127.0.0.1/${port}`), 'c1', 'bob')).stdout).toBe('');
    // the headnode's others meet the manager, which wants the password first
    await lab.write('headnode', '/tmp/wrong', 'guess\n', { user: 'root', mode: 0o644 });
    const guess = 'timeout 8 work_queue_worker -P /tmp/wrong --single-shot -t 5 -s /tmp 127.0.0.1 39123 2>&1';
    expect((await bash(guess, 'headnode', 'bob')).stdout).toContain('wrong password');
    const run = await manager;
    expect(run.stdout, run.stderr).toContain(sumOfSquares(4));
    expect(run.stdout).not.toContain('on headnode');
  });

  it("does not lead the workers to another user's program", { tags: ['nightly'] }, async () => {
    const listen = `python3 -c "
import socket
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('', 39123)); s.listen(9); s.settimeout(12)
try: print('somebody came from', s.accept()[1])
except socket.timeout: print('nobody came')"`;
    const bob = bash(listen, 'headnode', 'bob');
    await until('status to say so', 60_000, async () => /another user of/.test((await parts())[0]?.reason ?? ''));
    expect((await bob).stdout).toBe('nobody came\n');
  });

  it('has workers on another node once there is one, and has as many as are asked for', {
    tags: ['nightly'],
  }, async () => {
    await scailfin(lab, 'headnode', ['scale', name, '--nodes', '2']);
    await until('three workers', 60_000, () => working(3));
    const run = await bash('cd m && eval "$(scailfin env)" && timeout 60 wqmanager 24 1');
    expect(run.stdout, run.stderr).toContain(sumOfSquares(24));
    expect(new Set(run.stdout.match(/on c\d/g))).toEqual(new Set(['on c1', 'on c2']));
    const again = ['up', '--site', name, '--nodes', '2', '--framework', 'workqueue', '--workers'];
    await scailfin(lab, 'headnode', [...again, '4']);
    await until('four workers', 60_000, () => working(4));
    await scailfin(lab, 'headnode', [...again, '1']);
    expect((await parts()).filter(p => p.name.startsWith('worker '))).toMatchObject([{ name: 'worker 1' }]);
    // what is not said stays
    await scailfin(lab, 'headnode', again.slice(0, -1));
    expect((await parts()).filter(p => p.name.startsWith('worker '))).toMatchObject([{ state: 'alive' }]);
  });

  it('leaves nothing behind', async () => {
    await bash('rm -rf m');
    const down = await scailfin(lab, 'headnode', ['down', name]);
    expect(down.stdout).toContain(verified);
    await lab.exec('headnode', ['rm', '/tmp/wrong', '/tmp/only'], { user: 'root' });
    await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
    expect((await bash(`ls ~/.local/state/scailfin/clusters/${name} | grep password`)).stdout).toBe('');
  });
});
