import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type HostName, Lab, labUnavailable } from './lab/lab.js';
import { program, until } from './lab/programs.js';
import { labDir, names } from './lab/record.js';
import { passphrase } from './secrets.js';

const reason = labUnavailable();
const root = { user: 'root' };

describe.skipIf(reason !== undefined)(`the lab${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up();
  });
  afterAll(async () => {
    await lab?.down();
  });

  const sh = async (host: HostName, script: string, options: { user?: string; timeoutMs?: number } = {}) =>
    lab.exec(host, ['sh', '-c', script], { check: false, ...options });
  const canConnect = async (from: HostName, to: string, port: number, within = lab) =>
    (await within.exec(from, ['nc', '-z', '-w', '2', to, String(port)], { check: false })).exitCode === 0;
  const listen = async (on: HostName, port: number, within = lab) => {
    const server = within.spawn(on, ['nc', '-lk', String(port)]);
    await until(`port ${port} of ${on}`, 5000, () => canConnect(on, '127.0.0.1', port, within));
    return server;
  };
  const ssh = (command: string, options = {}) =>
    lab.exec(
      'laptop',
      ['ssh', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes', 'alice@login', command],
      options,
    );

  test('compute nodes reach the headnode, by the login node’s address', async () => {
    expect(await canConnect('c1', 'headnode', 22)).toBe(true);
    const server =
      'import socket; s = socket.create_server(("", 7001)); print("up", flush=True); print(s.accept()[1][0])';
    const child = lab.spawn('headnode', ['python3', '-c', server]);
    let heard = '';
    child.stdout?.on('data', data => {
      heard += data;
    });
    await until('the server', 5000, () => heard.includes('up'));
    await lab.exec('c1', ['nc', '-z', '-w', '2', 'headnode', '7001']);
    await until('the address', 5000, () => heard.includes('10.77.0.10'));
  });

  test('nothing from outside reaches compute nodes, the LAN does', async () => {
    const server = await listen('c1', 7000);
    expect(await canConnect('login', 'c1', 7000)).toBe(true);
    expect(await canConnect('c2', 'c1', 7000)).toBe(true);
    expect(await canConnect('headnode', '10.77.1.11', 7000)).toBe(false);
    // nor with a route, which the login node does not forward on
    await lab.exec('headnode', ['ip', 'route', 'add', '10.77.1.0/24', 'via', '10.77.0.10'], root);
    expect(await canConnect('headnode', '10.77.1.11', 7000)).toBe(false);
    server.kill('SIGKILL');
    expect((await sh('laptop', 'getent hosts c1')).exitCode).not.toBe(0);
  });

  test('scail logs in from the laptop with key and known host key', async () => {
    expect((await ssh('id -un; hostname')).stdout).toBe('alice\nlogin\n');
    const toHeadnode = await lab.exec('laptop', ['ssh', '-o', 'BatchMode=yes', 'scail@headnode', 'hostname']);
    expect(toHeadnode.stdout).toBe('headnode\n');
    const asBob = ['ssh', '-o', 'BatchMode=yes', 'bob@login', 'true'];
    expect((await lab.exec('laptop', asBob, { check: false })).exitCode).toBe(255);
  });

  test('a Slurm job submitted over SSH runs on both nodes, its output in the shared home', async () => {
    await ssh('sbatch --wait -N2 -n2 -o both.out --wrap "srun sh -c \'echo \\$(id -un) \\$(hostname)\'"');
    expect((await lab.read('login', 'both.out')).trim().split('\n').sort()).toEqual(['alice c1', 'alice c2']);
    expect((await ssh('sinfo -h -o "%R %l %c %m"')).stdout).toBe('debug 2-00:00:00 8 16000\nshort 10:00 8 16000\n');
  });

  test('HTCondor is on the headnode and the login node only', async () => {
    const has = async (host: HostName) => (await sh(host, 'command -v condor_master')).exitCode === 0;
    expect(await Promise.all((['headnode', 'login', 'laptop', 'c1', 'c2'] as const).map(has))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    const rest = 'ls -d /usr/sbin/condor* /usr/libexec/condor /usr/lib/*/libcondor_utils* /etc/condor 2>/dev/null';
    expect((await sh('c1', rest)).stdout).toBe('');
    expect((await sh('headnode', rest)).stdout).not.toBe('');
  });

  test('this Node.js and this repository are there, not to be written', async () => {
    for (const host of ['laptop', 'headnode', 'login'] as const) {
      expect((await sh(host, 'node --version')).stdout.trim()).toBe(process.version);
      expect((await sh(host, 'touch /opt/scailfin/x', root)).stderr).toContain('Read-only file system');
      expect((await sh(host, 'test -f /opt/scailfin/package.json && command -v scailfin')).exitCode).toBe(0);
    }
  });

  test('files are written as their owner', async () => {
    await lab.write('login', 'a dir/a file', Buffer.from([0, 255, 10]), { mode: 0o600 });
    expect((await sh('c2', 'stat -c "%U %a %s" "a dir/a file"')).stdout).toBe('alice 600 3\n');
    await lab.write('c1', '/etc/note', 'text', { user: 'root' });
    expect(await lab.read('c1', '/etc/note')).toBe('text');
    await expect(lab.write('c1', '/etc/note', 'text')).rejects.toThrow('Permission denied');
  });

  test('exec gives status and streams, and ends what takes too long', async () => {
    const result = await lab.exec('laptop', ['sh', '-c', 'cat; echo $WORD >&2; exit 3'], {
      stdin: 'in',
      env: { WORD: 'a b' },
      check: false,
    });
    expect(result).toEqual({ stdout: 'in', stderr: 'a b\n', exitCode: 3 });
    await expect(lab.exec('laptop', ['false'])).rejects.toThrow('scail@laptop: false: exit status 1');
    await expect(lab.exec('laptop', ['sleep', '61'], { timeoutMs: 300 })).rejects.toThrow('not done in 0.3 s');
    expect((await sh('laptop', 'pgrep -x sleep -a | grep 61')).stdout).toBe('');
  });

  test('kill on a spawned command reaches the command', async () => {
    const child = lab.spawn('laptop', [
      'sh',
      '-c',
      'trap "echo caught; exit 7" TERM; echo up; while :; do sleep 0.05; done',
    ]);
    let heard = '';
    child.stdout?.on('data', data => {
      heard += data;
    });
    await until('the command', 5000, () => heard.includes('up'));
    child.kill('SIGTERM');
    expect(await new Promise(resolve => child.on('close', resolve))).toBe(7);
    expect(heard).toContain('caught');
  });

  test('a rebooted node has lost its processes and works again', async () => {
    await sh('c1', 'setsid sleep 62 > /dev/null 2>&1 & touch /tmp/gone kept; touch /var/tmp/kept');
    expect((await sh('c1', 'pgrep -fx "sleep 62"')).exitCode).toBe(0);
    await lab.reboot('c1');
    expect((await sh('c1', 'pgrep -fx "sleep 62"')).exitCode).toBe(1);
    expect((await sh('c1', 'ls /tmp/gone; ls ~/kept; rm /var/tmp/kept')).stdout).toBe('/home/alice/kept\n');
    expect((await ssh('srun -w c1 hostname')).stdout).toBe('c1\n');
    await lab.reboot('login');
    expect((await ssh('srun -w c2 hostname')).stdout).toBe('c2\n');
    expect(await canConnect('c2', 'headnode', 22)).toBe(true);
  });

  test('leftovers are seen, and only they', async () => {
    await until('a clean lab', 10_000, async () => (await lab.leftovers()).length === 0);
    await sh('c2', 'setsid sleep 63 > /dev/null 2>&1 & mkdir -p ~/.scailfin; touch ~/.scailfin/x /dev/shm/y');
    await sh(
      'c1',
      'mkdir /tmp/d; touch /tmp/d/z /tmp/x509up_u2001 /tmp/x509up_p1; unshare -Ur sleep 65 > /dev/null 2>&1 &',
    );
    await ssh('sbatch -o /dev/null --wrap "sleep 64"');
    await until('the job to run', 10_000, async () =>
      (await lab.leftovers()).some(line => line.includes('slurmstepd')),
    );
    const found = (await lab.leftovers()).join('\n');
    expect(found).toMatch(/^c2: process \d+ alice sleep 63$/m);
    expect(found).toMatch(/^login: file \/home\/alice\/.scailfin\/x of alice$/m);
    expect(found).toMatch(/^c2: file \/dev\/shm\/y of alice$/m);
    expect(found).toMatch(/^c1: file \/tmp\/d\/z of alice$/m);
    expect(found).toMatch(/^c1: file \/tmp\/x509up_p1 of alice$/m);
    expect(found).not.toContain('x509up_u');
    expect(found).toMatch(/^c1: process \d+ alice sleep 65$/m);
    expect(found).not.toMatch(/ root (?!.*slurmstepd)|sshd/);
    expect(found).toMatch(/^slurm: job \d+ of alice is RUNNING/m);
    await sh('login', 'scancel -u alice; rm -r ~/.scailfin');
    await sh('c1', 'rm -r /tmp/d /tmp/x509up_*; pkill -fx "sleep 65"');
    await sh('c2', 'rm /dev/shm/y; pkill -fx "sleep 63"');
    await until('a clean lab again', 15_000, async () => (await lab.leftovers()).length === 0);
  });

  test('a delay lengthens every round trip and leaves the data alone', async () => {
    // the shortest of a few: a busy machine makes any of them longer
    const connect = `const net = require('node:net'); const times = [];
      const again = () => { const began = performance.now(); const socket = net.connect(22, 'login').on('connect', () => {
        times.push(performance.now() - began); socket.destroy(); times.length < 5 ? again() : console.log(Math.min(...times)); }); };
      again();`;
    const roundTrip = async () => Number((await lab.exec('laptop', ['node', '-e', connect])).stdout);
    expect(await roundTrip()).toBeLessThan(50);
    await lab.delay(100);
    const slow = await roundTrip();
    expect(slow).toBeGreaterThan(99);
    expect(slow).toBeLessThan(180);
    const sum = 'head -c 8000000 /dev/urandom > blob; sha256sum < blob';
    expect((await ssh('cat > blob; sha256sum < blob', { stdin: 'x'.repeat(8_000_000) })).stdout).toBe(
      (await sh('laptop', 'head -c 8000000 /dev/zero | tr "\\0" x | sha256sum')).stdout,
    );
    expect((await ssh(sum)).stdout).toBe((await sh('laptop', 'ssh alice@login cat blob | sha256sum')).stdout);
    await lab.reboot('laptop');
    expect(await roundTrip()).toBeGreaterThan(99);
    await lab.delay(0);
    expect(await roundTrip()).toBeLessThan(50);
  });

  test('a cut host hears and says nothing until its link is mended', async () => {
    await lab.partition('headnode', true);
    expect(await canConnect('laptop', 'headnode', 22)).toBe(false);
    expect(await canConnect('headnode', 'login', 22)).toBe(false);
    expect(await canConnect('laptop', 'login', 22)).toBe(true);
    await lab.partition('headnode', false);
    await until('the mended link', 10_000, () => canConnect('laptop', 'headnode', 22));
  });

  test('without its controller Slurm says nothing; jobs go on', async () => {
    await ssh('rm -f survived; sbatch -o /dev/null --wrap "sleep 2; touch survived"');
    await until('the job to run', 10_000, async () => (await ssh('squeue -h -t R')).stdout !== '');
    await lab.stopScheduler();
    expect((await ssh('squeue', { check: false })).exitCode).not.toBe(0);
    await until('the job’s work', 10_000, async () => (await sh('login', 'test -f survived')).exitCode === 0);
    await lab.startScheduler();
    expect((await ssh('squeue')).exitCode).toBe(0);
    await ssh('scancel -u alice');
  });

  test('two labs stand side by side, and down leaves nothing of one', async () => {
    const before = await machine();
    const other = await Lab.up();
    try {
      await expect(Lab.up({ name: other.name })).rejects.toThrow('already');
      await other.write('headnode', '/var/tmp/mine', other.name);
      const read = ['ssh', '-o', 'BatchMode=yes', 'scail@headnode', 'cat /var/tmp/mine'];
      expect((await other.exec('laptop', read)).stdout).toBe(other.name);
      expect((await lab.exec('laptop', read, { check: false })).exitCode).toBe(1);
      // a node's own firewall holds where the login node's fails
      const server = await listen('c1', 7000, other);
      await other.exec('login', ['nft', 'insert', 'rule', 'inet', 'lab', 'forward', 'accept'], root);
      await other.exec('headnode', ['ip', 'route', 'add', '10.77.1.0/24', 'via', '10.77.0.10'], root);
      expect(await canConnect('headnode', '10.77.1.11', 7000, other)).toBe(false);
      await other.exec('c1', ['nft', 'flush', 'ruleset'], root);
      await other.exec('c1', ['true']);
      expect(await canConnect('headnode', '10.77.1.11', 7000, other)).toBe(true);
      server.kill('SIGKILL');
      expect(traces(other.name)).not.toEqual([]);
    } finally {
      await other.down();
    }
    await other.down();
    expect(traces(other.name)).toEqual([]);
    expect(await machine()).toEqual(before);
    expect((await ssh('hostname')).stdout).toBe('login\n');
  });

  test('a lab whose maker was killed is taken down by the next', async () => {
    const code = `import { Lab } from './test/lab/lab.ts';
      const lab = await Lab.up(); console.log(lab.name); setInterval(() => {}, 1000);`;
    const maker = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', code], {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let name = '';
    maker.stdout.on('data', data => {
      name += data;
    });
    await until('the other maker’s lab', 40_000, () => name.endsWith('\n'));
    name = name.trim();
    await Lab.reap();
    expect(names()).toContain(name);
    maker.kill('SIGKILL');
    await new Promise(resolve => maker.on('exit', resolve));
    expect(traces(name)).not.toEqual([]);
    await Lab.reap();
    await Lab.down(name); // should another test's lab have been quicker: it waits for the end all the same
    expect(traces(name)).toEqual([]);
    expect(names()).toContain(lab.name);
  });

  test('a lab that goes tells of secrets in its records, and in files that others may read', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'scailfin-leaks-'));
    const found = join(dir, 'found');
    vi.stubEnv('SCAILFIN_LEAKS', found);
    const other = await Lab.up();
    try {
      const text = `typed ${passphrase}\n`;
      await other.write('headnode', 'mine', text, { mode: 0o600 });
      await other.write('headnode', 'open', text, { mode: 0o640 });
      await other.write('laptop', '.local/state/scailfin/clusters/x/journal.jsonl', text, { mode: 0o600 });
      await other.write('login', '/var/tmp/key.pem', '-----BEGIN PRIVATE KEY-----\n', { mode: 0o644 });
      await other.down();
      expect(readFileSync(found, 'utf8').trim().split('\n').sort()).toEqual([
        'a secret is in a file of headnode: 640 /home/scail/open',
        'a secret is in a file of laptop: 600 /home/scail/.local/state/scailfin/clusters/x/journal.jsonl',
        'a secret is in a file of login: 644 /var/tmp/key.pem',
      ]);
    } finally {
      vi.unstubAllEnvs();
      await Lab.down(other.name);
      rmSync(dir, { recursive: true });
    }
  });
});

/** The processes whose mounts or command lines tell of a lab, and its directory. */
function traces(name: string): string[] {
  const found = existsSync(labDir(name)) ? [labDir(name)] : [];
  for (const pid of readdirSync('/proc').filter(entry => /^\d+$/.test(entry))) {
    try {
      const text = ['mountinfo', 'cmdline', 'environ']
        .map(file => readFileSync(`/proc/${pid}/${file}`, 'utf8'))
        .join('');
      if (text.includes(name)) found.push(`${pid} ${readlinkSync(`/proc/${pid}/exe`)}`);
    } catch {
      // ended meanwhile
    }
  }
  return found;
}

/** What this machine itself has of mounts, links and named network namespaces. */
async function machine() {
  const links = await program(['ip', '-brief', 'link']);
  const namespaces = await program(['ip', 'netns', 'list']);
  return { links, namespaces, mounts: readFileSync('/proc/self/mountinfo', 'utf8') };
}
