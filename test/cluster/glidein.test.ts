import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GlideinStatus } from '../../src/cluster/glideins.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { scailfin, statusOf, submitJobs } from './helpers/cluster.js';

const reason = labUnavailable();
const pool = (name: string): string => `/home/scail/.scailfin/${name}/pool`;

// each cluster runs on the headnode as plain processes: what a glide-in does is the same everywhere
describe.skipIf(reason !== undefined)(`a glide-in${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up({});
    const common = ['--site', 'local', '--cores', '1', '--memory', '512M'];
    const asked = { idle: ['--idle-timeout', '20s'], short: ['--walltime', '2m'], lost: [], quiet: [] };
    for (const [name, more] of Object.entries(asked)) await scailfin(lab, 'headnode', ['up', name, ...common, ...more]);
  });
  afterAll(async () => {
    await lab?.down();
  });

  const only = async (name: string): Promise<GlideinStatus | undefined> =>
    (await statusOf(lab, 'headnode', name)).sites[0]?.glideins[0];
  const words = async (name: string): Promise<string> => (await scailfin(lab, 'headnode', ['logs', name])).stdout;
  const root = (script: string) => lab.exec('headnode', ['sh', '-c', script], { user: 'root' });

  it('gives the pool a slot with what it was granted, under its own name, encrypted', async () => {
    const { stdout } = await scailfin(lab, 'headnode', [
      'exec',
      'quiet',
      '--',
      'condor_status',
      '-af',
      'Cpus',
      'TotalSlotMemory',
      'SlotType',
      'ScailfinCluster',
      'ScailfinSite',
      'ScailfinGlidein',
    ]);
    const id = (await only('quiet'))?.id;
    expect(stdout.trim()).toBe(`1 512 Partitionable quiet local ${id}`);
    const ping = await scailfin(lab, 'headnode', [
      'exec',
      'quiet',
      '--',
      'condor_ping',
      '-type',
      'COLLECTOR',
      '-table',
      'READ',
    ]);
    expect(ping.stdout).toMatch(/READ\s+IDTOKENS\s+AES\s+AES\s+ALLOW/);
  });

  it('has a token that may advertise it, and nothing else', async () => {
    const site = '/home/scail/.scailfin/quiet/site';
    const { stdout: token } = await root(`cat ${site}/tokens/b1`);
    const claims = JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString());
    expect(claims.scope).toBe('condor:/ADVERTISE_STARTD');
    // of this submission, until then, of so many cores and as much memory
    expect(claims.sub).toMatch(/^glidein-[0-9a-f]{8}-\d+-1-512@quiet-[0-9a-f]+\.scailfin$/);
    expect(claims.exp - claims.iat).toBe(3600 + 7 * 86400);
    // somebody else on the same machine who got hold of it
    const port = (await statusOf(lab, 'headnode', 'quiet')).headnode.address.split(':')[1];
    const as = (command: string, tokens: string) =>
      lab.exec(
        'headnode',
        [
          'sh',
          '-c',
          `umask 077; mkdir -p ~/${tokens}; ${tokens === 'with' ? 'cat > ~/with/token' : 'true'}; ${command}`,
        ],
        {
          user: 'bob',
          stdin: tokens === 'with' ? token : '',
          check: false,
          env: {
            CONDOR_CONFIG: '/dev/null',
            ...{ _CONDOR_COLLECTOR_HOST: `127.0.0.1:${port}`, _CONDOR_SEC_TOKEN_DIRECTORY: `/home/bob/${tokens}` },
            ...{
              _CONDOR_SEC_CLIENT_AUTHENTICATION_METHODS: tokens === 'with' ? 'IDTOKENS' : 'FS',
              _CONDOR_SEC_CLIENT_AUTHENTICATION: 'REQUIRED',
            },
          },
        },
      );
    expect((await as('condor_status -af Name', 'with')).stdout).not.toContain('slot1@');
    const levels = [
      'ADVERTISE_STARTD',
      'READ',
      'ADVERTISE_MASTER',
      'WRITE',
      'DAEMON',
      'NEGOTIATOR',
      'ADMINISTRATOR',
      'ADVERTISE_SCHEDD',
    ];
    const { stdout: rights } = await as(`condor_ping -type COLLECTOR -table ${levels.join(' ')}`, 'with');
    const given = new Map([...rights.matchAll(/^ *(\w+) .*\b(ALLOW|DENY|FAIL)\b/gm)].map(m => [m[1], m[2]]));
    expect(levels.filter(level => given.get(level) === 'ALLOW')).toEqual(levels.slice(0, 1));
    expect(levels.filter(level => given.get(level) !== 'ALLOW')).toEqual(levels.slice(1));
    const submit = await as(
      `printf 'executable=/bin/true\\nqueue\\n' | condor_submit -pool 127.0.0.1:${port} -remote quiet -`,
      'with',
    );
    expect(submit.exitCode).not.toBe(0);
    expect((await statusOf(lab, 'headnode', 'quiet')).jobs?.total).toBe(0);
    expect((await as('condor_status -af Name', 'without')).stdout).not.toContain('slot1@');
    await lab.exec('headnode', ['rm', '-rf', '/home/bob/with', '/home/bob/without'], { user: 'root' });
  });

  it('keeps every secret to its owner, off all command lines and out of all logs', async () => {
    const { stdout: open } = await root(
      `find /home/scail/.scailfin -type f \\( -name token -o -name 'glidein.token' -o -path '*/keys/*' -o -path '*/tokens/*' \\) ! -perm 0600; find /home/scail/.scailfin/quiet ! -perm 0700 -type d -prune -path '*/quiet'`,
    );
    expect(open).toBe('');
    expect((await root('stat -c %a /home/scail/.scailfin /home/scail/.scailfin/quiet')).stdout).toBe('700\n700\n');
    const { stdout: token } = await root('cat /home/scail/.scailfin/quiet/site/tokens/b1');
    const { stdout: key } = await root(`cat ${pool('quiet')}/keys/POOL`);
    expect(token.length).toBeGreaterThan(100);
    const signature = token.trim().split('.')[2] as string;
    for (const secret of [signature, key.trim()]) {
      const { stdout } = await lab.exec(
        'headnode',
        [
          'sh',
          '-c',
          'cat > /root/secret; cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr "\\0" "\\n" | grep -cF -f /root/secret; grep -rlF -f /root/secret /home/scail/.scailfin/quiet/site/logs /home/scail/.scailfin/quiet/pool/log /home/scail/.local/state /home/scail/.cache 2>/dev/null | wc -l',
        ],
        { user: 'root', stdin: `${secret}\n`, check: false },
      );
      expect(stdout).toBe('0\n0\n');
    }
  });

  // the clusters of the other tests come closer to their ends meanwhile
  const nodes = ['c1', 'c2'] as const;
  const onNodes = (script: string) =>
    Promise.all(nodes.map(node => lab.exec(node, ['sh', '-c', script], { user: 'root' })));
  const atTheSite = async () => (await lab.leftovers()).filter(line => !line.startsWith('headnode: '));
  const atSite = ['--site', 'lab-slurm', '--nodes', '2', '--walltime', '30m'];

  it('finds another directory on nodes whose /tmp runs no programs, and knows its own run there', {
    tags: ['nightly'],
  }, async () => {
    // a node without /dev/shm is no trouble
    await onNodes('mount -t tmpfs -o noexec,mode=1777 tmpfs /tmp && umount /dev/shm && rmdir /dev/shm');
    await scailfin(lab, 'headnode', ['up', 'narrow', ...atSite]);
    const ran = await submitJobs(lab, 'headnode', 'narrow', 16, 'sleep 1');
    expect(new Set(ran.map(j => j.node))).toEqual(new Set(nodes));
    expect((await scailfin(lab, 'headnode', ['logs', 'narrow'])).stdout).toMatch(
      /jobs work in \/home\/alice\/.scailfin\/narrow\/site, because others can't hold them: \/tmp: programs can't run there/,
    );

    // the batch system runs a job again under the same id on the same node, as OpenPBS does when its daemon restarts
    const site = '/home/alice/.scailfin/narrow/site';
    const run = (env: Record<string, string> = {}) =>
      lab.spawn('c1', ['bash', `${site}/glidein.sh`, site, 'b1'], {
        env: { SCAILFIN_JOB: '78_1', SCAILFIN_CORES: '1', SCAILFIN_MEMORY: '512', ...env },
        stdio: 'ignore',
      });
    const inSite = async (script: string) => (await lab.exec('login', ['sh', '-c', `cd ${site}; ${script}`])).stdout;
    const inPool = async () =>
      (await scailfin(lab, 'headnode', ['exec', 'narrow', '--', 'condor_status', '-af', 'ScailfinGlidein'])).stdout;
    const daemons = async () =>
      (await lab.exec('c1', ['sh', '-c', 'grep -lzxF SCAILFIN_JOB=78_1 /proc/[0-9]*/environ | cut -d/ -f3; true']))
        .stdout;
    const first = run();
    await expect.poll(inPool, { timeout: 60_000 }).toContain('78_1');
    first.kill('SIGKILL');
    const second = run({ TMPDIR: '/var/tmp' });
    const fresh = "grep -c 'joining the pool' logs/78_1/glidein.log";
    await expect.poll(() => inSite(fresh), { timeout: 60_000 }).toBe('2\n');
    // the keeper of the first run has done its work
    await expect.poll(() => inSite('cat places/* | grep -c c1'), { timeout: 60_000 }).toBe('2\n');
    await expect.poll(inPool, { timeout: 60_000 }).toContain('78_1');
    expect(second.exitCode).toBe(null);
    expect(await inSite('cat logs/78_1/glidein.log')).not.toContain('leaving');

    // as if the node went down: nobody is left to remove its directory
    await lab.exec('c1', ['sh', '-c', 'kill -9 $(pgrep -f "[k]eeper 78_1")'], { user: 'root' });
    await lab.exec('c1', ['sh', '-c', `kill -9 ${(await daemons()).replaceAll('\n', ' ')}`], { user: 'root' });
    const { stdout } = await scailfin(lab, 'headnode', ['down', 'narrow']);
    expect(stdout).toMatch(
      /^narrow is down\. Verified: no batch job of it remains, and no process or file on the hosts that could be asked\.\nOn these nodes.*\n {2}- \/var\/tmp\/scailfin-narrow-[0-9a-f]{8} on c1\n/,
    );
    await lab.exec('c1', ['sh', '-c', 'chmod -R u+w /var/tmp/scailfin-narrow-*; rm -rf /var/tmp/scailfin-*'], {
      user: 'root',
    });
    expect(await atTheSite()).toEqual([]);
  });

  it('ends with the reason on a node that is unfit, which up and status tell with what to do', async () => {
    // a stand-in of `date` whose clock is two hours late: the nodes of a lab have one clock
    const late =
      '#!/bin/sh\ncase $1 in +%s) echo $(($(/usr/bin/date +%s) - 7200)) ;; *) exec /usr/bin/date "$@" ;; esac\n';
    for (const node of nodes) await lab.write(node, '/usr/local/bin/date', late, { user: 'root', mode: 0o755 });
    const up = await scailfin(lab, 'headnode', ['up', 'late', ...atSite], { check: false });
    expect(up.exitCode).toBe(1);
    expect(up.stderr).toMatch(
      /glide-in \d+_\d did not join, because its node c\d is unfit: this node's clock is at least \d+ s behind the headnode's\n.*→ compare the clock/s,
    );
    const { sites } = await statusOf(lab, 'headnode', 'late');
    const refused = sites[0]?.refused ?? [];
    expect(refused.map(r => [r.node, r.check]).sort()).toEqual([
      ['c1', 'clock'],
      ['c2', 'clock'],
    ]);
    expect((await scailfin(lab, 'headnode', ['status', 'late'])).stdout).toMatch(
      /c\d, c\d: not in the pool, because this node's clock .*\n +→ compare the clock of the headnode/,
    );
    await onNodes('rm /usr/local/bin/date');
    await scailfin(lab, 'headnode', ['down', 'late']);
    expect(await atTheSite()).toEqual([]);
  });

  it('leaves when it idles', async () => {
    await expect.poll(async () => (await only('idle'))?.state, { timeout: 100_000, interval: 2000 }).toBe('finished');
    expect(await words('idle')).toContain('leaving: it was idle for 20 s');
  });

  it('leaves when its headnode is gone, and its jobs with it', async () => {
    // a second one beside it, by hand, which does not wait ten minutes for a headnode that is silent
    const site = '/home/scail/.scailfin/lost/site';
    await lab.exec('headnode', [
      'sh',
      '-c',
      `cp -r ${site} ~/impatient; sed -i 's/^lost=.*/lost=6 look=1/' ~/impatient/settings`,
    ]);
    const glidein = lab.spawn(
      'headnode',
      ['env', 'SCAILFIN_JOB=by-hand', 'bash', '/home/scail/impatient/glidein.sh', '/home/scail/impatient', 'b1'],
      { stdio: 'ignore' },
    );
    const ended = new Promise(resolve => glidein.on('exit', resolve));
    const slots = async () =>
      (await scailfin(lab, 'headnode', ['exec', 'lost', '--', 'condor_status', '-af', 'ScailfinGlidein'])).stdout;
    await expect.poll(slots, { timeout: 60_000 }).toContain('by-hand');
    await root(
      // some end with others, before it is their turn
      `for p in $(grep -lzxF 'CONDOR_CONFIG=${pool('lost')}/condor_config' /proc/[0-9]*/environ | cut -d/ -f3); do kill -9 "$p"; done; true`,
    );
    expect((await statusOf(lab, 'headnode', 'lost')).headnode.pool).toBe('dead');
    await ended;
    const { stdout } = await lab.exec('headnode', ['cat', '/home/scail/impatient/logs/by-hand/glidein.log']);
    expect(stdout).toMatch(/leaving: the headnode has not answered for \d+ s/);
    await lab.exec('headnode', ['rm', '-rf', '/home/scail/impatient']);
  });

  it('leaves when the cluster’s directory is gone, though nobody cancelled it', async () => {
    const processes = async () =>
      (await root("grep -lzx 'SCAILFIN_TAG=sf-lost' /proc/[0-9]*/environ | wc -l")).stdout.trim();
    expect(Number(await processes())).toBeGreaterThan(0);
    await root('rm -rf /home/scail/.scailfin/lost/site');
    await expect.poll(processes, { timeout: 60_000, interval: 1000 }).toBe('0');
  });

  it('leaves before its walltime ends', { tags: ['nightly'] }, async () => {
    await expect.poll(async () => (await only('short'))?.state, { timeout: 150_000, interval: 2000 }).toBe('finished');
    expect(await words('short')).toContain('leaving: its walltime is nearly over');
    expect((await only('short'))?.exitCode).toBe(0);
  });

  it('leaves nothing on the node, whichever way it went', async () => {
    for (const name of ['idle', 'short', 'lost', 'quiet']) await scailfin(lab, 'headnode', ['down', name]);
    expect(await lab.leftovers()).toEqual([]);
  });
});
