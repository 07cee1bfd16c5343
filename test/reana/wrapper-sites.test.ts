import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { makeImage } from './helpers/image.js';
import { standInsFor } from './helpers/standins.js';
import { Workspace } from './helpers/wrapped.js';

const reason = labUnavailable();
const image = '/home/alice/image';
describe.skipIf(reason !== undefined)(`steps at sites of other kinds${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  let workspace: Workspace;
  beforeAll(async () => {
    lab = await Lab.up({});
    await makeImage(lab, 'c1', image);
    for (const [name, text] of Object.entries(standInsFor(image))) {
      await lab.write('c1', `/opt/site/${name}`, text, { user: 'root', mode: 0o755 });
    }
  }, 300_000);
  afterAll(async () => {
    await lab?.down();
  });
  beforeEach(async () => {
    workspace = await Workspace.make(lab);
    await workspace.write('in', 'hello\n');
  });
  afterEach(async () => {
    await workspace?.remove();
    await onNode('rm -rf /tmp/cache /tmp/pulls /tmp/aprun');
  });
  const onNode = async (script: string) => (await lab.exec('c1', ['sh', '-c', script], { user: 'root' })).stdout.trim();
  const PATH = '/opt/site:/usr/bin:/bin';
  const command = 'cat in /etc/image; pwd; test -w "$HOME" && echo "$GREETING" >out';
  const environment = { GREETING: "it's me" };

  it.each(['shifter', 'podman-hpc'])(
    'by %s, a stand-in that checks its arguments: pulled once, run, and what changed returned',
    async runtime => {
      const site = { PATH, SCAILFIN_RUNTIMES: runtime };
      for (const source of ['pulled', 'cache']) {
        const step = await workspace.step({ command, image: 'docker.io/lab/image:1.0', environment, site });
        expect(step).toMatchObject({ status: 0, stdout: `hello\nthis is the image\n${workspace.dir}\n`, stderr: '' });
        expect(step.changed.map(item => item.path)).toEqual(['out']);
        expect(await workspace.read(step, 'out')).toBe("it's me\n");
        expect([step.report.values.get('runtime'), step.report.values.get('image_source')]).toEqual([runtime, source]);
      }
      expect(await onNode('cat /tmp/pulls')).toBe('pulled');
    },
  );

  describe('that see files of the site', () => {
    /** As the glide-in writes it. */
    const binds = (...lines: string[]) => ({
      SCAILFIN_BINDS: Buffer.from(`${lines.map(line => line.replaceAll(' ', '\t')).join('\n')}\n`).toString('base64'),
    });
    const see = 'cat /raw/data; echo new >/raw/new && echo wrote; ls -d /home/alice /data 2>/dev/null; :';
    beforeAll(async () => {
      await onNode('mkdir -p /data/raw; echo of the site >/data/raw/data; chmod 777 /data/raw');
    });
    afterEach(() => onNode('rm -f /data/raw/new /tmp/volumes'));

    it.each(['apptainer', 'charliecloud', 'shifter', 'podman-hpc'])(
      'by %s: what was named, and no more',
      async runtime => {
        const site = { PATH, SCAILFIN_RUNTIMES: runtime, ...binds('rw /data/raw /raw') };
        const registered = runtime === 'shifter' || runtime === 'podman-hpc';
        const step = await workspace.step({
          command: see,
          image: registered ? 'docker.io/lab/image:1.0' : image,
          site,
        });
        expect(step).toMatchObject({ status: 0, stdout: 'of the site\nwrote\n', stderr: '' });
        expect(step.report.values.get('runtime')).toBe(runtime);
        expect(step.changed).toEqual([]);
        expect(await onNode('cat /data/raw/new')).toBe('new');
      },
    );

    it.each(['apptainer', 'shifter', 'podman-hpc'])('by %s: read-only', async runtime => {
      const site = { PATH, SCAILFIN_RUNTIMES: runtime, ...binds('ro /data/raw /raw') };
      const registered = runtime !== 'apptainer';
      const step = await workspace.step({
        command: see,
        image: registered ? 'docker.io/lab/image:1.0' : image,
        site,
      });
      expect(step, step.stderr).toMatchObject({ status: 0, stdout: expect.stringMatching(/^of the site\n/) });
      // a stand-in only notes what it was asked for
      if (registered) expect(await onNode('cat /tmp/volumes')).toContain('/data/raw:/raw:ro');
      else expect(step.stdout).toMatch(/new: Read-only file system\n$/);
    });

    it('never by Charliecloud, if they are to be read-only', async () => {
      const site = { PATH: '/opt/charlie', SCAILFIN_RUNTIMES: 'charliecloud', ...binds('ro /data/raw /raw') };
      await onNode(
        'mkdir -p /opt/charlie; ln -sf /usr/bin/* /opt/charlie; cd /opt/charlie; rm -f apptainer singularity',
      );
      const step = await workspace.step({ command: see, image, site });
      expect(step.report.values.get('message')).toMatch(/charliecloud \(\S+\): it can't show .* read-only \(:ro\)$/);
      expect(await onNode('ls /data/raw')).toBe('data');
    });

    it('that are not there: the step ends before anything runs', async () => {
      const runs = async (bind: string, image = '') =>
        (await workspace.step({ command: 'echo ran', image, site: { PATH, ...binds(bind) } })).report.values;
      expect((await runs('rw /data/none /raw', image)).get('message')).toBe(
        'this node has no /data/none, which steps shall see',
      );
      expect((await runs('rw /data/none /raw')).get('hint')).toMatch(/^Correct --bind/);
      expect((await runs('unset SCRATCH SCRATCH')).get('message')).toBe(
        'this node does not set $SCRATCH, and steps shall see what is there',
      );
      expect((await runs('rw /data:x,y /raw')).get('message')).toMatch(/no container runtime takes such a path/);
    });

    it.each(['apptainer', 'charliecloud'])('by %s: repositories of CVMFS that the workflow names', async runtime => {
      await onNode('mkdir -p /cvmfs/sft.cern.ch/lcg /cvmfs/other.cern.ch; echo 1 >/cvmfs/sft.cern.ch/lcg/version');
      const of = (cvmfs: readonly string[]) =>
        workspace.step({
          command: 'cat /cvmfs/*/lcg/version; ls /cvmfs',
          ...{ image, cvmfs, site: { PATH, SCAILFIN_RUNTIMES: runtime } },
        });
      expect(await of(['sft.cern.ch'])).toMatchObject({ status: 0, stdout: '1\nsft.cern.ch\n' });
      expect((await of(['atlas.cern.ch'])).report.values.get('message')).toBe(
        'this node has no /cvmfs/atlas.cern.ch, which steps shall see',
      );
    });
  });

  it('by Shifter, a stand-in: an image that it has not, and one that it cannot run, is left to the next', async () => {
    const site = { PATH: '/opt/site:/opt/few', SCAILFIN_RUNTIMES: 'shifter' };
    await onNode(
      'mkdir -p /opt/few; ln -sf /usr/bin/* /opt/few; rm -f /opt/few/apptainer /opt/few/singularity; rm -f /opt/few/ch-image',
    );
    const none = await workspace.step({
      command,
      image: 'lab/none:1.0',
      site: { ...site, PATH: '/opt/site:/opt/few' },
    });
    expect(none.status).toBe(161);
    expect(none.stderr).toMatch(/shifter \(\S+\) could not get lab\/none:1.0: .*FAILURE/);
    const directory = await workspace.step({ command, image, site });
    expect(directory.report.values.get('runtime')).toBe('podman-hpc');
    expect(directory.stderr).toMatch(/shifter \(\S+\): Shifter takes only images from a registry/);
  });

  it('by aprun, a stand-in that checks its arguments, with the cores of the job', async () => {
    const site = { PATH, SCAILFIN_RUNTIMES: 'charliecloud', SCAILFIN_LAUNCHER: 'aprun', OMP_NUM_THREADS: '4' };
    const step = await workspace.step({ command: `${command}; exit 7`, image, environment, site });
    expect(step).toMatchObject({ status: 7, stdout: `hello\nthis is the image\n${workspace.dir}\n`, stderr: '' });
    // once for the launcher's proof, once for the image's
    expect(await onNode('cat /tmp/aprun')).toBe('4\n4\n4');
  });

  it('where the launcher is not there, or starts nothing', async () => {
    const site = { SCAILFIN_LAUNCHER: 'aprun', PATH: '/usr/bin:/bin' };
    const missing = await workspace.step({ command, image, site });
    expect(missing.status).toBe(164);
    expect(missing.report.values.get('message')).toMatch(/this node has no aprun$/);
    await onNode(
      'mkdir -p /opt/bad; printf "#!/bin/sh\\necho apsched: claim exceeds reservation >&2\\nexit 1\\n" >/opt/bad/aprun; chmod 755 /opt/bad/aprun',
    );
    const broken = await workspace.step({ command, image, site: { ...site, PATH: '/opt/bad:/usr/bin:/bin' } });
    expect(broken.status).toBe(164);
    expect(broken.report.values.get('message')).toMatch(/apsched: claim exceeds reservation/);
  });

  it("by Slurm's own srun, within a job: status and files", async () => {
    const site = { SCAILFIN_RUNTIMES: 'charliecloud', SCAILFIN_LAUNCHER: 'srun', SCAILFIN_CACHE: '/tmp/cache' };
    const scratch = await workspace.send({ command: `${command}; exit 5`, image, environment });
    const env = Object.entries(workspace.environment(scratch, { site })).map(
      ([key, value]) => `export ${key}='${value}'\n`,
    );
    const job = `#!/bin/sh\n${env.join('')}cd ${scratch}; ./step.sh >out 2>err; echo $? >status\n`;
    await lab.exec('login', ['sbatch', '--wait', '--nodelist=c1', '--cpus-per-task=2', '--output=/dev/null'], {
      stdin: job,
      check: false,
      timeoutMs: 60_000,
    });
    expect(await onNode(`cd ${scratch}; cat status out err`)).toBe(
      `5\nhello\nthis is the image\n${workspace.dir}\nsrun: error: c1: task 0: Exited with exit code 5`,
    );
    const { changed, report } = await workspace.collect('c1', scratch);
    expect(changed.map(item => item.path)).toEqual(['out']);
    expect(report.exit).toBe(5);
  });
});
