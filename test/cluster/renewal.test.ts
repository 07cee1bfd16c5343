import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inLab } from '../lab/bundled.js';
import { gsiSite, makeGsiSite } from '../lab/gsi.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { until } from '../lab/programs.js';
import { scailfin, statusOf } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';

const reason = labUnavailable();
const proxy = '/tmp/x509up_u3001';

/** What `scailfin proxy init` does, for less than an hour. */
const short = `
import { createProxy, makeKeys } from '/opt/scailfin/src/credentials/x509/create.ts';
import { loadIdentity } from '/opt/scailfin/src/credentials/x509/user.ts';
import { writeProxy } from '/opt/scailfin/src/credentials/x509/proxy.ts';
const own = await loadIdentity({}, undefined);
const end = new Date(Date.now() + 1000 * Number(process.argv[2]));
writeProxy(createProxy(own, await makeKeys(2048), { end }, '${proxy}').proxy);
`;

/** Tells how long its proxy lasts, waits for another one, and tells again; on a compute node, by Globus' own program. */
const job = `#!/bin/sh
one=$(grid-proxy-info -file "$X509_USER_PROXY" -timeleft) || exit 4
type=$(grid-proxy-info -file "$X509_USER_PROXY" -type)
n=0
two=$one
while [ "$two" -le "$one" ] && [ $n -lt 60 ]; do sleep 1; n=$((n + 1)); two=$(grid-proxy-info -file "$X509_USER_PROXY" -timeleft); done
echo "$(hostname) $one $two $(stat -c %a "$X509_USER_PROXY") $type"
`;

