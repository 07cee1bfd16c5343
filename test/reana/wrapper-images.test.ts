import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { makeImage } from './helpers/image.js';
import { Registry } from './helpers/registry.js';
import { Workspace } from './helpers/wrapped.js';

const reason = labUnavailable();
const image = '/home/alice/image';

describe.skipIf(reason !== undefined)(`images of steps${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  let registry: Registry;
  let workspace: Workspace;
  beforeAll(async () => {
    lab = await Lab.up({});
    await makeImage(lab, 'c1', image);
    const make =
      'mksquashfs image image.sqfs -quiet -no-progress >/dev/null && apptainer --silent build image.sif image';
    await lab.exec('c1', ['sh', '-c', make], { timeoutMs: 200_000 });
    registry = await Registry.start(lab, 'c1', image);
  }, 300_000);
  afterAll(async () => {
    await lab?.down();
  });
  beforeEach(async () => {
    workspace = await Workspace.make(lab);
  });
  afterEach(async () => {
    await workspace?.remove();
    await onNode('chmod -R u+rwX /tmp/cache; rm -rf /tmp/cache');
  });
  const onNode = async (script: string) => (await lab.exec('c1', ['sh', '-c', script], { user: 'root' })).stdout.trim();
  const source = (step: { report: { values: ReadonlyMap<string, string> } }) => step.report.values.get('image_source');
  /** A PATH where some programs are missing; others come first. */
  const without = async (names: string, ...first: string[]) => {
    const dir = `/opt/without-${names.replaceAll(' ', '-')}`;
    await onNode(`mkdir -p ${dir}; ln -sf /usr/bin/* ${dir}; cd ${dir}; rm -f ${names}`);
    return [...first, dir].join(':');
  };

  describe.each(['charliecloud', 'apptainer'])('by %s', runtime => {
    const site = { SCAILFIN_RUNTIMES: runtime };
    const command = 'cat /etc/image; pwd; echo x >out';

    it.each(['sqfs', 'sif'])('that are files: .%s', async ending => {
      const step = await workspace.step({ command, image: `${image}.${ending}`, site });
      expect(step.stderr.replace(/^scailfin: fetching the image .*\n/, '')).toBe('');
      expect(step).toMatchObject({ status: 0, stdout: `this is the image\n${workspace.dir}\n` });
      expect(step.changed.map(item => item.path)).toEqual(['out']);
      expect(step.report.values.get('runtime')).toBe(runtime);
    });

    it('that are unpacked in CVMFS are used from there', async () => {
      await onNode(
        `mkdir -p /cvmfs/unpacked.cern.ch/registry.hub.docker.com/library; cp -a ${image} /cvmfs/unpacked.cern.ch/registry.hub.docker.com/library/python:3.12`,
      );
      const step = await workspace.step({ command, image: 'docker.io/library/python:3.12', site });
      expect(step).toMatchObject({ status: 0, stdout: `this is the image\n${workspace.dir}\n` });
      expect(source(step)).toBe('cvmfs');
      expect(source(await workspace.step({ command, image: 'python:3.12', site }))).toBe('cvmfs');
    });

    it('come from a registry once for twenty steps at once, and once more for another image', {
      tags: ['nightly'],
    }, async () => {
      const before = await registry.downloads();
      const steps: string[] = [];
      const options = { command: 'echo $IMAGE_SAYS; cat /etc/image', image: registry.image('1.0'), site };
      for (let n = 0; n < 20; n++) steps.push(await workspace.send(options));
      const script = `for dir; do (cd "$dir" && _CONDOR_SCRATCH_DIR=$dir ./step.sh >out 2>err; echo $? >status) & done; wait; cat $(printf '%s/status ' "$@") $(printf '%s/out ' "$@") $(printf '%s/err ' "$@")`;
      const env = { SCAILFIN_CACHE: '/tmp/cache', ...site };
      const { stdout } = await lab.exec('c1', ['sh', '-c', script, 'sh', ...steps], { env, timeoutMs: 170_000 });
      expect(stdout.replace(/^scailfin: fetching the image .*\n/gm, '')).toBe(
        `${'0\n'.repeat(20)}${'hello\nthis is the image\n'.repeat(20)}`,
      );
      const sources = await onNode(
        `cat ${steps.map(dir => `${dir}/report`).join(' ')} | grep image_source | sort | uniq -c`,
      );
      expect(sources).toMatch(/^19 image_source=cache\s+1 image_source=pulled$/);
      const once = (await registry.downloads()) - before;
      expect(once).toBe(2);
      expect(source(await workspace.step({ command, image: registry.image('2.0'), site }))).toBe('pulled');
      expect(source(await workspace.step({ command, image: `docker://${registry.image('2.0')}`, site }))).toBe('cache');
    });

    it('that the registry does not have fail the step with the registry’s error, and leave no partial image', async () => {
      const step = await workspace.step({
        command,
        image: registry.image('none'),
        site: { ...site, PATH: await without(runtime === 'apptainer' ? 'ch-run' : 'apptainer singularity') },
      });
      expect(step.status).toBe(161);
      expect(step.report.exit).toBeUndefined();
      expect(step.report.values.get('message')).toMatch(
        /^the image c1:5443\/lab\/image:none does not exist: c1:5443 has|^c1:5443 does not give .*not in registry/,
      );
      expect(await onNode('ls -A /tmp/cache/images /tmp/cache/tmp')).toBe('/tmp/cache/images:\n\n/tmp/cache/tmp:');
    });

    it('whose download was killed are downloaded by the next step', { tags: ['nightly'] }, async () => {
      const scratch = await workspace.send({ command, image: registry.image('3.0'), site });
      const env = workspace.environment(scratch, { site });
      const child = lab.spawn('c1', ['sh', '-c', `cd ${scratch} && exec ./step.sh`], { env, stdio: 'ignore' });
      const ended = new Promise(resolve => child.on('exit', resolve));
      await expect.poll(() => onNode('ls -A /tmp/cache/tmp'), { timeout: 60_000 }).not.toBe('');
      await onNode('pkill -KILL -u alice');
      await ended;
      expect(await onNode('ls -A /tmp/cache/tmp')).not.toBe('');
      const step = await workspace.step({ command, image: registry.image('3.0'), site });
      expect(step.status).toBe(0);
      expect(source(step)).toBe('pulled');
      expect(await onNode('ls -A /tmp/cache/tmp')).toBe('');
    });
  });

  describe.each(['charliecloud', 'apptainer'])('by %s, for all nodes of a site', runtime => {
    const store = '/home/alice/images';
    const site = { SCAILFIN_RUNTIMES: runtime, SCAILFIN_IMAGES: store, SCAILFIN_STORE_SILENCE: '5' };
    const command = 'echo $IMAGE_SAYS; cat /etc/image';
    beforeAll(() => registry.trustedBy('c2'));
    afterEach(() => onNode(`rm -rf ${store} /tmp/cache-*`));
    /** A step on a second node, which shares the images with the first one and has a cache of its own. */
    const onOther = (image: string) =>
      workspace.step({ command, image, host: 'c2', site: { ...site, SCAILFIN_CACHE: '/tmp/cache-c2' } });
    /** Many nodes, each with a cache of its own, on the lab's two. */
    const onNodes = async (host: 'c1' | 'c2', steps: readonly string[]) => {
      const script = `for dir; do (cd "$dir" && SCAILFIN_CACHE=/tmp/cache-\${dir##*/} _CONDOR_SCRATCH_DIR=$dir ./step.sh >out 2>err; echo $? >status) & done; wait; cat $(printf '%s/status ' "$@") $(printf '%s/out ' "$@"); grep -h image_source $(printf '%s/report ' "$@")`;
      const { stdout } = await lab.exec(host, ['sh', '-c', script, 'sh', ...steps], {
        env: site,
        timeoutMs: 170_000,
      });
      return stdout;
    };

    const many = runtime === 'apptainer' ? 40 : 8;
    it(`are pulled once, although ${many} nodes need them at once`, { tags: ['nightly'] }, async () => {
      const before = await registry.downloads();
      const options = { command, image: registry.image('once'), site };
      const steps: Record<'c1' | 'c2', string[]> = { c1: [], c2: [] };
      for (let n = 0; n < many; n++) {
        const host = n % 2 ? 'c1' : 'c2';
        steps[host].push(await workspace.send({ ...options, host }));
      }
      const said = (await Promise.all([onNodes('c1', steps.c1), onNodes('c2', steps.c2)])).join('').split('\n');
      const count = (line: string) => said.filter(other => other === line).length;
      expect([count('0'), count('this is the image'), count('hello')], said.join('\n')).toEqual([many, many, many]);
      expect([count('image_source=pulled'), count('image_source=site')]).toEqual([1, many - 1]);
      // the layer and the configuration
      expect((await registry.downloads()) - before).toBe(2);
      const kept = await onNode(`cd ${store}; ls files | wc -l; ls locks parts failed; cd files; sha256sum *`);
      expect(kept).toMatch(/^1\nfailed:\n\nlocks:\n\nparts:\n([0-9a-f]{64}) {2}\1\.(sif|tar)$/);
    });

    it('are there for nodes without a way out', { tags: ['nightly'] }, async () => {
      const options = { command, image: registry.image('away'), site };
      expect(source(await workspace.step(options))).toBe('pulled');
      await onNode('pkill -f ^python3./srv/registry.py');
      try {
        const step = await onOther(options.image);
        expect(step).toMatchObject({ status: 0, stdout: 'hello\nthis is the image\n' });
        expect(source(step)).toBe('site');
        const other = await workspace.step({ command, image: registry.image('other'), site });
        expect(other.report.values.get('message')).toMatch(/^this node can't reach c1:5443, /);
      } finally {
        await registry.serve();
      }
    });

    it.runIf(runtime === 'charliecloud')(
      'are pulled by another node, if the one that pulls is gone',
      { tags: ['nightly'] },
      async () => {
        const options = { command, image: registry.image('killed'), site };
        const scratch = await workspace.send(options);
        const env = workspace.environment(scratch, { site });
        const child = lab.spawn('c1', ['sh', '-c', `cd ${scratch} && exec ./step.sh`], { env, stdio: 'ignore' });
        const ended = new Promise(resolve => child.on('exit', resolve));
        await expect.poll(() => onNode(`ls ${store}/parts`), { timeout: 60_000, interval: 50 }).not.toBe('');
        await onNode('pkill -KILL -u alice');
        await ended;
        expect(await onNode(`ls ${store}/locks`)).not.toBe('');
        const step = await onOther(options.image);
        expect(step).toMatchObject({ status: 0, stdout: 'hello\nthis is the image\n' });
        expect(source(step)).toBe('pulled');
        expect(await onNode(`ls -A ${store}/locks ${store}/parts`)).toBe(`${store}/locks:\n\n${store}/parts:`);
      },
    );

    it.runIf(runtime === 'apptainer')(
      'that a registry refuses are asked for once; those that nobody used are removed',
      async () => {
        const old = { command, image: registry.image('old'), site };
        expect(source(await workspace.step(old))).toBe('pulled');
        await onNode(`touch -d '40 days ago' ${store}/names/* ${store}/files/*`);
        const asked = async () => Number(await onNode('grep -c "manifests/none" /srv/log || :'));
        const before = await asked();
        const first = await workspace.step({ command, image: registry.image('none'), site });
        const once = await asked();
        const second = await onOther(registry.image('none'));
        expect([first.status, second.status]).toEqual([161, 161]);
        expect(once).toBeGreaterThan(before);
        expect(await onNode(`ls ${store}/names ${store}/files`)).toBe(`${store}/files:\n\n${store}/names:`);
        expect(second.stderr).toContain('(on c1)');
      },
    );
  });

  it('that are not there', async () => {
    const step = await workspace.step({ command: 'true', image: '/home/alice/none.sif' });
    expect(step.status).toBe(161);
    expect(step.report.values.get('message')).toBe('there is no /home/alice/none.sif on this node');
  });

  it('need something that runs them', async () => {
    const PATH = await without('apptainer singularity ch-run');
    const step = await workspace.step({ command: 'true', image, site: { PATH } });
    expect(step.status).toBe(160);
    expect(step.report.values.get('message')).toMatch(/^this node has no container runtime: /);
    expect(step.report.exit).toBeUndefined();
  });

  const debian = 'docker.io/library/debian:12';
  const fetching = 'While making image from oci registry: error fetching image to cache: failed to get checksum for';
  const get = 'Get "https://registry-1.docker.io/v2/":';
  /** What Apptainer and Charliecloud say, and the sentence that a person reads. */
  it.each([
    ['apptainer', `${get} dial tcp: lookup registry-1.docker.io: no such host`, "can't reach registry-1.docker.io"],
    ['apptainer', `${get} dial tcp 3.94.224.37:443: i/o timeout`, "can't reach registry-1.docker.io"],
    ['apptainer', `${get} net/http: TLS handshake timeout`, "can't reach registry-1.docker.io"],
    ['apptainer', `${get} proxyconnect tcp: dial tcp 10.0.0.9:3128: connect: no route`, "can't reach registry-1"],
    [
      'apptainer',
      `${get} tls: failed to verify certificate: x509: unknown authority`,
      'does not trust the certificate',
    ],
    ['apptainer', 'reading manifest 12: toomanyrequests: You have reached your pull rate limit', 'rate limit'],
    ['apptainer', 'reading manifest 12: manifest unknown', 'does not exist'],
    ['apptainer', 'denied: requested access to the resource is denied', 'does not give the image'],
    ['apptainer', 'write /tmp/x: no space left on device', 'has no room for the image'],
    [
      'ch-image',
      'GET failed: (Caused by NameResolutionError("Failed to resolve \'docker.io\'"))',
      "can't reach registry-1",
    ],
    ['ch-image', 'GET failed: (Caused by SSLError(SSLCertVerificationError(1, CERTIFICATE_VERIFY_FAILED)))', 'trust'],
    ['ch-image', `unauthorized or not in registry: ${debian}`, 'does not give the image'],
  ])('that %s could not pull (%s) fail the step with the cause', async (program, words, cause) => {
    const isApptainer = program === 'apptainer';
    const said = isApptainer ? `FATAL:   ${fetching} docker://${debian}: ${words}` : `error: ${words}`;
    const script = `#!/bin/sh\n[ "$1" != --version ] || { echo 1.4.5; exit; }\ncat >&2 <<'END'\n${said}\nEND\nexit 255\n`;
    await lab.write('c1', `/opt/saying/${program}`, script, { user: 'root', mode: 0o755 });
    const others = isApptainer ? 'singularity ch-run' : 'apptainer singularity';
    const site = { PATH: await without(others, '/opt/saying') };
    const step = await workspace.step({ command: 'true', image: debian, site });
    await onNode('rm -r /opt/saying');
    expect(step.report.values.get('message')).toContain(cause);
    expect(step.stderr).toContain(`could not get ${debian}: ${said}`);
  });

  it('that no runtime can use fail the step with the reason of the one that came furthest', {
    tags: ['nightly'],
  }, async () => {
    const apptainer = `#!/bin/sh\n[ "$1" != --version ] || { echo 1.4.5; exit; }\necho "FATAL: $1: no such host" >&2; exit 255\n`;
    const broken = '#!/bin/sh\necho "error: something else" >&2; exit 1\n';
    await lab.write('c1', '/opt/far/apptainer', apptainer, { user: 'root', mode: 0o755 });
    await lab.write('c1', '/opt/far/ch-run', broken, { user: 'root', mode: 0o755 });
    const site = { PATH: await without('singularity', '/opt/far') };
    const step = await workspace.step({ command: 'true', image: debian, site });
    expect(step.status).toBe(161);
    const [sentence, advice, ...tried] = step.stderr
      .replace(/^scailfin: fetching .*\n/, '')
      .trim()
      .split('\n');
    expect(sentence).toBe(
      `scailfin: this node can't reach registry-1.docker.io, so the image ${debian} can't be pulled there`,
    );
    expect(advice).toContain('/shared/image.sif');
    expect(tried).toEqual([
      `scailfin: apptainer (/opt/far/apptainer) could not get ${debian}: FATAL: pull: no such host`,
      'scailfin: charliecloud (/opt/far/ch-run) does not work: error: something else',
      'scailfin: not on this node: shifter, podman-hpc, singularity',
    ]);
  });

  it('are run by the next one where the first is broken, in the order of the site', async () => {
    await onNode(
      'mkdir -p /opt/broken; cd /opt/broken; echo "#!/bin/sh\nexit 1" >apptainer; echo "#!/bin/sh\ncase \\$1 in --version) echo 3.8.7;; *) echo FATAL: no setuid >&2; exit 255; esac" >singularity; chmod 755 *',
    );
    const site = {
      PATH: await without('none-at-all', '/opt/broken'),
      SCAILFIN_RUNTIMES: 'apptainer singularity=nothing charliecloud',
    };
    const step = await workspace.step({ command: 'cat /etc/image', image, site });
    expect(step).toMatchObject({ status: 0, stdout: 'this is the image\n' });
    expect(step.report.values.get('runtime')).toBe('charliecloud');
    expect(step.stderr).toMatch(/apptainer .* does not work[\s\S]*singularity .* FATAL: no setuid/);
    const none = await workspace.step({
      command: 'true',
      image,
      site: { ...site, PATH: await without('ch-run', '/opt/broken') },
    });
    expect(none.status).toBe(160);
    expect(none.report.values.get('message')).toMatch(/could not start .*: FATAL: no setuid/);
  });

  it('are run by a runtime from a module, if none is in the PATH', { tags: ['nightly'] }, async () => {
    const modules = `mkdir -p /opt/module/bin /etc/profile.d; ln -sf /usr/bin/apptainer /opt/module/bin/apptainer
      echo 'module() { [ "$1 $2 $3" != "load base tools/apptainer" ] || PATH=/opt/module/bin:$PATH; }' >/etc/profile.d/modules.sh`;
    await onNode(modules);
    const site = {
      PATH: await without('apptainer singularity ch-run'),
      SCAILFIN_RUNTIMES: 'apptainer=base,tools/apptainer',
    };
    const step = await workspace.step({ command: 'cat /etc/image', image, site });
    await onNode('rm /etc/profile.d/modules.sh');
    expect(step).toMatchObject({ status: 0, stdout: 'this is the image\n', stderr: '' });
  });
});
