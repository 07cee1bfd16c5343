import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scailfin, statusOf, submitJobs } from '../cluster/helpers/cluster.js';
import { type HostName, Lab, labUnavailable } from '../lab/lab.js';
import { attack } from './attack.js';
import { asOwner } from './helpers/thief.js';

const reason = labUnavailable();
const by = 'a stranger on the network';

/** Of a host: port by port, all there are; prints those that answer. */
const knock = `
import socket, sys, errno
def opens(port):
    s = socket.socket(); s.settimeout(1)
    try: return s.connect_ex((sys.argv[1], port)) == 0
    finally: s.close()
print(' '.join(str(p) for p in range(1, 65536) if opens(p)))`;

describe.skipIf(reason !== undefined)(`the ports of a cluster${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  let port = '';
  let before: Readonly<Record<string, readonly string[]>>;
  const hosts = ['headnode', 'login', 'c1', 'c2'] as const;
  const addresses = { headnode: '10.77.0.3', login: '10.77.1.1', c1: '10.77.1.11', c2: '10.77.1.12' };

  /** What listens beyond loopback: \`tcp 9618 condor_shared_p\`. */
  const listening = async (host: HostName): Promise<string[]> => {
    const { stdout } = await lab.exec(host, ['ss', '-Hltnup'], { user: 'root' });
    return stdout.split('\n').flatMap(line => {
      const [kind = '', , , , local = ''] = line.trim().split(/\s+/);
      const program = /users:\(\("([^"]*)"/.exec(line)?.[1] ?? '';
      return local === '' || /^(127\.|\[::1\])/.test(local) ? [] : [`${kind} ${local.split(':').at(-1)} ${program}`];
    });
  };
  const answering = async (from: HostName, to: keyof typeof addresses): Promise<string[]> => {
    const { stdout } = await lab.exec(from, ['python3', '-c', knock, addresses[to]], { timeoutMs: 100_000 });
    return stdout.trim().split(' ').filter(Boolean);
  };

  beforeAll(async () => {
    lab = await Lab.up();
    before = Object.fromEntries(await Promise.all(hosts.map(async host => [host, await listening(host)] as const)));
    await scailfin(lab, 'headnode', [
      ...[
        'up',
        'fort',
        '--site',
        'lab-slurm',
        '--nodes',
        '2',
        '--walltime',
        '30m',
        '--framework',
        'reana',
        '--reana',
        'edge',
      ],
    ]);
    port = (await statusOf(lab, 'headnode', 'fort')).headnode.address.split(':')[1] as string;
    // jobs have starters and shadows, which listened, too
    const lines = ['executable = /bin/sleep', 'arguments = 600', 'transfer_executable = false', 'request_memory = 100'];
    await lab.exec('headnode', ['mkdir', '/tmp/jobs']);
    const rest = ['should_transfer_files = YES', 'initialdir = /tmp/jobs', 'queue 4', ''];
    await lab.write('headnode', '/tmp/long.sub', [...lines, ...rest].join('\n'));
    await asOwner(lab, 'fort', ['condor_submit', '/tmp/long.sub']);
    const running = () => asOwner(lab, 'fort', ['condor_q', '-allusers', '-af', 'JobStatus']);
    for (let n = 0; n < 60 && (await running()) !== '2\n2\n2\n2\n'; n++) await new Promise(r => setTimeout(r, 500));
    expect(await running()).toBe('2\n2\n2\n2\n');
  });
  afterAll(async () => {
    await lab?.down();
  });

  for (const host of hosts)
    attack({ by, on: host, what: 'finds a port that is not the pool’s one' }, async () => {
      const more = (await listening(host)).filter(line => !before[host]?.includes(line));
      // what was there before, such as a batch system that asks for other ports as it runs jobs, is not ours
      const ours = more.filter(line => /condor|node|bash|python/.test(line));
      expect(ours).toEqual(host === 'headnode' ? [`tcp ${port} condor_shared_p`] : []);
    });

  const ways: readonly (readonly [HostName, keyof typeof addresses])[] = [
    ['c1', 'headnode'],
    ['login', 'headnode'],
    ['laptop', 'headnode'],
    ['login', 'c1'],
    ['c2', 'c1'],
  ];
  for (const [from, to] of ways)
    attack(
      { by, on: to, what: `from ${from}: connects to every port there is` },
      async count => {
        const open = await answering(from, to);
        count(65_535);
        const known = before[to]?.map(line => line.split(' ')[1]) ?? [];
        expect(open.filter(p => !known.includes(p))).toEqual(to === 'headnode' ? [port] : []);
      },
      120_000,
    );

  it('need be no more for jobs to run, and are none once it is down', async () => {
    await asOwner(lab, 'fort', ['condor_rm', '-all']);
    await lab.exec('headnode', ['rm', '-r', '/tmp/long.sub', '/tmp/jobs']);
    const ran = await submitJobs(lab, 'headnode', 'fort', 16, 'sleep 1');
    expect(new Set(ran.map(job => job.node))).toEqual(new Set(['c1', 'c2']));
    expect((await lab.exec('headnode', ['scailfin', 'down', 'fort'], { timeoutMs: 100_000 })).exitCode).toBe(0);
    expect(await lab.leftovers()).toEqual([]);
  });
});