describe.skipIf(reason !== undefined)(`renewal${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up();
    await makeGsiSite(lab);
  });
  afterAll(async () => {
    await lab?.down();
  });

  const makeProxy = async (seconds: number) => lab.exec('headnode', [...(await inLab(short)), String(seconds)]);
  const run = (...args: string[]) => scailfin(lab, 'headnode', args);
  const fails = async (...args: string[]) => {
    const ran = await scailfin(lab, 'headnode', args, { check: false });
    expect(ran.exitCode, ran.stdout).toBe(1);
    return ran.stderr;
  };
  const up = ['up', '--site', gsiSite, '--proxy', '--walltime', '3m'];
  const nothing = async () =>
    expect.poll(async () => (await lab.leftovers()).filter(l => !l.includes(proxy)), { timeout: 60_000 }).toEqual([]);

  it('gives a running cluster and its running jobs a proxy that lasts', async () => {
    await makeProxy(240);
    await run(...up, '--nodes', '2');
    const [own, login] = (await statusOf(lab, 'headnode', gsiSite)).credentials;
    expect(own).toMatchObject({ what: `the proxy ${proxy}`, need: 'for the jobs' });
    expect(own?.secondsLeft).toBeGreaterThan(180);
    expect(own?.secondsLeft).toBeLessThanOrEqual(240);
    expect(login).toMatchObject({ what: `the proxy ${proxy}`, need: `to log in to ${gsiSite}` });
    const status = await run('status');
    expect(status.stdout).toMatch(/the proxy \/tmp\/x509up_u3001 lasts 3:\d\d; needed for the jobs/);
    expect(status.stderr).toMatch(/warning: the proxy .* ends in 3:\d\d, and is needed .*scailfin proxy renew/);

    await lab.exec('headnode', ['mkdir', '/tmp/renewal']);
    await lab.write('headnode', '/tmp/renewal/job.sh', job, { mode: 0o755 });
    const description = `executable = /tmp/renewal/job.sh
initialdir = /tmp/renewal
output = /tmp/renewal/out.$(Process)
error = /tmp/renewal/err.$(Process)
log = /tmp/renewal/log
request_memory = 100
should_transfer_files = YES
queue 2
`;
    await lab.write('headnode', '/tmp/renewal/job.sub', description);
    await run('exec', gsiSite, '--', 'condor_submit', '/tmp/renewal/job.sub');
    const running = async () => (await statusOf(lab, 'headnode', gsiSite)).jobs?.running;
    await expect.poll(running, { timeout: 60_000 }).toBe(2);

    const renewed = await run('proxy', 'renew', gsiSite);
    expect(renewed.stderr).toMatch(/Renewing the proxy of lab-gsi: in 2 places, ends in (11:59|12:00):/);
    await run('exec', gsiSite, '--', 'condor_wait', '-wait', '60', '/tmp/renewal/log');
    const { stdout } = await lab.exec('headnode', ['sh', '-c', 'cat /tmp/renewal/out.*']);
    const told = stdout
      .trim()
      .split('\n')
      .map(line => line.split(' '));
    expect(told).toHaveLength(2);
    for (const [node, one, two, mode, ...type] of told) {
      expect(['c1', 'c2']).toContain(node);
      expect(Number(one)).toBeLessThanOrEqual(240);
      expect(Number(two)).toBeGreaterThan(11 * 3600);
      expect(mode).toBe('600');
      expect(type.join(' ')).toMatch(/limited/);
    }
    expect((await run('status')).stderr).not.toContain('warning');
    await lab.exec('headnode', ['rm', '-r', '/tmp/renewal']);
    expect((await run('down')).stdout).toContain(verified);
    await nothing();
  });

  it('is not given to a cluster that was taken down, here or from another machine', { tags: ['nightly'] }, async () => {
    await makeProxy(43_200);
    // more than there is: it waits
    const waiting = scailfin(lab, 'headnode', [...up, '--nodes', '3'], { check: false });
    const lock = () => lab.exec('headnode', ['cat', '.local/state/scailfin/clusters/lab-gsi/lock'], { check: false });
    await until('up to wait', 60_000, async () => (await lock()).stdout.includes('"waits":true'));
    // a proxy ends also where glide-ins wait for days
    expect((await run('proxy', 'renew', gsiSite)).stderr).toContain('in 2 places');
    expect(await fails('scale', gsiSite, '--nodes', '1')).toContain(
      '"scailfin up lab-gsi" has been working on this cluster',
    );
    await lab.exec('headnode', ['pkill', '-INT', '-f', 'scailfin.js up'], { check: false });
    expect((await waiting).exitCode).toBe(130);
    // another machine's `down` leaves a record here that knows nothing of it
    const record = '.local/state/scailfin/clusters/lab-gsi/journal.jsonl';
    const before = await lab.read('headnode', record);
    expect((await run('down')).stdout).toContain(verified);
    await nothing();
    expect((await run('proxy', 'renew', gsiSite)).stderr).toContain('lab-gsi has been taken down, and gets no proxy');
    await nothing();
    await lab.write('headnode', record, before, { mode: 0o600 });
    expect((await run('proxy', 'renew', gsiSite)).stderr).toMatch(/no directory on \S+ any more[\s\S]*in 0 places/);
    await nothing();
    await run('down');
  });

  it('is asked for before anything is submitted that would outlive the proxy', async () => {
    await makeProxy(120);
    const said = await fails(...up);
    expect(said).toMatch(/the proxy \/tmp\/x509up_u3001 ends in (1:5\d|2:00), and glide-ins may run for 3:00/);
    expect(said).toContain('scailfin proxy renew --hours 12, then run the same command again');
    await nothing();
    expect((await run('list', '--json')).stdout.trim()).toBe('[]');
  });

  it('resumes what a proxy that ended has stopped', { tags: ['nightly'] }, async () => {
    // staging takes so long that the proxy, good when all began, no longer is when glide-ins are to be submitted
    await lab.exec('login', ['sh', '-c', 'rm -rf /home/alice/.scailfin']);
    const slow = '#!/bin/sh\nsleep 6\nexec /usr/bin/tar "$@"\n';
    await lab.write('login', '/usr/local/bin/tar', slow, { user: 'root', mode: 0o755 });
    await makeProxy(66);
    const said = await fails('up', '--site', gsiSite, '--walltime', '3m');
    expect(said).toMatch(/✓ Staging the payload/);
    expect(said).toMatch(/✗ Submitting glide-ins/);
    expect(said).toMatch(/error: the proxy \/tmp\/x509up_u3001 ends in \d\d s.*needed to log in to lab-gsi/);
    expect((await lab.exec('login', ['squeue', '--noheader'])).stdout).toBe('');
    await run('proxy', 'renew');
    await run('up', '--site', gsiSite, '--walltime', '3m');
    expect((await run('down')).stdout).toContain(verified);
    await lab.exec('login', ['rm', '/usr/local/bin/tar'], { user: 'root' });
    await nothing();
  });

  it('of an expired proxy is requested by every command, and down works without it', async () => {
    await run('proxy', 'init');
    await run(...up);
    await makeProxy(1);
    await new Promise(resolve => setTimeout(resolve, 1500));
    expect((await run('exec', '--', 'true')).stderr).toMatch(/warning: the proxy .* ended .* ago, and is needed/);
    expect(await fails('down')).toMatch(/the proxy \/tmp\/x509up_u3001 .*expired|ended/);
    const [told] = JSON.parse((await run('proxy', 'renew', '--all', '--json')).stdout);
    expect(told).toMatchObject({ file: proxy, clusters: [gsiSite] });
    expect((await run('down')).stdout).toContain(verified);
    await nothing();
  });

  it('goes on while it is watched', { tags: ['nightly'] }, async () => {
    await run('proxy', 'init');
    const watching = lab.spawn('headnode', ['scailfin', 'proxy', 'renew', '--watch', '--hours', '1']);
    let heard = '';
    watching.stderr?.on('data', data => {
      heard += data;
    });
    await expect.poll(() => heard, { timeout: 60_000 }).toMatch(/the next renewal is in 40:00|39:\d\d; Ctrl-C ends/);
    const ended = new Promise(resolve => watching.once('exit', resolve));
    watching.kill('SIGINT');
    expect(await ended).toBe(130);
  });
});
