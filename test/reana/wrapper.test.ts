import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { makeImage } from './helpers/image.js';
import { Workspace } from './helpers/wrapped.js';

const reason = labUnavailable();
const runtimes = ['charliecloud', 'apptainer', 'singularity'] as const;
const fromNode = ['changed.tar', 'manifest', 'report', 'small.tar', 'step.env', 'step.sh'];
const image = '/home/alice/image';

describe.skipIf(reason !== undefined)(`the script that runs a step${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  let workspace: Workspace;
  beforeAll(async () => {
    lab = await Lab.up({});
    await makeImage(lab, 'c1', image);
  }, 300_000);
  afterAll(async () => {
    await lab?.down();
  });
  beforeEach(async () => {
    workspace = await Workspace.make(lab);
  });
  afterEach(async () => {
    await workspace?.remove();
  });
  const onNode = async (script: string) => (await lab.exec('c1', ['sh', '-c', script], { user: 'root' })).stdout.trim();

  describe.each(runtimes)('by %s', runtime => {
    const site = { SCAILFIN_RUNTIMES: runtime };

    it('shows the workspace at its own path, runs the line as it is, and returns what is new', async () => {
      await workspace.write('data/in.txt', 'hello\n');
      const quoting = `echo 'it'"'"'s "quoted" $((1+1)) \\n' && echo "$0"`;
      const command = `cat data/in.txt >out.txt && cat "${workspace.dir}/out.txt" /etc/image && pwd && ${quoting}`;
      const step = await workspace.step({ command, image, site });
      expect(step.stderr).toBe('');
      expect(step.stdout).toBe(`hello\nthis is the image\n${workspace.dir}\nit's "quoted" $((1+1)) \\n\nbash\n`);
      expect(step.status).toBe(0);
      expect(step.changed.map(item => item.path)).toEqual(['out.txt']);
      expect(await workspace.read(step, 'out.txt')).toBe('hello\n');
      expect(step.report).toMatchObject({ exit: 0, shared: false, deleted: [] });
      expect(step.report.values.get('runtime')).toBe(runtime);
      expect(step.report.values.get('runtime_version')).toMatch(/^\d+\.\d+/);
      expect(step.report.values.get('image_source')).toBe('local');
      for (const phase of ['runtime', 'inputs', 'run', 'outputs']) {
        expect(step.report.values.get(`seconds_${phase}`)).toMatch(/^\d+\.\d{2}$/);
      }
      expect(step.left).toEqual(fromNode);
    });

    it('gives the step its environment exactly, a home of its own, and nothing of the site or of HTCondor', async () => {
      const environment = {
        PLAIN: 'x',
        QUOTED: `it's "that" \\ $HOME \`id\` %0A`,
        LINES: '\n two\n\nlines \n',
        UNICODE: 'Δ µ→e γ',
        EMPTY: '',
        LD_LIBRARY_PATH: '/nowhere',
      };
      const command = `for n in ${Object.keys(environment).join(' ')}; do printf '%s' "\${!n}" | base64 -w0; echo; done
        env | sed 's/=.*//' | sort >names; cd; pwd; ls -A; echo x >y; id -u`;
      const theirs = { LEAKED: 'no', OMP_NUM_THREADS: '3', _CONDOR_JOB_AD: '/x', _CONDOR_ANCESTOR_5: '7:8:9' };
      const step = await workspace.step({ command, image, environment, site: { ...site, ...theirs } });
      const lines = step.stdout.split('\n');
      const seen = lines.slice(0, 6).map(line => Buffer.from(line, 'base64').toString());
      expect(seen).toEqual(Object.values(environment));
      expect(lines.slice(6)).toEqual(['/tmp/home', await onNode('id -u alice'), '']);
      const names = (await workspace.read(step, 'names')).split('\n');
      expect(names).toEqual(expect.arrayContaining(['OMP_NUM_THREADS', '_CONDOR_ANCESTOR_5', 'SCAILFIN_STEP']));
      const login = ['HOME', 'LANG', 'LOGNAME', 'SHELL', 'TMPDIR', 'USER'];
      expect(names).toEqual(expect.arrayContaining(login));
      expect(names.filter(name => /LEAKED|_CONDOR_(?!ANC)|SCAILFIN_(?!STEP)|LC_ALL|SUDO/.test(name))).toEqual([]);
    });

    it('never shows the environment or the command to others on the node', async () => {
      const options = { command: 'sleep 3; : kx-command', image, environment: { TOKEN: 'kx-token-5Wd8' }, site };
      const running = workspace.step(options);
      await new Promise(resolve => setTimeout(resolve, 2000));
      expect(await onNode('ps -eo args | grep -v grep | grep -c kx-token || :')).toBe('0');
      expect((await running).status).toBe(0);
    });

    it('ends with the status of the step, 128 and the signal where one ended it', async () => {
      const status = async (command: string) => {
        const step = await workspace.step({ command, image, site });
        expect(step.report.exit).toBe(step.status);
        return step.status;
      };
      expect(await status('echo part >part; exit 3')).toBe(3);
      expect(await status('exit 161')).toBe(161);
      expect(await status('no-such-command')).toBe(127);
      expect(await status('kill -KILL $$')).toBe(137);
      expect(await status('kill -SEGV $$')).toBe(139);
    });

    it('brings back what changed, whatever it is called and whatever was done to it', async () => {
      const names = [
        '-rf',
        ' blank ',
        'a\nb',
        'a"b',
        "it's",
        'ü→γ',
        '100%',
        '%0A',
        '$HOME',
        'tab\there',
        '\\n',
        '*',
        'back\\',
      ];
      for (const name of names) await workspace.write(`in/${name}`, `old ${name}`);
      for (const name of ['same', 'touched', 'mode', 'gone\nfile', 'link']) await workspace.write(name, name);
      await workspace.sh('mkdir -p empty full/deep "gone dir"; touch full/deep/x; ln -s same points; chmod 750 full');
      const command = `set -e; cd in; for f in * ; do test "old $f" = "$(cat "./$f")"; printf ' new' >>"./$f"; cp -- "./$f" "../copy of $f"; done
        cd ..; cat same >s; cat s >same; rm s; touch touched; chmod 755 mode; rm gone*file link; rm -r 'gone dir'
        ln -s ../elsewhere 'li nk'; ln -sf touched points; mkdir -p 'new dir/sub'; : >'new dir/empty'; stat -c %a full`;
      const step = await workspace.step({ command, image, site });
      expect(step.stderr).toBe('');
      expect(step.stdout).toBe('750\n');
      const found = step.changed
        .map(item => `${item.kind} ${item.path}`)
        .filter(line => !/^. (in|copy of )/.test(line));
      expect(found).toEqual(['l li nk', 'f mode', 'd new dir', 'f new dir/empty', 'd new dir/sub', 'l points']);
      for (const name of names) {
        expect(await workspace.read(step, `in/${name}`)).toBe(`old ${name} new`);
        expect(await workspace.read(step, `copy of ${name}`)).toBe(`old ${name} new`);
      }
      expect(step.changed.find(i => i.path === 'mode')?.mode).toBe(0o755);
      expect([...step.report.deleted].sort()).toEqual(['gone\nfile', 'gone dir', 'link']);
    });

    it('leaves nothing when it is told to end', async () => {
      const scratch = await workspace.send({ command: 'trap "" TERM; setsid sleep 1000 & sleep 1000', image, site });
      const child = lab.spawn('c1', ['sh', '-c', `cd ${scratch} && exec ./step.sh`], {
        user: 'alice',
        env: workspace.environment(scratch, { site }),
        stdio: 'ignore',
      });
      const ended = new Promise<number | null>(resolve => child.on('exit', resolve));
      await expect.poll(() => onNode('pgrep -fc "^sleep 1000" || :'), { timeout: 60_000 }).toBe('2');
      child.kill('SIGTERM');
      expect(await ended).toBe(143);
      // what holds the image open for Apptainer ends by itself
      await expect.poll(() => onNode('pgrep -u alice -a || :'), { timeout: 30_000 }).toBe('');
      expect(await onNode(`ls -A ${scratch}`)).toBe(fromNode.join('\n'));
      expect(await onNode('ls -A /tmp/cache/tmp; mount | grep -c [.]scailfin || :')).toBe('0');
    });
  });

  it.each([
    ['in a container', image, 'charlie', '/tmp/home'],
    ['without one', '', 'user2001', expect.stringMatching(/\/tmp\/home$/)],
  ])('runs %s where the node knows neither the account’s name nor its home', async (_, image, name, home) => {
    const site = { SCAILFIN_RUNTIMES: 'charliecloud' };
    const scratch = await workspace.send({ command: 'echo "$USER" "$HOME"; test -w "$HOME"', image });
    const bare = Object.entries(workspace.environment(scratch, { site })).map(([key, value]) => `${key}=${value}`);
    const script = `cd "$1" && shift && grep -v ^alice: /etc/passwd >/tmp/passwd && mount --bind /tmp/passwd /etc/passwd &&
      exec setpriv --reuid=2001 --regid=2001 --clear-groups env -i "$@" ./step.sh`;
    const unshare = ['unshare', '--mount', 'sh', '-c', script, 'sh', scratch, ...bare];
    const { stdout } = await lab.exec('c1', unshare, { user: 'root' });
    expect(stdout.trim().split(' ')).toEqual([name, home]);
  });

  it('runs without a container where no image is asked for', async () => {
    await workspace.write('in', 'x');
    const step = await workspace.step({ command: 'cat in >out; ls /etc/image; echo $HOME; exit 4' });
    expect(step.status).toBe(4);
    expect(step.report.values.get('runtime')).toBe('none');
    expect(step.changed.map(item => item.path)).toEqual(['out']);
    expect(step.stdout).toMatch(/\.scailfin\/tmp\/home\n$/);
  });

  it('starts few processes for a step that is over at once', async () => {
    const site = { SCAILFIN_CACHE: '/tmp/cache-of-root', SCAILFIN_ACCOUNT: 'root:x:0:0::/root:/bin/bash' };
    // among processes of its own, they are counted by their numbers
    const script = `cd "$1" && shift && env -i "$@" ./step.sh && cat /proc/sys/kernel/ns_last_pid`;
    const processes = async (): Promise<number> => {
      const scratch = await workspace.send({ command: 'true' });
      const bare = Object.entries(workspace.environment(scratch, { site })).map(([key, value]) => `${key}=${value}`);
      const alone = ['unshare', '--pid', '--fork', '--mount-proc', 'sh', '-c', script, 'sh', scratch, ...bare];
      return Number((await lab.exec('c1', alone, { user: 'root' })).stdout);
    };
    // the first one makes the cache
    await processes();
    expect(await processes()).toBeLessThan(20);
    await onNode('rm -rf /tmp/cache-of-root');
  });

  it('returns files of any name, and knows which ones are new', async () => {
    for (const name of ['100% sure', 'two\nlines', 'a%0Ab', '-rf', 'dir%/in']) await workspace.write(name, name);
    const command = `printf new >'100% sure'; printf x >'new%25'; printf x >"new$(printf '\\nline')"; rm 'a%0Ab'; : >plain; mkdir 'd%'; : >'d%/in'`;
    const step = await workspace.step({ command });
    expect(step.stderr).toBe('');
    expect(step.status).toBe(0);
    expect(step.changed.map(item => item.path).sort()).toEqual([
      '100% sure',
      'd%',
      'd%/in',
      'new\nline',
      'new%25',
      'plain',
    ]);
    expect(step.report.deleted).toEqual(['a%0Ab']);
  });

  it('works in the workspace itself where the node has it, proved by the nonce', async () => {
    await lab.exec('c1', ['sh', '-c', 'mkdir -p ~/ws; echo abc >~/ws/.probe; echo 1 >~/ws/in'], { user: 'alice' });
    for (const [nonce, shared] of [
      ['abc', true],
      ['abd', false],
    ] as const) {
      const scratch = await workspace.send({ command: 'cat in >out', image });
      const script = `cd "$0" && sed -i 's|^workspace=.*|workspace=/home/alice/ws|' step.env && sed -i '1s|.*|probe .probe ${nonce}|' manifest && ./step.sh`;
      const env = workspace.environment(scratch, {});
      const { exitCode } = await lab.exec('c1', ['sh', '-c', script, scratch], { user: 'alice', env, check: false });
      const { report, changed } = await workspace.collect('c1', scratch);
      expect(report.shared).toBe(shared);
      expect(changed.length).toBe(shared ? 0 : 1);
      expect(exitCode).toBe(shared ? 0 : 1);
    }
    expect(await onNode('cat /home/alice/ws/out; ls -A /home/alice/ws')).toBe('1\n.probe\nin\nout');
  });
});
