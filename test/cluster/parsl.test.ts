// @module-tag nightly; each time: frameworks/parsl, and cluster/dask for the rest
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HostName, Lab, labUnavailable } from '../lab/lab.js';
import { offerParsl } from '../lab/parsl.js';
import { until } from '../lab/programs.js';
import { scailfin, statusOf } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';

const reason = labUnavailable();
const name = 'lab-slurm';
const pool = `/home/scail/.scailfin/${name}/pool`;
const home = `${pool}/workers/parsl`;
const intruder = readFileSync(fileURLToPath(new URL('../lab/parsl/intruder.py', import.meta.url)));
/** The sum of the squares of the numbers below n. */
const squares = (n: number) => ((n - 1) * n * (2 * n - 1)) / 6;

describe.skipIf(reason !== undefined)(`Parsl${reason ? ` (skipped: ${reason})` : ''}`, { timeout: 240_000 }, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up();
    await offerParsl(lab, 'headnode');
    await lab.write('headnode', '/opt/intruder.py', intruder, { user: 'root' });
    // a wheel is an archive
    const zmq = 'python3 -m zipfile -e /opt/wheels/pyzmq-*.whl /opt/zmq && chmod -R a+rX /opt/zmq';
    await lab.exec('headnode', ['sh', '-c', zmq], { user: 'root' });
  }, 180_000);
  afterAll(() => lab?.down(), 60_000);

  const bash = (script: string, host: HostName = 'headnode', user?: string) =>
    lab.exec(host, ['bash', '-c', script], { check: false, timeoutMs: 180_000, ...(user ? { user } : {}) });
  const run = (args: string, program = '/opt/program.py') =>
    bash(`scailfin exec ${name} -- timeout 170 python3 ${program} ${args}`);
  const blocks = async () =>
    ((await statusOf(lab, 'headnode', name)).frameworks[0]?.parts ?? []).filter(p => p.name.startsWith('worker '));
  const alive = async () => (await blocks()).filter(p => p.state === 'alive').length;

  it('is installed with the cluster, and runs the apps of a program', async () => {
    const options = ['--framework', 'parsl', '--workers', '3', '--worker-cores', '2', '--worker-memory', '7000'];
    const up = await scailfin(lab, 'headnode', ['up', '--site', name, '--nodes', '1', ...options]);
    expect(up.stderr).toContain('Starting Parsl: at most 3 blocks of workers');
    expect(up.stdout).toContain('scailfin env lab-slurm --parsl > pool.py');
    expect((await statusOf(lab, 'headnode', name)).frameworks[0]).toMatchObject({
      ...{ name: 'parsl', state: 'alive', parts: [{ name: 'wire', state: 'alive' }] },
    });
    // it has no port, and nothing says that one is forwarded
    for (const way of [[], ['--background']]) {
      const connect = await scailfin(lab, 'headnode', ['connect', ...way], { check: false });
      expect(connect.stderr).toContain('there is nothing to connect to');
      expect(connect.stderr).toContain(`scailfin exec ${name} -- python3 PROGRAM.py`);
    }
    const { stdout, stderr } = await run('0');
    const apps = ['first 9', 'bash 0 hello', 'failed BashExitFailure 7', 'failed TypeError'];
    expect(stdout, stderr).toContain(apps.join('\n'));
    // nothing of a program that ended well is left
    expect(await blocks()).toEqual([]);
    const left = `ls ${pool}/wire/services; ls ${home}/programs; ls ${home} | grep '^[0-9]'`;
    expect((await bash(left)).stdout).toBe('parsl\n');
  });

  it('keeps its keys, and lets nobody in who has none', async () => {
    // long enough for all that follows on a busy machine
    const program = run('140 1');
    await until('a block', 90_000, async () => (await alive()) > 0);
    await until('its worker to be there', 60_000, async () => (await bash(`ls ${home}/1/job/`)).stdout !== '');
    const certificates = (await bash(`ls -d ${home}/runinfo/*/pool/certificates | tail -n 1`)).stdout.trim();
    const keys = async (side: string) => {
      const { stdout } = await bash(`sed -n 's/.*-key = "\\(.*\\)"/\\1/p' ${certificates}/${side}.key_secret`);
      return stdout.trim().split('\n') as [string, string];
    };
    const [[serverPublic, serverSecret], [, clientSecret]] = [await keys('server'), await keys('client')];
    const { key } = JSON.parse((await bash(`cat ${pool}/wire/services/parsl-*`)).stdout);
    for (const secret of [serverSecret, clientSecret, key]) expect(secret).toMatch(/^\S{40,}$/);
    await until('the node to have them', 60_000, async () => (await find('c1', 'root')).includes('client.key_secret'));
    for (const host of ['headnode', 'login', 'c1'] as const) {
      const { stdout } = await bash('cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null', host, 'root');
      for (const secret of [serverSecret, clientSecret, key]) expect(stdout.includes(secret), host).toBe(false);
    }
    // nobody else can open them, and the server's own secret is not on nodes at all
    expect(await find('c1', 'bob')).toBe('');
    expect((await bash(`find ${home} -type f 2>/dev/null`, 'headnode', 'bob')).stdout).toBe('');
    const { stdout: there } = await bash(
      'cat $(find /tmp/scailfin-* -name server.key_secret | head -n 1)',
      'c1',
      'root',
    );
    expect(there).toContain(serverPublic);
    expect(there).not.toContain(serverSecret);
    // another user of the headnode sends what would run a program, with keys of his own, to each port of the program
    const ports = (await bash(`ss -Hltn | awk '{ print $4 }' | grep 127.0.0.1 | sed 's/.*://'`)).stdout
      .trim()
      .split('\n');
    expect(ports.length).toBeGreaterThan(3);
    const send = (mark: string, own: string) =>
      `PYTHONPATH=/opt/zmq python3 /opt/intruder.py ${mark} '${serverPublic}' ${own} -- ${ports.join(' ')}`;
    expect((await bash(send('/tmp/got-in', ''), 'headnode', 'bob')).stdout).toBe('sent\n');
    // the test can fail: who has the keys does get in
    expect((await bash(send('/tmp/has-keys', certificates))).stdout).toBe('sent\n');
    expect((await bash('ls /tmp | grep -e got-in -e has-keys; rm -f /tmp/has-keys')).stdout).toBe('has-keys\n');
    // another user of a node does not come to the wire, through which its owner is greeted by the interchange
    const wires = `for p in $(ss -Hltn | awk '{ print $4 }' | grep '^127.0.0.1' | sed 's/.*://'); do exec 3<>/dev/tcp/127.0.0.1/$p; timeout 5 head -c 10 <&3 | od -An -tx1; done`;
    expect((await bash(wires, 'c1', 'alice')).stdout).toMatch(/^ ff .* 7f$/m);
    expect((await bash(wires, 'c1', 'bob')).stdout).not.toMatch(/^ ff .* 7f$/m);
    const { stdout, stderr } = await program;
    expect(stdout, stderr).toContain(`sum ${squares(140)} on c1`);
  });
  const find = async (host: HostName, user: string) =>
    (await bash('find /tmp/scailfin-* -name "*.key_secret" -o -name key -path "*wire*" 2>/dev/null', host, user))
      .stdout;

  it('has as many blocks as a program needs, also on further nodes, and fewer when it needs them no more', async () => {
    await scailfin(lab, 'headnode', ['scale', name, '--nodes', '2']);
    // the configuration is the user's to change
    const change = 's/max_idletime=60/max_idletime=3/';
    await bash(`mkdir -p p && scailfin env --parsl | sed ${change} >p/pool.py && cp /opt/program.py p/mine.py`);
    const wait = `import time\nwith open("p/mine.py") as f: text = f.read().replace("    began = time.time()\\n    done", "    time.sleep(25)\\n    done")\nopen("p/mine.py", "w").write(text)`;
    await lab.write('headnode', '/tmp/change.py', wait, { user: 'root', mode: 0o644 });
    await bash('python3 /tmp/change.py');
    await lab.exec('headnode', ['rm', '/tmp/change.py'], { user: 'root' });
    const program = run('5 0 3', 'p/mine.py');
    const three = async () => {
      const there = (await blocks()).filter(p => p.state === 'alive').map(p => p.reason);
      return there.length === 3 && new Set(there).size === 2;
    };
    await until('three blocks on both nodes', 120_000, three);
    await until('none', 60_000, async () => (await blocks()).length === 0);
    const { stdout, stderr } = await program;
    expect(stdout, stderr).toContain(`sum ${squares(5)} on c`);
  });

  it('leaves nothing behind', async () => {
    await bash('rm -rf p');
    const down = await scailfin(lab, 'headnode', ['down', name]);
    expect(down.stdout).toContain(verified);
    await expect.poll(() => lab.leftovers(), { timeout: 15_000 }).toEqual([]);
    const gone = await scailfin(lab, 'headnode', ['env', name, '--parsl'], { check: false });
    expect(gone).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(`${name} is not up`) });
  });
});
