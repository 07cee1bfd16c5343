import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { scailfin, statusOf } from './helpers/cluster.js';
import { type CycleSite, cycle, verified } from './helpers/cycle.js';

const reason = labUnavailable();

const condor: CycleSite = {
  profile: 'lab-condor',
  ids: /^\d+_[01]$/,
  running: 'RUNNING',
  jobs: async lab => {
    const shown = ['ClusterId', 'ProcId', 'JobStatus', 'AcctGroup', 'Flavour'];
    return (await lab.exec('login', ['condor_q', '-af', ...shown])).stdout.split('\n').filter(Boolean);
  },
};

/** A line for each process of HTCondor that alice runs there: its program, what it has open of HTCondor, its settings. */
const look = `for p in $(pgrep -u alice ^condor_); do
  echo "exe $(readlink /proc/$p/exe)"
  grep -oE '/[^ ]*/lib(condor|classad)[^ ]*' /proc/$p/maps | sort -u | sed 's/^/map /'
  tr '\\0' '\\n' </proc/$p/environ | grep -E '^_?CONDOR' | grep -v ^_CONDOR_ANCESTOR_ | sed 's/=.*/ &/; s/^/env /'
done`;

const title = `a cluster on HTCondor${reason ? ` (skipped: ${reason})` : ''}`;
describe.skipIf(reason !== undefined)(title, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up({ site: 'condor' });
  });
  afterAll(async () => {
    await lab?.down();
  });

  // what a failed test leaves must not fail the next
  afterEach(async () => {
    await lab.startScheduler();
    const known = JSON.parse((await type('list', '--json')).stdout) as { name: string }[];
    for (const { name } of known) await scailfin(lab, 'headnode', ['down', name], { check: false });
  });

  const type = (...args: string[]) => scailfin(lab, 'headnode', args);
  const up = (...args: string[]) => type('up', '--site', 'lab-condor', '--walltime', '30m', ...args);
  const refused = (...args: string[]) =>
    scailfin(lab, 'headnode', ['up', '--site', 'lab-condor', ...args], { check: false });
  const glideins = async () => (await statusOf(lab, 'headnode', 'lab-condor')).sites.flatMap(s => s.glideins);
  const down = async (): Promise<void> => {
    expect((await type('down', 'lab-condor')).stdout).toContain(verified);
    expect(await condor.jobs(lab)).toEqual([]);
    expect(await lab.leftovers()).toEqual([]);
  };

  it('goes up, runs jobs as alice on both nodes, scales, and goes down clean', () => cycle(lab, condor));

  it('has its pool beside the site’s own schedd and collector on the login node', { tags: ['nightly'] }, async () => {
    // users' start-up files may name the site's HTCondor
    const own = 'export _CONDOR_COLLECTOR_HOST=login:9618 _CONDOR_DAEMON_LIST=MASTER';
    await lab.exec('login', ['sed', '-i', `1i ${own}`, '.bashrc']);
    await cycle(lab, condor, 'login');
    await up('--headnode', 'login');
    const { headnode } = await statusOf(lab, 'headnode', 'lab-condor');
    expect(headnode).toMatchObject({ address: '10.77.1.1:9619', pool: 'alive' });
    const slots = await type('exec', 'lab-condor', '--', 'condor_status', '-af', 'ScailfinSite', 'SiteMark');
    expect(slots.stdout).toBe('lab-condor undefined\n');
    const theirs = await lab.exec('login', ['condor_status', '-af', 'ScailfinSite', 'SiteMark']);
    expect(new Set(theirs.stdout.trimEnd().split('\n'))).toEqual(new Set(['undefined lab']));
    await down();
    expect((await lab.exec('login', ['condor_status', '-schedd', '-af', 'Name'])).stdout).toBe('login\n');
  });

  it('runs glide-ins from their own payload, whatever HTCondor the node has and tells its jobs of', async () => {
    await up('--nodes', '2');
    for (const node of ['c1', 'c2'] as const) {
      expect((await lab.exec(node, ['pgrep', '-u', 'condor', '-a', 'condor_startd'])).stdout).not.toBe('');
      const lines = (await lab.exec(node, ['sh', '-c', look], { user: 'root' })).stdout.trimEnd().split('\n');
      const [exe, map] = ['exe', 'map'].map(kind => lines.filter(l => l.startsWith(`${kind} `)));
      expect(exe?.map(l => l.split('/').at(-1)).sort()).toEqual([
        'condor_master',
        'condor_procd',
        'condor_shared_port',
        'condor_startd',
      ]);
      expect(map?.length).toBeGreaterThanOrEqual(4);
      for (const line of [...(exe ?? []), ...(map ?? [])])
        expect(line).toMatch(/^(exe|map) \/home\/alice\/\.scailfin\/payload\/[0-9a-f]{64}\//);
      const settings = lines.filter(l => /^env _?CONDOR_(?!INHERIT|PARENT|PRIVATE)/.test(l));
      for (const line of settings)
        expect(line).toMatch(/^env CONDOR_(?:CONFIG|PROCD_ADDRESS\w*) =\/tmp\/scailfin-lab-condor-\w+\//);
    }
    await down();
  });

  it('asks the schedd to which jobs were submitted, if the name leads to a login node with another one', {
    tags: ['nightly'],
  }, async () => {
    await lab.addLogin2();
    await up('--nodes', '1');
    await lab.leadLoginTo('login2');
    expect((await statusOf(lab, 'headnode', 'lab-condor')).sites[0]?.glideins).toMatchObject([{ state: 'running' }]);
    await lab.refuseSshFrom('login2', true);
    expect((await statusOf(lab, 'headnode', 'lab-condor')).sites[0]?.error).toMatch(/on the machine login, but/);
    for (const more of [[], ['--site', 'lab-condor']]) {
      // without a record, what the files of the cluster say counts
      if (more.length > 0) await lab.exec('headnode', ['rm', '-r', '.local/state/scailfin/clusters/lab-condor']);
      const left = await scailfin(lab, 'headnode', ['down', 'lab-condor', ...more], { check: false });
      expect(left.stderr).toMatch(/jobs called sf-lab-condor and files on login: .*on the machine login, but/);
      expect(left.exitCode).toBe(1);
    }
    expect(await condor.jobs(lab)).toHaveLength(1);
    await lab.refuseSshFrom('login2', false);
    expect((await type('down', 'lab-condor', '--site', 'lab-condor')).stdout).toContain(verified);
    await lab.leadLoginTo('login');
    expect(await condor.jobs(lab)).toEqual([]);
    expect(await lab.leftovers()).toEqual([]);
  });

  it('counts no job as gone while the schedd is away', { tags: ['nightly'] }, async () => {
    await up('--nodes', '1');
    await lab.stopScheduler();
    const status = await statusOf(lab, 'headnode', 'lab-condor');
    expect(status.sites[0]?.error).toContain('Failed to connect');
    expect(status.sites[0]?.glideins).toMatchObject([{ state: 'unknown', joined: true }]);
    const left = await scailfin(lab, 'headnode', ['down', 'lab-condor'], { check: false });
    expect(left.exitCode).toBe(1);
    expect(left.stderr).toMatch(/batch jobs called sf-lab-condor of alice on \S*login, if there are any/);
    await lab.startScheduler();
    expect(await condor.jobs(lab)).toHaveLength(1);
    await down();
  });

  it('reports why a job is held or waits, and removes it with the cluster', { tags: ['nightly'] }, async () => {
    await up('--nodes', '3', '--wait', '2');
    const waits = async () => (await glideins()).find(g => g.state === 'queued')?.reason;
    await expect.poll(waits, { timeout: 60_000 }).toBe('no match found');
    const [first] = (await glideins()).filter(g => g.state === 'running');
    const job = (first?.id ?? '').replace('_', '.');
    await lab.exec('login', ['condor_hold', '-reason', 'the site looks into it', job]);
    const held = async () => (await glideins()).find(g => g.id === first?.id);
    await expect.poll(async () => (await held())?.state, { timeout: 60_000 }).toBe('held');
    expect((await held())?.reason).toBe('the site looks into it (by user alice)');
    expect((await type('status', 'lab-condor')).stdout).toMatch(
      / held +HELD \(the site looks into it \(by user alice\)\)/,
    );
    await down();
  });

  it('is refused in the site’s words, with what to do about it', { tags: ['nightly'] }, async () => {
    const group = await refused('--account', 'astrology');
    expect(group.exitCode).toBe(1);
    expect(group.stderr).toMatch(/unknown accounting group astrology\n {2}→ .*--account NAME/);
    const queue = await refused('--queue', 'long');
    expect(queue.exitCode).toBe(2);
    expect(queue.stderr).toContain('lab-condor has no queue long: leave --queue out');
    expect(await lab.leftovers()).toEqual([]);
    await up('--account', 'physics');
    expect(await condor.jobs(lab)).toEqual([expect.stringMatching(/ physics undefined$/)]);
    await down();
  });

  it('requires shared files, and trusts the profile if it says that files are shared', {
    tags: ['nightly'],
  }, async () => {
    const apart = 'FILESYSTEM_DOMAIN = login.site\n';
    await lab.write('login', '/etc/condor/config.d/90-apart.config', apart, { user: 'root' });
    const alone = await refused();
    expect(alone.exitCode).toBe(1);
    expect(alone.stderr).toContain(
      "no node of this pool has this machine's FILESYSTEM_DOMAIN, login.site (one has lab)",
    );
    expect(alone.stderr).toMatch(
      /→ .*scheduler\.directives: \['requirements = TARGET\.FileSystemDomain =!= undefined'\]/,
    );
    expect(await lab.leftovers()).toEqual([]);
    // a queue is what the profile makes of it
    const known = `  directives: ['requirements = TARGET.FileSystemDomain =!= undefined']
queues:
  quick: { walltime: 1h, directives: ['+Flavour = "espresso"'] }
`;
    const profile = lab.site.profile.replace(/(?<= type: htcondor\n)/, known);
    await lab.write('headnode', '.config/scailfin/sites/lab-condor.yaml', profile);
    await up('--queue', 'quick');
    expect(await condor.jobs(lab)).toEqual([expect.stringMatching(/ espresso$/)]);
    await down();
    await lab.exec('login', ['rm', '/etc/condor/config.d/90-apart.config'], { user: 'root' });
  });

  it('reports a job that could not be removed', { tags: ['nightly'] }, async () => {
    const sleep = 'executable = /bin/sleep\narguments = 60\ntransfer_executable = False\nqueue\n';
    await lab.exec('login', ['condor_submit', '-terse'], { stdin: sleep });
    expect((await lab.leftovers()).filter(line => /^condor: job of alice \d+ 0 /.test(line))).toHaveLength(1);
    await lab.exec('login', ['condor_rm', 'alice']);
    await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
  });
});
