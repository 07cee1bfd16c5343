import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GlideinStatus } from '../../src/cluster/glideins.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { scailfin, statusOf } from './helpers/cluster.js';

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

  it('leaves when it idles', async () => {
    await expect.poll(async () => (await only('idle'))?.state, { timeout: 100_000, interval: 2000 }).toBe('finished');
    expect(await words('idle')).toContain('leaving: it was idle for 20 s');
  }, 120_000);

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
    await expect.poll(slots, { timeout: 20_000 }).toContain('by-hand');
    await root(
      `kill -9 $(grep -lzxF 'CONDOR_CONFIG=${pool('lost')}/condor_config' /proc/[0-9]*/environ | cut -d/ -f3)`,
    );
    expect((await statusOf(lab, 'headnode', 'lost')).headnode.pool).toBe('dead');
    await ended;
    const { stdout } = await lab.exec('headnode', ['cat', '/home/scail/impatient/logs/by-hand/glidein.log']);
    expect(stdout).toMatch(/leaving: the headnode has not answered for \d+ s/);
    await lab.exec('headnode', ['rm', '-rf', '/home/scail/impatient']);
  }, 150_000);

  it('leaves when the cluster’s directory is gone, though nobody cancelled it', async () => {
    const processes = async () =>
      (await root("grep -lzx 'SCAILFIN_TAG=sf-lost' /proc/[0-9]*/environ | wc -l")).stdout.trim();
    expect(Number(await processes())).toBeGreaterThan(0);
    await root('rm -rf /home/scail/.scailfin/lost/site');
    await expect.poll(processes, { timeout: 30_000, interval: 1000 }).toBe('0');
  });

  it('leaves before its walltime ends', async () => {
    await expect.poll(async () => (await only('short'))?.state, { timeout: 150_000, interval: 2000 }).toBe('finished');
    expect(await words('short')).toContain('leaving: its walltime is nearly over');
    expect((await only('short'))?.exitCode).toBe(0);
  }, 180_000);

  it('leaves nothing on the node, whichever way it went', async () => {
    for (const name of ['idle', 'short', 'lost', 'quiet']) await scailfin(lab, 'headnode', ['down', name]);
    expect(await lab.leftovers()).toEqual([]);
  });
});
