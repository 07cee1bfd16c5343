import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scailfin } from '../cluster/helpers/cluster.js';
import { labUnavailable } from '../lab/lab.js';
import { password } from '../secrets.js';
import { StepsBench, workspace } from './helpers/bench.js';
import { makeImage } from './helpers/image.js';
import { edge } from './helpers/pool.js';
import { Registry } from './helpers/registry.js';
import { standInsFor } from './helpers/standins.js';

const reason = labUnavailable();
const image = '/home/alice/image';

describe.skipIf(reason !== undefined)(`steps in containers on a pool${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let bench: StepsBench;
  beforeAll(async () => {
    // sbatch passes on what a login sets
    const proxy = "sed -i '1i export https_proxy=http://proxy.lab:3128/ no_proxy=c1,.lab' ~/.bashrc";
    bench = await StepsBench.up({}, ['--bind', '$HOME/project:/project'], lab =>
      lab.exec('login', ['sh', '-c', proxy]),
    );
    await bench.lab.exec('c1', ['sh', '-c', 'mkdir ~/project; echo of the site >~/project/data']);
    await makeImage(bench.lab, 'c1', image);
  }, 300_000);
  afterAll(async () => {
    // the service is closed in the last test
    await bench?.lab.down();
  });
  const caches = async (): Promise<string> => {
    const find = (host: 'c1' | 'c2') => bench.lab.exec(host, ['sh', '-c', 'find /tmp -path "*/objects/*"']);
    return (await find('c1')).stdout + (await find('c2')).stdout;
  };

  it('get large files by HTCondor from the headnode, once per node, and bring back what they made', async () => {
    await bench.here(
      `mkdir -p ${workspace}; cd ${workspace}; head -c 30000000 /dev/urandom >'big file'; echo 1 >small`,
    );
    const hash = await bench.here(`sha256sum <${workspace}/'big file'`);
    const inside = await bench.here(`b2sum <${workspace}/'big file'`);
    const command = 'cat /etc/image small; b2sum <"big file"; pwd; echo "$HOSTNAME" >"out $N"';
    const runs = [1, 2, 3, 4].map(n => bench.run(command, { image, environment: { N: String(n) } }));
    for (const { id, step } of await Promise.all(runs)) {
      expect(step, await bench.steps.log(id)).toMatchObject({ state: 'finished', exitCode: 0 });
      expect(await bench.steps.log(id)).toBe(`this is the image\n1\n${inside}\n${workspace}\n`);
    }
    expect(await bench.here(`ls ${workspace}`)).toBe('big file\nout 1\nout 2\nout 3\nout 4\nsmall');
    const objects = (await caches()).trim().split('\n');
    expect(objects.length).toBeLessThanOrEqual(2);
    expect(objects.every(path => path.endsWith(hash.slice(0, 64)))).toBe(true);
  });

  it('find their secret files, which nobody else does', async () => {
    await bench.here(
      `mkdir -p -m 700 ~/secrets ${workspace}; umask 077; printf 'kx-secret-4Nf1' >~/secrets/'key file'`,
    );
    const secrets = '/home/scail/secrets';
    const command = 'cat "/etc/reana/secrets/key file"; stat -c %a "/etc/reana/secrets/key file"';
    const { id, step } = await bench.run(command, { image, secrets });
    expect(step, await bench.steps.log(id)).toMatchObject({ state: 'finished' });
    expect(await bench.steps.log(id)).toBe('kx-secret-4Nf1600\n');
  });

  /** Only one runtime works on both nodes; the real ones, or stand-ins that check their arguments. */
  const only = async (runtime: string) => {
    const standIns = standInsFor(image);
    const real = { apptainer: ['apptainer', 'singularity'], charliecloud: ['ch-run', 'ch-image', 'ch-convert'] };
    const hide = Object.entries(real).flatMap(([name, programs]) => (name === runtime ? [] : programs));
    const script = `mkdir -p /opt/hidden; mv /opt/hidden/* /usr/bin/ 2>/dev/null; rm -rf /usr/local/bin/*shifter* /usr/local/bin/podman-hpc /tmp/pulls /tmp/volumes /tmp/shifter /tmp/podman-*
        for name in ${hide.join(' ')}; do mv /usr/bin/$name /opt/hidden/; done`;
    for (const host of ['c1', 'c2'] as const) {
      await bench.lab.exec(host, ['sh', '-c', script], { user: 'root' });
      for (const [name, text] of Object.entries(standIns)) {
        if (!name.startsWith(runtime)) continue;
        const there = text.replaceAll('ch-run ', '/opt/hidden/ch-run ');
        await bench.lab.write(host, `/usr/local/bin/${name}`, there, { user: 'root', mode: 0o755 });
      }
    }
  };

  it.each(['apptainer', 'charliecloud', 'shifter', 'podman-hpc'])(
    'start by %s alone, although HTCondor sets nothing of a login, and know who and where they are',
    async runtime => {
      await bench.files();
      await only(runtime);
      const registered = runtime === 'shifter' || runtime === 'podman-hpc';
      const command =
        'echo "$USER $LOGNAME $(id -un) $HOME $TMPDIR $SHELL $LANG"; test -w "$HOME" -a -w "$TMPDIR"; cat /etc/image /project/data; ls /home/alice 2>/dev/null; :';
      const { id, step } = await bench.run(command, { image: registered ? 'docker.io/lab/image:1.0' : image });
      const log = await bench.steps.log(id);
      expect(step, log).toMatchObject({ state: 'finished' });
      const home = runtime === 'shifter' ? '/home/.scailfin-home' : '/tmp/home';
      const shell = /^alice alice alice (\S+) \/tmp (\S+) C.UTF-8\nthis is the image\nof the site\n$/m.exec(log);
      expect(shell?.slice(1), log).toEqual([home, expect.stringMatching(/\/bash$/)]);
      expect(await bench.here(`grep ^runtime= ${edge}/steps/${id}/job/report`)).toBe(`runtime=${runtime}`);
    },
  );

  it('say that the node can’t reach the registry, and not what the last runtime said', async () => {
    await bench.files();
    await only('apptainer');
    await bench.lab.exec('c1', ['sh', '-c', 'mv /opt/hidden/* /usr/bin'], { user: 'root' });
    await bench.lab.exec('c2', ['sh', '-c', 'mv /opt/hidden/* /usr/bin'], { user: 'root' });
    await bench.files();
    const { id, step } = await bench.run('true', { image: 'docker.io/library/debian:12' });
    const log = await bench.steps.log(id);
    expect(step.reason, log).toMatch(
      /^node c[12] can't reach registry-1.docker.io, so the image docker.io\/library\/debian:12 can't be pulled there\. [A-Z]/,
    );
    expect(log).toMatch(/^scailfin: apptainer \(\S+\) could not get .*lookup proxy.lab: no such host$/m);
    expect(log).toMatch(/^scailfin: charliecloud \(\S+\) could not get .*not tried/m);
  });

  it('share one pull of an image from a registry', { tags: ['nightly'] }, async () => {
    await bench.files();
    await only('apptainer');
    const registry = await Registry.start(bench.lab, 'c1', image);
    await registry.trustedBy('c2');
    const wanted = { image: registry.image('1.0'), resources: { cores: 4, memory: 100, disk: 10 } };
    const runs = [1, 2, 3, 4].map(() => bench.run('cat /etc/image; cat /proc/sys/kernel/hostname', wanted));
    const ended = await Promise.all(runs);
    const logs = await Promise.all(ended.map(({ id }) => bench.steps.log(id)));
    for (const [n, { step }] of ended.entries()) expect(step, logs[n]).toMatchObject({ state: 'finished' });
    expect(new Set(ended.map(({ step }) => step.node)).size).toBe(2);
    expect(await registry.downloads()).toBe(2);
    const { stdout } = await bench.lab.exec('c2', ['sh', '-c', 'ls ~/.scailfin/lab-slurm/site/images/names']);
    expect(stdout).toMatch(/^image_1\.0-[0-9a-f]{16}\.sif\n$/);
  });

  it('find an image that was pulled on the login node, and list and remove it', { tags: ['nightly'] }, async () => {
    const registry = new Registry(bench.lab, 'c1');
    await registry.trustedBy('login');
    const name = registry.image('2.0');
    const images = (...args: string[]) => scailfin(bench.lab, 'headnode', ['images', ...args], { check: false });
    expect((await images('pull', name)).stderr).toContain(`Pulling ${name}`);
    const before = await registry.downloads();
    const { id, step } = await bench.run('cat /etc/image', { image: name });
    expect(step, await bench.steps.log(id)).toMatchObject({ state: 'finished' });
    expect(await registry.downloads()).toBe(before);
    const listed = JSON.parse((await images('list', '--json')).stdout);
    expect(listed).toMatchObject([
      { name: registry.image('1.0'), form: 'sif', site: 'lab-slurm' },
      { name, form: 'sif', bytes: listed[0].bytes },
    ]);
    expect((await images('rm', 'image:2.0')).stdout).toBe(`${name} removed\n`);
    expect((await images('list')).stdout).not.toContain(':2.0');
    expect(await images('rm', 'image:2.0')).toMatchObject({ exitCode: 2 });
    const none = await images('pull', registry.image('none'));
    expect(none.exitCode).toBe(1);
    expect(none.stderr).toMatch(/the login node of lab-slurm can't pull \S+: the image \S+ does not exist/);
    const { stdout } = await bench.lab.exec('login', [
      'sh',
      '-c',
      'ls -d /tmp/scailfin-pull-* ~/.scailfin/lab-slurm/site/pull-* 2>/dev/null; :',
    ]);
    expect(stdout).toBe('');
  });

  it('find an image that was uploaded from a file, under the name of one that no registry has', async () => {
    const name = 'nowhere.example.org/me/analysis:1.0';
    const images = (...args: string[]) => scailfin(bench.lab, 'headnode', ['images', ...args], { check: false });
    await bench.lab.exec('headnode', ['sh', '-c', 'echo no >no.sif']);
    await bench.lab.exec('c1', [
      'sh',
      '-c',
      `apptainer --silent build made.sif ${image}; base64 -w0 made.sif >made.txt`,
    ]);
    const text = await bench.lab.read('c1', 'made.txt', { user: 'alice' });
    await bench.lab.write('headnode', 'made.sif', Buffer.from(text, 'base64'));
    const no = await images('add', 'no.sif', '--as', name);
    expect([no.exitCode, no.stderr]).toEqual([2, expect.stringContaining('no.sif is no SIF')]);
    expect((await images('add', 'made.sif', '--as', name)).stderr).toContain(`✓ Uploading made.sif as ${name}`);
    const { id, step } = await bench.run('cat /etc/image', { image: name });
    expect(step, await bench.steps.log(id)).toMatchObject({ state: 'finished' });
    expect(await bench.steps.log(id)).toMatch(/^this is the image\n/m);
    expect((await images('rm', name)).stdout).toBe(`${name} removed\n`);
    const { stdout } = await bench.lab.exec('login', ['sh', '-c', 'ls ~/.scailfin/lab-slurm/site | grep pull-; :']);
    expect(stdout).toBe('');
  });

  it('pull a private image with the login that the user has at its registry', { tags: ['nightly'] }, async () => {
    const registry = new Registry(bench.lab, 'c1');
    await registry.serve(5444, `me:${password}`);
    const name = 'c1:5444/lab/image:1.0';
    for (const runtime of ['apptainer', 'charliecloud']) {
      await only(runtime);
      const { step } = await bench.run('cat /etc/image', { image: name });
      expect(step.reason).toMatch(/c1:5444 does not give .* for a private one: scailfin images login c1:5444$/);
    }
    const auth = Buffer.from(`me:${password}`).toString('base64');
    const login = () => scailfin(bench.lab, 'headnode', ['images', 'login', 'c1:5444'], { check: false });
    expect((await login()).stderr).toMatch(/there is no \S+config.json\n.*docker login c1:5444/s);
    await bench.lab.write('headnode', '.docker/config.json', JSON.stringify({ auths: { 'c1:5444': { auth } } }));
    expect((await login()).stdout).toContain('pull from c1:5444 with your login');
    // what was refused a moment ago is not asked for again
    const forget = 'rm -rf ~/.scailfin/lab-slurm/site/images/failed/* /tmp/scailfin-cache-*/failed/*';
    for (const runtime of ['apptainer', 'charliecloud']) {
      for (const host of ['c1', 'c2'] as const) await bench.lab.exec(host, ['sh', '-c', forget]);
      await only(runtime);
      const { id, step } = await bench.run('cat /etc/image; env', { image: name });
      expect(step, await bench.steps.log(id)).toMatchObject({ state: 'finished' });
      expect(await bench.steps.log(id)).toMatch(/^this is the image\n/m);
      expect(await bench.steps.log(id)).not.toContain(password);
      await scailfin(bench.lab, 'headnode', ['images', 'rm', name]);
    }
    const kept = 'cd ~/.scailfin/lab-slurm/site; stat -c %a registries/*; grep -rl kx- logs images/names; :';
    expect((await bench.lab.exec('c1', ['sh', '-c', kept])).stdout).toBe('600\n');
  });

  it('without a container know who and where they are, too', async () => {
    await bench.files();
    await only('apptainer');
    const { id, step } = await bench.run('echo "$USER $LOGNAME $SHELL $LANG"; test -w "$HOME" -a -w "$TMPDIR"');
    expect(step, await bench.steps.log(id)).toMatchObject({ state: 'finished' });
    expect(await bench.steps.log(id)).toMatch(/^alice alice \/\S*bash C.UTF-8$/m);
  });

  it('fail where a directory of the site is missing that they shall see', { tags: ['nightly'] }, async () => {
    await bench.lab.exec('c1', ['sh', '-c', 'mv ~/project ~/away']);
    const { step } = await bench.run('true', { image });
    await bench.lab.exec('c1', ['sh', '-c', 'mv ~/away ~/project']);
    expect(step.reason).toMatch(/^node c[12] has no \/home\/alice\/project, which steps shall see\. Correct --bind/);
  });

  it('leave nothing on their nodes when the cluster is taken down', async () => {
    const { id } = await bench.submit('sleep 1000', { image });
    await expect.poll(async () => (await bench.steps.get(id))?.state, { timeout: 60_000 }).toBe('running');
    await bench.steps.close();
    await scailfin(bench.lab, 'headnode', ['down', 'lab-slurm']);
    const left = (await bench.lab.leftovers()).filter(line => /^c[12]:/.test(line));
    expect(left).toEqual([]);
  });
});
