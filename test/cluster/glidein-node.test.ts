import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/paths.js';
import { Sleeper, type Start } from './helpers/sleeper.js';

const check = join(packageRoot, 'templates/glidein/check.sh');
const has = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
const shells = [['dash'], ['bash', '--posix'], ['busybox', 'sh']].filter(([program = '']) => has(program));
const alone = spawnSync('unshare', ['--mount', 'true']).status === 0 ? undefined : 'unshare --mount is not allowed';

describe.each(shells)('the checks of a node, in %s', (...shell) => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'check-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));
  const [file, ...args] = shell as [string, ...string[]];
  /** What a check says, and its status. */
  const run = (script: string): string => {
    const { stdout, stderr, status } = spawnSync(file, [...args, '-c', `. ${check}\n${script}`], { encoding: 'utf8' });
    return `${stdout}${stderr}${status}`;
  };
  const put = (path: string, content: string): void => {
    mkdirSync(join(dir, path, '..'), { recursive: true });
    writeFileSync(join(dir, path), content);
  };

  it('find nothing wrong with this machine', () => {
    expect(run(`can_write ${dir} && can_execute ${dir} && machine_fits "$(uname -m)" && library_fits 2.2`)).toBe('0');
    expect(run('containers')).toMatch(/^user namespaces (work|do not work); container programs in PATH: .+\n0$/);
  });

  it('say why the programs of HTCondor can not run', () => {
    expect(run('machine_fits vax')).toMatch(/^the payload is for vax, this node is \w+\n1$/);
    expect(run('library_fits 99.1')).toMatch(
      /^HTCondor's payload needs C library 99\.1 or newer, this node has [\d.]+\n1$/,
    );
  });

  it.skipIf(alone)('say why a directory is of no use', () => {
    const within = (options: string, script: string): string => {
      const mount = `mount -t tmpfs -o ${options} tmpfs ${dir} && exec "$@"`;
      const command = ['--mount', 'sh', '-c', mount, 'sh', file, ...args, '-c', `. ${check}\n${script}`];
      const { stdout, stderr, status } = spawnSync('unshare', command, { encoding: 'utf8' });
      return `${stdout}${stderr}${status}`;
    };
    expect(within('noexec', `can_execute ${dir}`)).toBe("programs can't run there (Permission denied)\n1");
    expect(within('noexec', `can_write ${dir}`)).toBe('0');
    expect(within('ro', `can_write ${dir}`)).toBe("files can't be written there\n1");
    expect(within('size=4m', `has_room ${dir}`)).toBe('it has 4 MiB free, and 512 are needed\n1');
    const fill = `dd if=/dev/zero of=${dir}/full bs=4k 2>/dev/null`;
    expect(within('size=1m', `${fill}; can_write ${dir}`)).toBe("files can't be written there\n1");
    expect(within('size=1m', `${fill}; can_execute ${dir}; ls -A ${dir}`)).toBe(
      "files can't be written there\nfull\n0",
    );
  });

  it('compare the clock with the times of the token and of the batch job', () => {
    const now = 2_000_000_000;
    expect(run(`clock_agrees ${now} ${now - 86400} ${now + 60} ${now - 1800}`)).toBe('0');
    expect(run(`clock_agrees ${now} ${now + 599} 0 0`)).toBe('0');
    expect(run(`clock_agrees ${now} ${now + 601} 0 0`)).toMatch(
      /^this node's clock is at least 601 s behind the headnode's\n1$/,
    );
    expect(run(`clock_agrees ${now} 0 0 ${now + 3600}`)).toMatch(
      /^this node's clock is at least 3600 s behind the batch system's\n1$/,
    );
    expect(run(`clock_agrees ${now} 0 0 ${now - 7200}`)).toMatch(/^this node's clock is ahead: .* started at .*\n1$/);
    expect(run(`clock_agrees ${now} 0 ${now - 1} 0`)).toMatch(/^the pool's token ended at .*\n1$/);
  });

  // the files are as cgroups(7) and the kernel's documents have them: no group of this machine is changed for a test
  it.each([
    ['version 2', { 'proc/self/cgroup': '0::/a/b\n', 'sys/fs/cgroup/a/memory.max': '314572800\n' }, '300\n0'],
    ['no limit', { 'proc/self/cgroup': '0::/a\n', 'sys/fs/cgroup/a/memory.max': 'max\n' }, '0'],
    [
      'the smallest of several',
      {
        'proc/self/cgroup': '0::/a/b\n',
        'sys/fs/cgroup/a/b/memory.max': '629145600\n',
        'sys/fs/cgroup/a/memory.max': '524288000\n',
        'sys/fs/cgroup/memory.max': 'max\n',
      },
      '500\n0',
    ],
    [
      'version 1',
      {
        'proc/self/cgroup': '5:cpu:/\n4:hugetlb,memory:/slurm/job_7\n0::/\n',
        'sys/fs/cgroup/memory/slurm/job_7/memory.limit_in_bytes': '1073741824\n',
        'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
      },
      '1024\n0',
    ],
    ['no control groups', {}, '0'],
  ])('read the memory that a control group allows: %s', (_, files, expected) => {
    for (const [path, content] of Object.entries(files)) put(path, content as string);
    expect(run(`memory_limit ${dir}`)).toBe(expected);
  });
});

describe.skipIf(alone)(`a glide-in on a node with a fault${alone ? ` (skipped: ${alone})` : ''}`, () => {
  let node: Sleeper;
  beforeEach(async () => {
    node = await Sleeper.begin();
  });
  afterEach(() => node.close());

  const job = '17_1';
  const log = (): string => node.log(job);
  const path = (name: string): string => {
    mkdirSync(join(node.dir, name), { recursive: true });
    return join(node.dir, name);
  };
  /** A glide-in on a node of which a script changed something first. */
  const start = (script: string, env: NodeJS.ProcessEnv = {}): ReturnType<Sleeper['start']> => {
    const by: Start['by'] = ['unshare', '--mount', 'sh', '-c', `${script}\nexec "$@"`, 'sh'];
    return node.start({ env: { SCAILFIN_JOB: job, ...env }, by });
  };
  const joined = () => expect.poll(log, { timeout: 60_000 }).toContain('joining the pool');
  const statusOf = async (glidein: ReturnType<Sleeper['start']>): Promise<number> => (await once(glidein, 'exit'))[0];
  const noexec = (dir: string): string => `mount -t tmpfs -o noexec,mode=1777 tmpfs ${dir}`;

  it('uses the next directory when programs can not run in one, when one is full, and when one can not be written', async () => {
    const [temporary, scratch] = [path('tmp'), path('scratch')];
    // the cluster's directory is below /tmp in this test, and stays what it was
    const { dir } = node;
    const faults = [
      ...[`mount -t tmpfs tmpfs /mnt && mkdir /mnt/kept && mount --bind ${dir} /mnt/kept`, noexec('/tmp')],
      ...[`mkdir -p ${dir} && mount --bind /mnt/kept ${dir}`, noexec(node.local)],
      ...[`mount -t tmpfs -o size=4m tmpfs ${temporary}`, `mount -t tmpfs -o ro tmpfs ${scratch}`],
    ];
    const glidein = start(faults.join('\n'), { TMPDIR: temporary, SCRATCH: scratch });
    await joined();
    expect(log()).toContain(`jobs work in ${node.dir}, because others can't hold them: `);
    expect(log()).toMatch(
      /\/local: programs can't run there \(Permission denied\); \S+\/tmp: it has 4 MiB free, and 512 are needed; \S+\/scratch: no directory can be made there; \/tmp: programs can't run there/,
    );
    await node.end(glidein);
    const left = (): string =>
      spawnSync('sh', ['-c', `ls -d ${node.dir}/scailfin-* ${node.dir}/places/*`]).stdout.toString();
    await expect.poll(left, { timeout: 60_000 }).toBe('');
  });

  it('ends with the reason when no directory is of use, and writes it down in one line', async () => {
    const text = readFileSync(join(node.dir, 'check.sh'), 'utf8').replace(/^least_room=.*/m, 'least_room=999999999');
    writeFileSync(join(node.dir, 'check.sh'), text);
    const glidein = start(noexec(node.local), { TMPDIR: '/nowhere', SCRATCH: "/it's" });
    expect(await statusOf(glidein)).toBe(14);
    const [refusal = ''] = node.refusals();
    expect(refusal).toMatch(
      /^job=17_1\nnode=\S+\nat=\d+\ncheck=place\nreason=no directory of this node can hold jobs: \S+\/local: programs can't run there.*; \/nowhere: no directory can be made there; \/it's: its name has characters.*; \/tmp: it has \d+ MiB free, and 999999999 are needed; .*\n$/,
    );
    expect(log()).toContain('failed: no directory of this node can hold jobs: ');
    expect(existsSync(join(node.dir, 'places')) && spawnSync('ls', [join(node.dir, 'places')]).stdout.toString()).toBe(
      '',
    );
  });

  it('ends with the reason when its clock is behind the headnode’s', async () => {
    const claims = { iat: Math.floor(Date.now() / 1000) + 3600, exp: Math.floor(Date.now() / 1000) + 7200 };
    writeFileSync(join(node.dir, 'token'), `x.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`);
    expect(await statusOf(start(':'))).toBe(14);
    expect(node.refusals()[0]).toMatch(/\ncheck=clock\nreason=this node's clock is at least 3\d\d\d s behind/);
  });

  it('offers no more memory than its control group allows', async () => {
    const own = readFileSync('/proc/self/cgroup', 'utf8').split('\n');
    const legacy = own.find(line => /:([^:]*,)?memory[,:]/.test(line));
    const group = (legacy ?? own.find(line => line.startsWith('0::')) ?? '0::/').split(':').slice(2).join(':');
    const at = `/sys/fs/cgroup${legacy ? '/memory' : ''}${group}`;
    const limit = `echo 314572800 >${at}/memory.${legacy ? 'limit_in_bytes' : 'max'}`;
    const glidein = start(`mount -t tmpfs tmpfs /sys/fs/cgroup && mkdir -p ${at} && ${limit}`, {
      SCAILFIN_MEMORY: '512',
    });
    await joined();
    expect(log()).toContain("the node's control group allows 300 MiB of the 512 MiB that were promised");
    expect(log()).toMatch(/joining the pool at \S+ with \d+ cores and 300 MiB/);
    await node.end(glidein);
  });

  it('starts from the environment that it states, whatever the batch system passes on', async () => {
    writeFileSync(join(node.dir, 'init'), 'set -e\ndate() { echo broken; }\nexport -f date\numask 0777\nfalse || :\n');
    node.master(
      `tr '\\0' '\\n' </proc/$$/environ >${node.dir}/seen.new; mv ${node.dir}/seen.new ${node.dir}/seen\nsleep 100 & wait\n`,
    );
    const glidein = start('umask 0777', {
      ...{
        BASH_ENV: join(node.dir, 'init'),
        ENV: join(node.dir, 'init'),
        SHELLOPTS: 'errexit:nounset',
        CDPATH: '/tmp',
      },
      ...{ 'BASH_FUNC_od%%': '() { echo "../../x y"; }', 'BASH_FUNC_module%%': '() { exit 1; }', POSIXLY_CORRECT: 'y' },
      ...{ LD_PRELOAD: '/nowhere/lib.so', LD_LIBRARY_PATH: '/nowhere', GREP_OPTIONS: '--color=always', IFS: '/' },
      ...{
        _CONDOR_COLLECTOR_HOST: 'elsewhere',
        _CONDOR_ANCESTOR_7: '8:9:10',
        CONDOR_CONFIG: '/nowhere',
        SCAILFIN_RUN: 'x',
      },
      ...{ SECRET_OF_THE_SITE: 'x', CUDA_VISIBLE_DEVICES: '0,1' },
    });
    await expect.poll(() => existsSync(join(node.dir, 'seen')), { timeout: 60_000 }).toBe(true);
    const seen = readFileSync(join(node.dir, 'seen'), 'utf8').split('\n').filter(Boolean);
    const names = seen.map(line => line.replace(/=.*/s, '')).sort();
    expect(names).toEqual([
      ...['CONDOR_CONFIG', 'CUDA_VISIBLE_DEVICES', 'HOME', 'LC_ALL', 'LD_LIBRARY_PATH', 'LOGNAME', 'PATH', 'PWD'],
      ...[
        'SCAILFIN_JOB',
        'SCAILFIN_NODE_NAME',
        'SCAILFIN_PLACE',
        'SCAILFIN_RUN',
        'SCAILFIN_SHOWN',
        'SCAILFIN_STORE',
        'SHLVL',
      ],
      ...['TMPDIR', 'USER', '_', '_CONDOR_ANCESTOR_7'],
    ]);
    expect(seen.find(line => line.startsWith('SCAILFIN_RUN='))).toMatch(/^SCAILFIN_RUN=[\w-]+-[0-9a-f]{8}$/);
    expect(seen).toContain(`LD_LIBRARY_PATH=${node.dir}/payload/lib`);
    await node.end(glidein);
    await expect.poll(() => node.held(), { timeout: 60_000 }).toEqual([]);
  });

  it('takes the profile’s directories from variables that only the batch job has', async () => {
    const settings = readFileSync(join(node.dir, 'settings'), 'utf8')
      .replace(/^local_dir=.*/m, 'local_dir="$LOCAL"')
      .replace(/^images=.*/m, 'images="$LOCAL/images"')
      .replace(/^binds=.*/m, () => `binds=$'ro\\t$LOCAL/data\\t/data'`);
    writeFileSync(join(node.dir, 'settings'), settings);
    const glidein = node.start({ env: { SCAILFIN_JOB: job, LOCAL: path('fast') } });
    await joined();
    const [work] = readdirSync(path('fast')).filter(name => name.startsWith('scailfin-early-'));
    const config = readFileSync(join(path('fast'), work ?? '', 'condor_config'), 'utf8');
    expect(config).toContain(`SCAILFIN_IMAGES='${path('fast')}/images'`);
    const shown = Buffer.from(/SCAILFIN_BINDS='([^']*)'/.exec(config)?.[1] ?? '', 'base64').toString();
    expect(shown).toBe(`ro\t${path('fast')}/data\t/data\n`);
    await node.end(glidein);
  });
});
