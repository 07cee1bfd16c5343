import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type HostName, Lab, labUnavailable } from '../lab/lab.js';
import { until } from '../lab/programs.js';
import { labDir } from '../lab/record.js';
import { reanaClient } from '../reana/edge/client.js';
import { Forks } from '../reana/edge/forks.js';
import { makeImage } from '../reana/helpers/image.js';
import { onTerminal, Terminal } from '../terminal.js';
import { scailfin, statusOf } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';
import { asOlder } from './helpers/older.js';

const reason = labUnavailable();
const image = '/home/alice/image';

/** The shape of REANA's RooFit demo: the second step reads what the first one wrote. */
const specification = (wait = 0) => `version: 0.9.4
inputs:
  files: [code/gen.sh, code/fit.sh]
  parameters: {events: 20, data: results/data.txt, plot: results/plot.txt}
workflow:
  type: serial
  specification:
    steps:
      - name: gendata
        environment: ${image}
        kubernetes_memory_limit: 256Mi
        commands: ['mkdir -p results', 'sh code/gen.sh $events > $data']
      - name: fitdata
        environment: ${image}
        commands: ['sleep ${wait}; sh code/fit.sh $data > $plot; cat /etc/image >> $plot; cat /proc/sys/kernel/hostname >> $plot']
outputs: {files: [results/plot.txt]}
`;
const gen = 'i=0; while [ $i -lt $1 ]; do i=$((i + 1)); echo $((i * i)); done\n';
const fit = 's=0; while read -r x; do s=$((s + x)); done <"$1"; echo "sum $s"\n';

