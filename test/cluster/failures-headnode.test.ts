import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type HostName, labUnavailable } from '../lab/lab.js';
import { Bench, up } from './helpers/bench.js';

const reason = labUnavailable();
const root = { user: 'root' };

describe.skipIf(reason !== undefined)(`headnodes that won't do${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.open();
  });
  afterAll(() => bench?.close());
  afterEach(() => bench.expectNothing());

  /** As a firewall that drops, or one that says no. */
  const wall = async (verdict: 'drop' | 'reject with tcp reset', work: () => Promise<unknown>) => {
    const rules = `table inet wall { chain input { type filter hook input priority 0;
      iifname wan tcp dport 9618-9717 ${verdict}; }; }`;
    await bench.lab.exec('headnode', ['nft', '-f', '-'], { ...root, stdin: rules });
    await work().finally(() => bench.lab.exec('headnode', ['nft', 'delete', 'table', 'inet', 'wall'], root));
  };
  const submissions = async () => (await bench.lab.exec('login', ['squeue', '-h', '-t', 'all', '-o', '%i'])).stdout;

  const unreached = {
    says: ["alice@login can't reach the headnode"],
    hint: /nothing was submitted. Open port 9618.*--headnode login.*--headnode \[user@\]host/,
  };

  test('the site does not reach a local one', async () => {
    await wall('reject with tcp reset', () =>
      bench.refuses(up('walled', '--no-relay'), {
        ...unreached,
        says: [...unreached.says, '10.77.0.3 port 9618: refused'],
      }),
    );
    expect(await submissions()).toBe('');
  });

  test('the site gets no answer from one across the network', async () => {
    await wall('drop', () =>
      bench.refuses(
        up('walled', '--headnode', 'scail@headnode', '--no-relay', '--json'),
        {
          says: [...unreached.says, '10.77.0.3 port 9618: no answer'],
          hint: /Open port 9618.*--headnode login.*--headnode local/,
        },
        { host: 'laptop' },
      ),
    );
    expect(await submissions()).toBe('');
  });

  test.each<[string, HostName, string]>([
    ['this machine', 'laptop', 'local'],
    ['another', 'headnode', 'alice@login'],
  ])('HTCondor is missing on %s', async (_, host, headnode) => {
    if (host === 'headnode') await bench.lab.exec('login', ['mv', '/usr/sbin/condor_master', '/root/'], root);
    const complaint = {
      says: ['HTCondor is not installed', 'no condor_master'],
      hint: /apt install condor.*source: tarball.*another --headnode/,
    };
    await bench.refuses(up('bare', '--headnode', headnode), complaint, { host });
    if (host === 'headnode') await bench.lab.exec('login', ['mv', '/root/condor_master', '/usr/sbin/'], root);
    expect(await submissions()).toBe('');
  });

  test('root is refused as the owner of the pool', async () => {
    const copy = 'mkdir -p .config .ssh; cp -r /home/scail/.config/scailfin .config/; cp /home/scail/.ssh/* .ssh/';
    await bench.lab.exec('headnode', ['sh', '-ec', copy], root);
    const argv = ['scailfin', ...up('rooted')];
    const { stderr, exitCode } = await bench.lab.exec('headnode', argv, { ...root, check: false });
    expect(stderr).toMatch(/error: the pool must be run by an ordinary user.*\n {2}→ .*another headnode/);
    expect(exitCode).toBe(1);
  });

  test('a full disk on the headnode', async () => {
    const mount =
      'mkdir -p .scailfin; mount -t tmpfs -o size=50m,uid=3001,gid=3001,mode=700 none /home/scail/.scailfin';
    await bench.lab.exec('headnode', ['sh', '-ec', `cd /home/scail; ${mount}`], root);
    const complaint = { says: [/has only \d+ MiB free in .*\.scailfin/], hint: /free some space/ };
    await bench.refuses(up('full'), complaint).finally(async () => {
      await bench.lab.exec('headnode', ['umount', '/home/scail/.scailfin'], root);
      await bench.lab.exec('headnode', ['rmdir', '/home/scail/.scailfin'], { ...root, check: false });
    });
  });
});
