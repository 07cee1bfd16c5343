import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Entry } from '../../src/cluster/record.js';
import { labUnavailable } from '../lab/lab.js';
import { until } from '../lab/programs.js';
import { makeImage } from '../reana/helpers/image.js';
import { Bench } from './helpers/bench.js';

const reason = labUnavailable();
const laptop = { host: 'laptop' } as const;
const image = '/home/alice/image';
const workflow = `version: 0.9.4
workflow:
  type: serial
  specification:
    steps:
      - name: where
        environment: ${image}
        commands: ['cat /proc/sys/kernel/hostname > where.txt']
outputs: {files: [where.txt]}
`;
const state = (name: string): string => `.local/state/scailfin/clusters/${name}`;

describe.skipIf(reason !== undefined)(`one name, two login nodes${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.open();
    await bench.lab.addLogin2();
  });
  afterAll(() => bench?.close());
  beforeEach(() => turn('login'));
  afterEach(async () => {
    await bench.lab.refuseSshFrom('login2', false);
    await bench.expectNothing();
  });

  const up = (name: string, ...more: string[]) => ['up', name, '--site', 'lab-slurm', '--headnode', 'login', ...more];
  const turn = (machine: 'login' | 'login2') => bench.lab.leadLoginTo(machine);
  const good = (...args: string[]) => bench.good(args, laptop);
  const statusOf = async (name: string) => {
    const { stdout, exitCode } = await bench.cli(['status', name, '--json'], laptop);
    return { ...JSON.parse(stdout), exitCode };
  };
  const pools = async (on: 'login' | 'login2') =>
    (await bench.lab.exec(on, ['pgrep', '-c', '-x', 'condor_master'], { check: false })).stdout.trim();
  /** The machine is named, and nothing is claimed about it. */
  const isUnknown = async (name: string, machine = 'login') => {
    const status = await statusOf(name);
    expect(status).toMatchObject({ state: 'unknown', exitCode: 1 });
    expect(status.reason).toContain(`(${machine})`);
    expect(status.headnode.error).toMatch(
      new RegExp(`on the machine ${machine}, but .* can't be reached: .*run the same command again: .*${machine}`),
    );
  };
  const refused = (args: readonly string[], machine = 'login') =>
    bench.refuses(args, { says: [`on the machine ${machine}, but`, "can't be reached"], hint: `--forget` }, laptop);

  test('each command finds its way to the machine where the pool runs', async () => {
    await makeImage(bench.lab, 'c1', image);
    await bench.lab.write('laptop', 'reana.yaml', workflow);
    await good(...up('hop', '--nodes', '1', '--framework', 'reana'));
    await turn('login2');
    expect(await statusOf('hop')).toMatchObject({ state: 'running', exitCode: 0, headnode: { pool: 'alive' } });
    expect((await good('exec', 'hop', '--', 'hostname')).stdout).toBe('login\n');
    expect((await good('logs', 'hop', '--headnode')).stdout).toContain('MasterLog');
    expect((await good('token', 'list', 'hop')).stdout).toContain('lab-slurm');
    expect((await good('run', 'reana.yaml', '--name', 'short')).stdout).toBe('where.txt\n');
    expect(await bench.lab.read('laptop', 'where.txt')).toMatch(/^c[12]$/m);
    await good('scale', 'hop', '--nodes', '2');
    await good(...up('hop', '--nodes', '2'));
    expect([await pools('login'), await pools('login2')]).toEqual(['1', '0']);
    const down = bench.start(['down', 'hop', '--yes'], 'laptop');
    await down.says('✓ Cancelling');
    await down.end('SIGKILL');
    await turn('login');
    await good('down', 'hop', '--yes');
    await bench.lab.exec('login', ['rm', '-rf', image], { user: 'alice' });
  });

  test('and back, also by a system ssh: the key of the machine is one that is known for the name', {
    tags: ['nightly'],
  }, async () => {
    await turn('login2');
    await good(...up('back', '--nodes', '1', '--no-wait'));
    await turn('login');
    expect((await good('exec', 'back', '--transport', 'openssh', '--', 'hostname')).stdout).toBe('login2\n');
    await good('down', 'back', '--yes');
  });

  test('where the machine can not be reached, nothing is claimed and no second pool is started', async () => {
    await good(...up('far', '--nodes', '1', '--no-wait'));
    await turn('login2');
    await bench.lab.refuseSshFrom('login2', true);
    await isUnknown('far');
    await refused(['exec', 'far', '--', 'true']);
    await refused(['logs', 'far', '--headnode']);
    await refused(up('far', '--nodes', '1'));
    await refused(['scale', 'far', '--nodes', '2']);
    const down = await bench.refuses(
      ['down', 'far', '--yes'],
      { says: ['far may not be all gone', /the pool's processes .* on the machine login, but/], hint: '--forget' },
      laptop,
    );
    expect(`${down.stdout}${down.stderr}`).not.toContain('is down. Verified');
    const half = { exit: 2, says: ['far is being taken down'], hint: 'finish taking it down first: scailfin down far' };
    await bench.refuses(up('far', '--nodes', '2'), half, laptop);
    expect([await pools('login'), await pools('login2')]).toEqual(['1', '0']);
    await turn('login');
    await good('down', 'far', '--yes');
  });

  test('up was killed as the pool started: only its own machine says what runs', { tags: ['nightly'] }, async () => {
    const started = bench.start(up('killed', '--nodes', '1'), 'laptop');
    const file = '/home/alice/.scailfin/killed/pool/run/master.pid';
    await until('the pool to start', 60_000, async () => (await pools('login')) === '1');
    await started.end('SIGKILL');
    await bench.lab.exec('login', ['test', '-s', file]);
    await turn('login2');
    await bench.lab.refuseSshFrom('login2', true);
    await refused(up('killed', '--nodes', '1'));
    await bench.refuses(['down', 'killed', '--yes'], { says: [/on the machine login, but/], hint: '--forget' }, laptop);
    expect(await pools('login')).toBe('1');
    await bench.lab.refuseSshFrom('login2', false);
    await good('down', 'killed', '--yes');
  });

  test('without a record, the files of the pool say its machine', { tags: ['nightly'] }, async () => {
    await good(...up('lost', '--nodes', '1', '--no-wait'));
    await bench.lab.exec('laptop', ['rm', '-r', state('lost')]);
    await turn('login2');
    await bench.lab.refuseSshFrom('login2', true);
    const down = ['down', 'lost', '--site', 'lab-slurm', '--yes'];
    await bench.refuses(down, { says: [/on the machine login, but/], hint: 'down lost' }, laptop);
    expect(await pools('login')).toBe('1');
    await bench.lab.refuseSshFrom('login2', false);
    await good(...down);
  });

  test('without a record and without that file, the address of the pool says it', { tags: ['nightly'] }, async () => {
    await good(...up('bare', '--nodes', '1', '--no-wait'));
    await bench.lab.exec('laptop', ['rm', '-r', state('bare')]);
    await bench.lab.exec('login', ['rm', '/home/alice/.scailfin/bare/pool/machine'], { user: 'alice' });
    await turn('login2');
    const down = ['down', 'bare', '--site', 'lab-slurm', '--yes'];
    await bench.refuses(down, { says: [/on the machine with the address 10\.77\.1\.1/], hint: 'down bare' }, laptop);
    await turn('login');
    await good(...down);
  });

  test('a journal of an older scailfin has the name of the machine', { tags: ['nightly'] }, async () => {
    await good(...up('old', '--nodes', '1', '--no-wait'));
    await forgetMachines('old');
    expect((await statusOf('old')).headnode.pool).toBe('alive');
    await turn('login2');
    expect((await statusOf('old')).headnode.pool).toBe('alive');
    await bench.lab.refuseSshFrom('login2', true);
    await isUnknown('old');
    await bench.lab.refuseSshFrom('login2', false);
    await good('down', 'old', '--yes');
  });

  test('a machine that was restarted has lost the pool: up starts it again there, and down is verified', {
    tags: ['nightly'],
  }, async () => {
    await good(...up('boot', '--nodes', '1', '--no-wait'));
    await turn('login2');
    await bench.lab.reboot('login');
    expect(await statusOf('boot')).toMatchObject({ state: 'failed', headnode: { pool: 'dead' } });
    expect((await statusOf('boot')).reason).toMatch(/login was restarted, so the pool has ended/);
    await good(...up('boot', '--nodes', '1', '--no-wait'));
    expect([await pools('login'), await pools('login2')]).toEqual(['1', '0']);
    await bench.lab.reboot('login');
    expect((await good('down', 'boot', '--yes')).stdout).toContain('Verified');
  });

  test('a headnode that is named by the user is one machine, too', { tags: ['nightly'] }, async () => {
    const named = ['up', 'named', '--site', 'lab-slurm', '--headnode', 'alice@login', '--nodes', '1', '--no-wait'];
    await good(...named);
    await turn('login2');
    expect((await good('exec', 'named', '--', 'hostname')).stdout).toBe('login\n');
    await bench.lab.refuseSshFrom('login2', true);
    await isUnknown('named');
    await refused(named);
    await bench.lab.refuseSshFrom('login2', false);
    await good('down', 'named', '--yes');
  });

  test('scailfin on the login nodes themselves: its processes are on the one where it was used', {
    tags: ['nightly'],
  }, async () => {
    const on = (host: 'login' | 'login2') => ({ host }) as const;
    const local = ['up', 'here', '--site', 'local', '--nodes', '1', '--no-wait'];
    await bench.good(local, on('login'));
    const status = await bench.cli(['status', 'here', '--json'], on('login2'));
    expect(status.exitCode).toBe(1);
    expect(JSON.parse(status.stdout)).toMatchObject({ state: 'unknown' });
    const says = [/on the machine login, but this machine is login2/];
    await bench.refuses(local, { says, hint: '--forget' }, on('login2'));
    await bench.refuses(['down', 'here', '--yes'], { says, hint: '--forget' }, on('login2'));
    await bench.refuses(
      ['env', 'here'],
      { exit: 2, says: ['is on login, not on this machine'], hint: 'exec' },
      on('login2'),
    );
    expect(await pools('login2')).toBe('0');
    // who may log in from one login node to the other need not care
    const key = `ssh-keygen -q -t ed25519 -N "" -f .ssh/id_ed25519; cat .ssh/id_ed25519.pub >>.ssh/authorized_keys
      ssh-keyscan login >.ssh/known_hosts 2>/dev/null`;
    await bench.lab.exec('login2', ['sh', '-ec', key], { user: 'alice' });
    expect((await bench.good(['exec', 'here', '--', 'hostname'], on('login2'))).stdout).toBe('login\n');
    await bench.good(['down', 'here', '--yes'], on('login2'));
    const own = ['.local', '.cache', '.ssh/id_ed25519', '.ssh/id_ed25519.pub', '.ssh/known_hosts'];
    await bench.lab.exec('login', ['rm', '-rf', ...own], { user: 'alice' });
  });

  test('what BOSCO runs on a login node is ended there, or named, after the headnode went down', {
    tags: ['nightly'],
  }, async () => {
    const grow = ['up', 'grown', '--site', 'lab-slurm', '--submit', 'bosco', '--min', '1', '--max', '1'];
    const blahpds = async () =>
      (await bench.lab.exec('login', ['pgrep', '-c', '-x', 'blahpd'], { check: false })).stdout.trim();
    await bench.good(grow);
    await until('blahpd to stay', 60_000, async () => (await blahpds()) !== '0');
    // the login node does not notice that the other end of the connection is gone
    await bench.lab.partition('headnode', true);
    await bench.lab.reboot('headnode');
    await turn('login2');
    await bench.lab.refuseSshFrom('login2', true);
    const says = [/a process of grown on login: it is on the machine login, but/];
    await bench.refuses(['down', 'grown'], { says, hint: 'down grown' });
    await bench.lab.refuseSshFrom('login2', false);
    await bench.good(['down', 'grown']);
    expect(await blahpds()).toBe('0');
  });

  /** Makes a journal what scailfin wrote before it knew machines. */
  async function forgetMachines(name: string): Promise<void> {
    const file = `${state(name)}/journal.jsonl`;
    const entries = (await bench.lab.read('laptop', file))
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line) as Entry);
    const older = entries
      .filter(entry => entry.type !== 'machine')
      .map(entry => ({
        ...entry,
        ...(entry.type === 'site-facts' ? { facts: { ...entry.facts, machine: undefined } } : {}),
      }));
    await bench.lab.write('laptop', file, older.map(entry => `\n${JSON.stringify(entry)}`).join(''));
  }
});