describe.skipIf(reason !== undefined)(`REANA on a cluster${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  let scratch: string;
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'scailfin-reana-'));
    lab = await Lab.up();
    await makeImage(lab, 'c1', image);
    for (const host of ['headnode', 'laptop'] as const) await furnish(host);
  });
  afterAll(async () => {
    await lab?.down();
    await rm(scratch, { recursive: true, force: true });
  });

  const furnish = async (host: HostName) => {
    await lab.write(host, 'demo/code/gen.sh', gen);
    await lab.write(host, 'demo/code/fit.sh', fit);
    await lab.write(host, 'demo/reana.yaml', specification());
    await lab.write(host, 'demo/slow.yaml', specification(8));
  };
  const up = (host: HostName, ...more: string[]) =>
    scailfin(lab, host, [
      'up',
      '--site',
      'lab-slurm',
      '--nodes',
      '2',
      '--walltime',
      '30m',
      '--framework',
      'reana',
      ...more,
    ]);
  const inDemo = (host: HostName, ...args: string[]) =>
    lab.exec(host, ['sh', '-c', 'cd demo && exec scailfin "$@"', 'scailfin', ...args], {
      timeoutMs: 100_000,
      check: false,
    });
  const edgeOf = (host: HostName) => lab.exec(host, ['sh', '-c', 'cat .scailfin/lab-slurm/pool/edge/edge.pid']);
  const plot = /^sum 2870\nthis is the image\n(c1|c2)\n$/;
  const nothing = async () => {
    await lab.exec('headnode', ['rm', '-rf', 'demo/results']);
    await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
  };

  it('runs reana.yaml in containers on the compute nodes, and brings the results home', async () => {
    const { stdout: raised } = await up('headnode');
    expect(raised).toMatch(/reana +edge alive, port 30443 of headnode/);
    expect(raised).toContain('REANA_SERVER_URL is http://127.0.0.1:30443');
    expect(raised).toContain('pip install reana-client==0.9.6');
    const [file] = /\/home\S+reana\.token/.exec(raised) ?? [];
    expect((await lab.exec('headnode', ['stat', '-c', '%a', file as string])).stdout).toBe('600\n');
    const run = await inDemo('headnode', 'run', '-p', 'events=20');
    expect(run.stderr, run.stderr).toMatch(/✓ gendata: finished.*✓ fitdata: finished/s);
    expect(run.stdout).toBe('results/plot.txt\n');
    expect(await lab.read('headnode', 'demo/results/plot.txt')).toMatch(plot);
    expect((await statusOf(lab, 'headnode', 'lab-slurm')).frameworks[0]).toEqual({
      name: 'reana',
      flavour: 'edge',
      state: 'alive',
      port: 30443,
    });
  });

  it('goes on with a run when the edge is killed', async () => {
    const running = inDemo('headnode', 'run', 'slow.yaml', '--name', 'slow');
    // a run that has begun: a request that begins one is not made twice
    await until('a step', 60_000, async () => ((await statusOf(lab, 'headnode', 'lab-slurm')).jobs?.total ?? 0) > 0);
    const { stdout: pid } = await edgeOf('headnode');
    await lab.exec('headnode', ['kill', '-9', pid.trim()]);
    const run = await running;
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.stderr).toMatch(/slow\.1: finished, 3 of 3 steps/);
    expect((await edgeOf('headnode')).stdout).not.toBe(pid);
    expect(await lab.read('headnode', 'demo/results/plot.txt')).toMatch(plot);
  });

  it('watches a run that exists, and says of another that it does not', { tags: ['nightly'] }, async () => {
    await lab.exec('headnode', ['rm', '-rf', 'demo/results']);
    // also while the edge is on its way back
    await lab.exec('headnode', ['kill', '-9', (await edgeOf('headnode')).stdout.trim()]);
    const again = await inDemo('headnode', 'run', '--attach', 'slow.1');
    expect(again.exitCode, again.stderr).toBe(0);
    expect(again.stdout).toBe('results/plot.txt\n');
    const other = await inDemo('headnode', 'run', '--attach', 'slow.2');
    expect(other.exitCode).toBe(2);
    expect(other.stderr).toBe(
      `error: there is no run slow.2 on lab-slurm\n  → the runs that there are: eval "$(scailfin env lab-slurm)"; reana-client list\n`,
    );
  });

  it('reports what went wrong in a step', { tags: ['nightly'] }, async () => {
    const broken = specification().replace("'mkdir -p results', ", "'mkdir -p results; echo no luck >&2; exit 3', ");
    await lab.write('headnode', 'demo/broken.yaml', broken);
    await lab.write('headnode', 'demo/noimage.yaml', specification().replaceAll(image, '/home/alice/no-image'));
    const failed = await inDemo('headnode', 'run', 'broken.yaml', '--name', 'broken');
    expect(failed.exitCode).toBe(1);
    expect(failed.stderr).toMatch(/error: broken\.1 failed\n {2}step gendata ended with status 3/);
    expect(failed.stderr).toContain('no luck');
    const missing = await inDemo('headnode', 'run', 'noimage.yaml', '--name', 'noimage');
    expect(missing.exitCode).toBe(1);
    expect(missing.stderr).toContain('there is no /home/alice/no-image on this node');
    // the login node can't reach a registry either: then no run begins
    await lab.write('headnode', 'demo/far.yaml', specification().replaceAll(image, 'docker.io/library/debian:12'));
    const far = await inDemo('headnode', 'run', 'far.yaml', '--name', 'far', '--pull');
    expect(far.exitCode).toBe(1);
    expect(far.stderr).toMatch(
      /the login node of lab-slurm can't pull docker.io\/library\/debian:12: this node can't reach registry-1.docker.io/,
    );
    expect(far.stderr).not.toContain('far.1');
  });

  it('is talked to by the real reana-client', async () => {
    const client = await reanaClient();
    if ('missing' in client) throw new Error(client.missing);
    const token = (await lab.read('headnode', '.local/state/scailfin/clusters/lab-slurm/reana.token')).trim();
    await mkdir(join(scratch, 'code'));
    for (const [name, text] of Object.entries({
      'code/gen.sh': gen,
      'code/fit.sh': fit,
      'reana.yaml': specification(),
    }))
      await writeFile(join(scratch, name), text);
    const settings = { REANA_SERVER_URL: 'http://127.0.0.1:30443', REANA_ACCESS_TOKEN: token, REANA_WORKON: 'fit' };
    // this machine's program and files, in the headnode's network
    const init = readFileSync(join(labDir(lab.name), 'headnode/pid'), 'utf8').trim();
    const forks = new Forks(client.path, ['nsenter', '--target', init, '--net', '--']);
    onTestFinished(() => forks.close());
    const reana = async (...args: string[]) => {
      const { out, exitCode } = await forks.run(scratch, settings, args);
      expect(exitCode, `${args.join(' ')}: ${out}`).toBe(0);
      return out;
    };
    expect(await reana('ping')).toContain('Status: Connected');
    await reana('create', '-n', 'fit', '-f', 'reana.yaml');
    await reana('upload');
    await reana('start', '-p', 'events=20');
    await expect.poll(() => reana('status'), { timeout: 60_000, interval: 1000 }).toMatch(/finished +3\/3/);
    expect(await reana('logs')).toContain('gendata');
    expect(await reana('ls')).toContain('results/plot.txt');
    await reana('download', 'results/plot.txt');
    expect(await readFile(join(scratch, 'results/plot.txt'), 'utf8')).toMatch(plot);
    expect(await reana('list')).toMatch(/fit +1 .*finished/);
    await reana('restart', '-p', 'events=20');
    await expect.poll(() => reana('status'), { timeout: 60_000, interval: 1000 }).toMatch(/finished +3\/3/);
    await writeFile(join(scratch, 'slow.yaml'), specification(60));
    await reana('create', '-n', 'stopped', '-f', 'slow.yaml');
    await reana('upload', '-w', 'stopped');
    await reana('start', '-w', 'stopped');
    await expect
      .poll(() => reana('status', '-w', 'stopped'), { timeout: 60_000, interval: 1000 })
      .toMatch(/running +2\/3/);
    await reana('stop', '-w', 'stopped', '--force');
    expect(await reana('status', '-w', 'stopped')).toMatch(/stopped +2\/3/);
    const jobs = async () => (await statusOf(lab, 'headnode', 'lab-slurm')).jobs?.total;
    await expect.poll(jobs, { timeout: 60_000 }).toBe(0);
    await reana('delete', '-w', 'fit', '--include-all-runs', '--include-workspace');
    expect(await reana('list')).not.toContain('fit');
  }, 240_000);

  it('is found, reached and resumed by a journal of the first scailfin', { tags: ['nightly'] }, async () => {
    const before = (await statusOf(lab, 'headnode', 'lab-slurm')).frameworks;
    await asOlder(lab, 'headnode', 'lab-slurm');
    expect((await statusOf(lab, 'headnode', 'lab-slurm')).frameworks).toEqual(before);
    const env = await scailfin(lab, 'headnode', ['env', 'lab-slurm']);
    expect(env.stdout).toContain('export REANA_SERVER_URL=http://127.0.0.1:30443\n');
    expect((await up('headnode')).stderr).toMatch(/✓ Starting REANA: edge, on port 30443 of .* \(as before\)/);
    await asOlder(lab, 'headnode', 'lab-slurm');
  });

  it('goes down with its cluster, once its owner knows what goes with it, and leaves nothing', async () => {
    const asked = new Terminal(lab.spawn('headnode', onTerminal(['scailfin', 'down', 'lab-slurm'])));
    await asked.until(/lab-slurm has the files of \d+ runs of REANA's, which go with it\. Take it down all the same\?/);
    asked.type('n\n');
    expect(await asked.end()).toBe(2);
    expect((await scailfin(lab, 'headnode', ['down', 'lab-slurm'])).stdout).toContain(verified);
    await nothing();
  });

  it('runs on a login node that has no Node.js, for a laptop behind a tunnel', { tags: ['nightly'] }, async () => {
    const there = await lab.exec('login', ['sh', '-c', 'command -v node'], { check: false });
    if (there.exitCode === 0) await lab.exec('login', ['rm', there.stdout.trim()], { user: 'root', check: false });
    const raised = await up('laptop', '--headnode', 'login');
    expect(raised.stderr).toMatch(/✓ Starting REANA: edge, on port/);
    const run = await inDemo('laptop', 'run', '-p', 'events=20', '--json');
    expect(run.exitCode, run.stderr).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ status: 'finished', outputs: ['results/plot.txt'] });
    expect(await lab.read('laptop', 'demo/results/plot.txt')).toMatch(plot);

    const ping = 'eval "$(scailfin env)" && curl -sS "$REANA_SERVER_URL/api/ping" && echo " $REANA_SERVER_URL"';
    const tunnels = async (): Promise<number> => {
      const found = await lab.exec('laptop', ['pgrep', '-fc', '[c]onnect lab-slurm --kept'], { check: false });
      return Number(found.stdout);
    };
    const first = await lab.exec('laptop', ['bash', '-c', ping]);
    expect(first.stdout).toMatch(/"message": ?"OK".*http:\/\/127\.0\.0\.1:30443\n$/s);
    expect(first.stderr).toMatch(/process \d+ forwards port 30443 to REANA until the cluster is taken down/);
    // the very same connection
    expect(await lab.exec('laptop', ['bash', '-c', ping])).toMatchObject({ stdout: first.stdout, stderr: '' });
    expect(await tunnels()).toBe(1);
    // what broke is connected anew
    await lab.exec('login', ['pkill', '-f', '[s]shd-session: alice'], { user: 'root' });
    expect((await lab.exec('laptop', ['bash', '-c', ping])).stdout).toBe(first.stdout);
    expect((await scailfin(lab, 'laptop', ['connect', '--stop'])).stdout).toContain('no longer forwarded');
    await expect.poll(tunnels).toBe(0);
    await lab.exec('laptop', ['bash', '-c', ping]);
    expect(await tunnels()).toBe(1);

    expect((await scailfin(lab, 'laptop', ['down', 'lab-slurm'])).stdout).toContain(verified);
    await expect.poll(tunnels).toBe(0);
    await nothing();
  });
});
