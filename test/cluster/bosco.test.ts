import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { jobsOn, scailfin, statusOf } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';
import { condor, down, finished, growsAndShrinks, growthOf, type PoolAt, submitAt } from './helpers/grown.js';

const reason = labUnavailable();
const root = { user: 'root' };
const keys = '.ssh/authorized_keys';
const request = ['--site', 'lab-slurm', '--submit', 'bosco', '--walltime', '20m'];
const up = (...more: string[]): string[] => ['up', 'grown', ...request, ...more];
const far: PoolAt = { host: 'headnode', user: 'scail', name: 'grown' };

describe.skipIf(reason !== undefined)(`a pool that grows by itself${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  let before: string;
  beforeAll(async () => {
    lab = await Lab.up({});
    before = await lab.read('login', keys);
  });
  afterAll(async () => {
    await lab?.down();
  });

  // what a failed test leaves must not fail the next
  afterEach(async () => {
    await scailfin(lab, 'laptop', ['down', 'grown'], { check: false });
    await lab.write('login', keys, before, { mode: 0o600 });
  });
  const clean = () => expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
  const fails = async (...args: string[]): Promise<string> => {
    const { exitCode, stderr } = await scailfin(lab, 'laptop', args, { check: false });
    expect(exitCode, stderr).not.toBe(0);
    return stderr;
  };
  /** sshd is to do something more for who comes from the headnode. */
  const sshd = async (policy: string): Promise<void> => {
    await lab.write('login', '/etc/ssh/sshd_config.d/00-bosco.conf', policy, root);
    await lab.exec('login', ['sh', '-c', 'kill -HUP "$(cat /run/sshd.pid)"; sleep 0.5'], root);
  };

  it('grows from no node to both nodes and back, with a key that has no other use', async () => {
    // the headnode's user is a stranger there, and the file's last line has no end
    const own = `${before
      .split('\n')
      .filter(line => line.endsWith('@laptop'))
      .join('\n')}\n# mine`;
    await lab.write('login', keys, own, { mode: 0o600 });
    const begun = await scailfin(
      lab,
      'laptop',
      up('--headnode', 'scail@headnode', '--max', '2', '--idle-timeout', '15s'),
    );
    expect(begun.stderr).toContain('the headnode itself, through BOSCO: 0 to 2 glide-ins, as jobs need them');
    expect(begun.stdout).toContain('grown: running. The headnode submits glide-ins by itself, as jobs wait.');

    const there = await lab.read('login', keys);
    expect(there.endsWith(`\n${own}`)).toBe(true);
    expect(there.slice(0, there.length - own.length)).toMatch(
      /^restrict,command="bash --norc \/home\/alice\/\.scailfin\/grown\/site\/bosco\/blahpd\.sh" ssh-ed25519 \S+ scailfin:\/home\/alice\/\.scailfin\/grown\/site\n$/,
    );
    const dir = '/home/scail/.scailfin/grown/pool/bosco/at_lab_slurm';
    expect((await lab.exec('headnode', ['stat', '-c', '%a', `${dir}/key`])).stdout.trim()).toBe('600');
    // whatever is asked for, blahpd answers
    const stolen = ['ssh', '-i', `${dir}/key`, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes', 'alice@login', 'id'];
    const { stdout: said } = await lab.exec('headnode', stolen, { stdin: 'QUIT\r\n', check: false });
    expect(said).toContain('GahpVersion');
    expect(said).not.toContain('uid=');

    await growsAndShrinks(far, lab, () => jobsOn(lab));
    // what came and went did its work: nothing failed, nothing waits, and no more is sent
    const still = { min: 0, max: 2, queued: 0, running: 0, held: 0, waiting: 0, failures: 0, state: 'alive' };
    await expect.poll(() => growthOf(lab, 'laptop', 'grown'), { timeout: 60_000 }).toMatchObject(still);
    expect((await statusOf(lab, 'laptop', 'grown')).state).toBe('running');

    expect(await down(lab, 'laptop', 'grown')).toContain(verified);
    expect(await lab.read('login', keys)).toBe(own);
    await clean();
  });

  it('on the login node itself, where no login is needed; with a least number; and forgotten by the laptop', {
    tags: ['nightly'],
  }, async () => {
    await scailfin(lab, 'laptop', up('--headnode', 'login', '--min', '1', '--max', '2'));
    const status = await statusOf(lab, 'laptop', 'grown');
    expect(status.reason).toBe('1 of at most 2 glide-ins have joined.');
    expect(status.strangers).toEqual([]);
    expect(await lab.read('login', keys)).toBe(before);

    // the token that it made by itself is revoked: it makes another one for those that it sends then
    const tokens = async () => JSON.parse((await scailfin(lab, 'laptop', ['token', 'list', 'grown', '--json'])).stdout);
    const [first] = await tokens();
    expect(first).toMatchObject({ site: 'lab-slurm', label: 'grown', revoked: false });
    const file = ['stat', '-c', '%a', '/home/alice/.scailfin/grown/site/tokens/grown'];
    expect((await lab.exec('login', file)).stdout).toBe('600\n');
    const { stdout: said } = await scailfin(lab, 'laptop', ['token', 'revoke', 'grown', '--site', 'lab-slurm']);
    expect(said).toContain(`${first.id} revoked; 1 glide-in cancelled`);
    const isBack = async () => (await tokens()).length === 2 && (await growthOf(lab, 'laptop', 'grown'))?.running === 1;
    await expect.poll(isBack, { timeout: 60_000, interval: 1000 }).toBe(true);
    expect((await tokens()).map((t: { revoked: boolean }) => t.revoked)).toEqual([true, false]);

    const pool: PoolAt = { host: 'login', user: 'alice', name: 'grown' };
    const dir = await submitAt(pool, lab, 2, 'true');
    expect((await finished(pool, lab, dir)).users).toEqual(['alice', 'alice']);

    expect(await fails(...up('--headnode', 'login', '--min', '2', '--max', '2'))).toContain(
      'scailfin scale grown --min 2',
    );
    await scailfin(lab, 'laptop', ['scale', 'grown', '--min', '2']);
    await expect.poll(async () => (await jobsOn(lab)).length, { timeout: 60_000 }).toBe(2);
    expect(await fails('scale', 'grown', '--min', '3')).toContain('at least 3 glide-ins and at most 2');
    // more than the new most: one is taken back
    await scailfin(lab, 'laptop', ['scale', 'grown', '--min', '0', '--max', '1']);
    await expect.poll(async () => (await jobsOn(lab)).length, { timeout: 60_000 }).toBe(1);

    await lab.exec('laptop', ['rm', '-r', '.local/state/scailfin/clusters/grown']);
    expect(await down(lab, 'laptop', 'grown', '--site', 'lab-slurm')).toContain(verified);
    await clean();
  });

  it('reports that the headnode can not log in, or has no blahpd; then nothing was submitted', {
    tags: ['nightly'],
  }, async () => {
    await lab.write(
      'login',
      keys,
      before
        .split('\n')
        .filter(line => line.endsWith('@laptop'))
        .join('\n'),
      { mode: 0o600 },
    );
    await sshd('Match Address 10.77.0.3\n  PasswordAuthentication yes\n  AuthenticationMethods publickey,password\n');
    const asked = up('--headnode', 'scail@headnode', '--min', '1');
    const refused = await fails(...asked);
    await sshd('');
    expect(refused).toMatch(
      /scail@headnode can't log in to alice@login \(lab-slurm\) without a person.*Permission denied/,
    );
    expect(refused).toContain('such as a one-time code');
    expect(refused).toMatch(/→ nothing was submitted.*--submit direct.*--headnode login/s);
    expect(await lab.read('login', keys)).not.toContain('scailfin');
    await clean();

    await lab.exec('headnode', ['mv', '/usr/bin/blahpd', '/usr/bin/blahpd.away'], root);
    const missing = await fails(...asked);
    await lab.exec('headnode', ['mv', '/usr/bin/blahpd.away', '/usr/bin/blahpd'], root);
    expect(missing).toContain("bosco can't run on scail@headnode: its HTCondor has no blahpd");
    await clean();
  });

  it('submits each glide-in once, although the connection breaks before the answer', async () => {
    // Slurm has the job already; the second glide-in's sbatch may still write when the connection is cut
    const submitted = '/run/submitted';
    await lab.write('login', submitted, '', { ...root, mode: 0o666 });
    const slow = `#!/bin/sh\n/usr/bin/sbatch "$@"; s=$?; echo >>${submitted}; sleep 8; exit $s\n`;
    await lab.write('login', '/usr/local/bin/sbatch', slow, { ...root, mode: 0o755 });
    await scailfin(lab, 'laptop', up('--headnode', 'scail@headnode', '--min', '2', '--max', '2', '--no-wait'));
    const cut = `until [ -s ${submitted} ]; do sleep 0.1; done; pkill -KILL -f '^sshd(-session)?: alice'`;
    await lab.exec('login', ['bash', '-c', cut], { ...root, timeoutMs: 60_000 });
    await lab.exec('login', ['rm', '/usr/local/bin/sbatch'], root);
    // HTCondor submits them again, and learns what they are called
    await expect.poll(async () => (await growthOf(lab, 'laptop', 'grown'))?.running, { timeout: 90_000 }).toBe(2);
    expect(await jobsOn(lab)).toHaveLength(2);
    // they are cancelled with the submission: what they used is known all the same
    const gone = JSON.parse((await scailfin(lab, 'laptop', ['down', 'grown', '--yes', '--json'])).stdout);
    expect(gone).toMatchObject({ unseen: [], left: [], nodeHours: { used: expect.any(Number), bound: 0 } });
    expect(gone.nodeHours.used).toBeGreaterThan(0);
    await clean();
  });

  it('stops submitting where the site refuses, and reports no job as ended that it could not query', {
    tags: ['nightly'],
  }, async () => {
    const log = '/tmp/sbatch-called';
    const wrapper = `#!/bin/sh\necho called >>${log}\necho "sbatch: error: Invalid account or account/partition combination specified" >&2\nexit 1\n`;
    await lab.write('login', '/usr/local/bin/sbatch', wrapper, { ...root, mode: 0o755 });
    const failed = await fails(...up('--headnode', 'scail@headnode', '--min', '1', '--max', '2'));
    expect(failed).toMatch(/lab-slurm: a glide-in is held: .*Invalid account/);
    const { stdout } = await scailfin(lab, 'laptop', ['status', 'grown']);
    expect(stdout).toMatch(/a glide-in is held: .*Invalid account.*; next try in /);
    expect((await lab.exec('login', ['cat', log], root)).stdout).toBe('called\n');
    await lab.exec('login', ['rm', '/usr/local/bin/sbatch', log], root);

    // it is tried again by itself, half a minute later
    await expect.poll(async () => (await jobsOn(lab)).length, { timeout: 60_000, interval: 1000 }).toBe(1);
    await expect.poll(async () => (await growthOf(lab, 'laptop', 'grown'))?.running, { timeout: 60_000 }).toBe(1);
    expect(await growthOf(lab, 'laptop', 'grown')).toMatchObject({ failures: 0 });
    const jobs = await jobsOn(lab);
    await lab.stopScheduler();
    await new Promise(resolve => setTimeout(resolve, 15_000));
    // queued or running, as it was last heard
    expect(await condor(far, lab, ['condor_q', '-allusers', '-af', 'JobUniverse', 'JobStatus'])).toMatch(/^9 [12]\n$/);
    await lab.startScheduler();
    expect(await jobsOn(lab)).toEqual(jobs);

    // the headnode out of reach: the site is clean all the same, and nothing comes after
    await lab.partition('headnode', true);
    const half = await fails('down', 'grown');
    await lab.partition('headnode', false);
    expect(half).toContain('the headnode may still try to submit');
    expect(await jobsOn(lab)).toEqual([]);
    expect(await lab.read('login', keys)).toBe(before);
    expect((await lab.exec('login', ['ls', '-A', '/home/alice'])).stdout).not.toContain('.scailfin');
    await scailfin(lab, 'laptop', ['down', 'grown']);
    await clean();
  });
});
