// @module-tag nightly; each time: attack/relay-door, relay-key and relay-login
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scailfin, statusOf } from '../cluster/helpers/cluster.js';
import { type HostName, Lab, labUnavailable } from '../lab/lab.js';
import { attack } from './attack.js';

const reason = labUnavailable();
const by = 'another user';
const dir = '/home/alice/.scailfin/fort/site';
const bobsUid = 2002;
const secret = 'the-input-that-nobody-else-may-see-';
const programs = ['bob.py', 'capture.py'] as const;

describe.skipIf(reason !== undefined)(`a site with a relay${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  /** Of the pool, on the headnode and on all nodes. */
  let [address, port] = ['', ''];
  /** Of the relay, on the login node. */
  let [relay, relayPort] = ['', ''];
  const started: ChildProcess[] = [];

  const find = async (): Promise<void> => {
    const status = await statusOf(lab, 'headnode', 'fort');
    [address = '', port = ''] = status.headnode.address.split(':');
    [relay = '', relayPort = ''] = (status.sites[0]?.relay?.at ?? '').split(' ')[0]?.split(':') ?? [];
    expect(relayPort).toMatch(/^\d+$/);
  };
  beforeAll(async () => {
    lab = await Lab.up({ isolated: true });
    for (const name of programs) {
      const text = readFileSync(new URL(`helpers/${name}`, import.meta.url), 'utf8');
      for (const host of ['login', 'c1', 'c2'] as const)
        await lab.write(host, `/opt/${name}`, text, { user: 'root', mode: 0o755 });
    }
    await scailfin(lab, 'headnode', ['up', 'fort', '--site', 'lab-slurm', '--nodes', '1', '--walltime', '30m']);
    await find();
    const rule = `ip daddr ${address} tcp dport ${port} tcp flags & (syn|ack) == syn counter`;
    const table = `table inet count {\nchain out {\ntype filter hook output priority 0;\n${rule}\n}\n}\n`;
    await lab.exec('headnode', ['nft', '-f', '-'], { user: 'root', stdin: table });
  }, 240_000);
  afterAll(async () => {
    for (const child of started) child.kill('SIGKILL');
    await lab?.down();
  });

  const sh = async (host: HostName, user: string, command: string, timeoutMs = 60_000): Promise<string> => {
    const ran = await lab.exec(host, ['bash', '-c', command], { user, check: false, timeoutMs });
    return ran.stdout + ran.stderr;
  };
  /** Starts one of the programs, and waits until it is ready. */
  const start = async (host: HostName, user: string, args: readonly string[]): Promise<ChildProcess> => {
    const child = lab.spawn(host, ['python3', ...args], { user });
    started.push(child);
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    return child;
  };
  const relayLog = (node: string): Promise<string> => sh('login', 'root', `cat ${dir}/logs/*/${node}-*/relay.log`);
  /** Connections that were made to the pool on the headnode, by anybody. */
  const connections = async (): Promise<number> =>
    Number(/packets (\d+)/.exec(await sh('headnode', 'root', 'nft list table inet count'))?.[1]);
  /** Memory of the relay's program on the headnode, MiB. */
  const memory = async (): Promise<number> =>
    Number(
      await sh(
        'headnode',
        'root',
        "pid=$(pgrep -f 'dist/[r]elay.mjs' | tail -n 1); awk '/^VmRSS/ { print $2 }' /proc/$pid/status",
      ),
    ) / 1024;
  /** Runs jobs that read an input, and says what they found of it. */
  const jobs = async (count: number): Promise<string[]> => {
    const text = `trap 'rm -rf "$PWD"' EXIT; cd "$(mktemp -d)" && yes ${secret} | head -c 3000000 >in && printf '#!/bin/sh\\nwc -c <in\\n' >job.sh && chmod 755 job.sh
      printf '%s\\n' 'executable = job.sh' 'transfer_input_files = in' 'output = out.$(Process)' 'log = log' 'request_memory = 100' \\
        'should_transfer_files = YES' 'when_to_transfer_output = ON_EXIT' 'queue ${count}' >job.sub
      scailfin exec fort -- condor_submit -terse job.sub >&2 && scailfin exec fort -- condor_wait -wait 60 log >&2; cat out.*`;
    return (await lab.exec('headnode', ['bash', '-c', text], { timeoutMs: 100_000 })).stdout
      .split('\n')
      .filter(Boolean);
  };

  for (const host of ['login', 'c1'] as const)
    attack(
      { by, on: host, what: "reads the relay's files, command lines and environments, or plants files there" },
      async count => {
        const key = (await sh('login', 'root', `sed -n 2p ${dir}/relay/key`)).trim();
        expect(key.length).toBeGreaterThan(60);
        expect(
          await sh(
            host,
            'bob',
            'find /home/alice/.scailfin /tmp/scailfin* /dev/shm /run/user -type f -readable 2>/dev/null',
          ),
        ).toBe('');
        count();
        for (const pid of (await sh(host, 'root', 'pgrep -u alice')).trim().split('\n')) {
          count();
          const seen = await sh(
            host,
            'bob',
            `tr '\\0' ' ' </proc/${pid}/cmdline; cat /proc/${pid}/environ /proc/${pid}/fd/*`,
          );
          expect(seen).not.toContain(key);
        }
        for (const name of ['at', 'key', 'known', 'x', 'login.1/in']) {
          count();
          expect(
            await sh(host, 'bob', `echo evil >${dir}/relay/${name}; ln -sf /home/bob/x ${dir}/relay/${name}`),
          ).toMatch(/denied.*denied/s);
        }
      },
    );

  for (const host of ['login', 'c1'] as const)
    attack({ by, on: host, what: "joins the pool, or reaches the headnode, through the relay's port" }, async count => {
      await sh(
        host,
        'bob',
        'rm -rf .ssh/x* && mkdir -p .ssh && chmod 700 .ssh && ssh-keygen -qt ecdsa -N "" -f .ssh/x',
      );
      const options =
        '-F none -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR';
      for (const more of [
        '-o PubkeyAuthentication=no',
        '-i .ssh/x',
        '-i .ssh/x -W 127.0.0.1:22',
        `-i .ssh/x -L 1234:${address}:${port} -N`,
        '-i .ssh/x -R 1234:127.0.0.1:22 -N',
        '-i .ssh/x -tt',
        '-A -i .ssh/x',
      ])
        for (const user of ['node', 'root', 'relay']) {
          count();
          expect(
            await sh(host, 'bob', `timeout 20 ssh ${options} -p ${relayPort} ${more} ${user}@${relay}`),
            more,
          ).toContain('Permission denied (publickey)');
        }
      for (const text of [
        'GET / HTTP/1.1\\r\\n\\r\\n',
        '\\x00\\x00\\x00\\x01\\x00\\x00\\x00\\x3c',
        '\\x16\\x03\\x01\\x02\\x00',
      ]) {
        count();
        const said = await sh(
          host,
          'bob',
          `printf '${text}' | timeout 3 nc -q 2 ${relay} ${relayPort} | tr -cd '[:print:]'`,
        );
        expect(said).toMatch(/^(SSH-2\.0-scailfin)?$/);
      }
      if (host === 'login') {
        count();
        const env = 'CONDOR_CONFIG=/dev/null _CONDOR_SEC_CLIENT_AUTHENTICATION_METHODS=CLAIMTOBE,ANONYMOUS';
        expect(await sh(host, 'bob', `${env} timeout 30 condor_status -pool ${relay}:${relayPort} -any`)).toMatch(
          /fail|ERROR|Error|denied/i,
        );
      }
    });

  attack(
    {
      by,
      on: 'c1',
      what: "reaches the pool by the glide-in's port on loopback, from any address, by IPv6, by closing at once",
    },
    async count => {
      // what is counted is counted: alice may connect
      const alices = await connections();
      for (let n = 0; n < 30; n++) await sh('c1', 'alice', `exec 3<>/dev/tcp/${address}/${port}; sleep 0.2`);
      expect((await connections()) - alices).toBeGreaterThanOrEqual(30);
      const before = await connections();
      expect((await sh('c1', 'bob', `python3 /opt/bob.py speak ${address} ${port} 40`)).trim()).toBe('0');
      count(120);
      for (let n = 0; n < 40; n++) {
        count();
        await sh('c1', 'bob', `printf x >/dev/tcp/${address}/${port}`);
      }
      await sleep(1000);
      // HTCondor's own connections are few
      expect((await connections()) - before).toBeLessThan(80);
      expect(await relayLog('c1')).toContain(`belongs to the user with the id ${bobsUid}`);
    },
    120_000,
  );

  attack(
    { by, on: 'login', what: 'reads what passes the networks, with all rights' },
    async count => {
      await start('login', 'root', ['/opt/capture.py', '/root/frames']);
      const token = (await sh('login', 'root', `cat ${dir}/tokens/*`)).trim();
      expect(token.length).toBeGreaterThan(100);
      expect(await jobs(3)).toEqual(['3000000', '3000000', '3000000']);
      await sleep(500);
      const has = async (text: string): Promise<boolean> =>
        (await lab.exec('login', ['grep', '-qaF', '-e', text, '/root/frames'], { user: 'root', check: false }))
          .exitCode === 0;
      // it did see the frames
      expect(Number(await sh('login', 'root', 'stat -c %s /root/frames'))).toBeGreaterThan(9_000_000);
      for (const text of [
        secret,
        ...token.split('.'),
        'AuthMethods',
        'IDTOKENS',
        'CondorVersion',
        'MyAddress',
        'sock=collector',
        'job.sh',
        'PRIVATE KEY',
      ]) {
        count();
        expect(await has(text), text).toBe(false);
      }
    },
    150_000,
  );

  for (const [host, at] of [
    ['c1', 'pool'],
    ['login', 'relay'],
  ] as const)
    attack(
      { by, on: host, what: `floods the port of the ${at} there with connections that never speak` },
      async count => {
        const before = await memory();
        const [where, number] = at === 'pool' ? [address, port] : [relay, relayPort];
        const flood = sh(host, 'bob', `python3 /opt/bob.py flood ${where} ${number} 25`);
        await sleep(3000);
        expect(await jobs(2)).toEqual(['3000000', '3000000']);
        count(Number(await flood));
        expect((await memory()) - before).toBeLessThan(150);
        expect((await statusOf(lab, 'headnode', 'fort')).sites[0]?.relay).toMatchObject({ state: 'open', nodes: 1 });
      },
      150_000,
    );

  attack(
    {
      by: 'a compute node',
      on: 'headnode',
      what: "reaches more than the pool with the relay's key, as root of the node",
    },
    async count => {
      const options = `-F none -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -i ${dir}/relay/key -p ${relayPort} node@${relay}`;
      const root = (command: string): Promise<string> => sh('c1', 'root', command);
      // the key is good, and still
      for (const to of [
        '127.0.0.1:22',
        '10.77.0.3:22',
        `127.0.0.1:${port}`,
        'localhost:9618',
        '10.77.0.2:22',
        `${address}:22`,
      ]) {
        count();
        const said = await root(`(sleep 2) | timeout 20 ssh ${options} -o ExitOnForwardFailure=yes -W ${to}`);
        expect(said, to).toMatch(/open failed|administratively prohibited|stdio forwarding failed/);
      }
      for (const [ask, answer, command = ''] of [
        ['-N -o ExitOnForwardFailure=yes -R 0.0.0.0:4444:127.0.0.1:22', /remote port forwarding failed/],
        ['-s', /subsystem request failed/, 'sftp'],
        ['-tt', /PTY allocation request failed|shell request failed/],
      ] as const) {
        count();
        expect(await root(`timeout 10 ssh ${ask} ${options} ${command}`), ask).toMatch(answer);
      }
      // no command is run, whatever it is called
      count();
      expect(await root(`timeout 3 ssh ${options} 'touch /tmp/owned; id'`)).not.toContain('uid=');
      expect(await sh('headnode', 'root', 'ls /tmp/owned')).toContain('No such file');
      expect(await jobs(1)).toEqual(['3000000']);
    },
    150_000,
  );

  attack(
    { by, on: 'login', what: 'takes the port that the relay had, and answers there' },
    async count => {
      count();
      await sh('login', 'bob', 'rm -f hk* && ssh-keygen -qt ecdsa -N "" -f hk');
      const squat = `until /usr/sbin/sshd -D -E /home/bob/sshd.log -o LogLevel=DEBUG3 -o PidFile=none -o ListenAddress=${relay} -p ${relayPort} -h /home/bob/hk -f /dev/null; do sleep 0.05; done`;
      started.push(lab.spawn('login', ['bash', '-c', squat], { user: 'bob' }));
      await sleep(1000);
      await sh('login', 'root', `pkill -u alice -f 'ssh -F /dev/null -T.*${relayPort}'`);
      const taken = relayPort;
      await expect
        .poll(async () => (await statusOf(lab, 'headnode', 'fort')).sites[0]?.relay?.at ?? '', { timeout: 60_000 })
        .toMatch(new RegExp(`:(?!${taken} )\\d+ `));
      await find();
      expect(relayPort).not.toBe(taken);
      await expect
        .poll(async () => (await statusOf(lab, 'headnode', 'fort')).sites[0]?.relay, { timeout: 60_000 })
        .toMatchObject({ state: 'open', nodes: 1 });
      // if a node came to him, it left when it saw his key
      expect(await sh('login', 'root', 'cat /home/bob/sshd.log')).not.toMatch(/userauth-request|Accepted/);
      expect(await jobs(1)).toEqual(['3000000']);
    },
    240_000,
  );

  attack(
    { by, on: 'c2', what: "takes the pool's port on a node before the glide-in" },
    async count => {
      count();
      const child = await start('c2', 'bob', ['/opt/bob.py', 'squat', address, port, '/home/bob/heard']);
      started.push(lab.spawn('headnode', ['scailfin', 'scale', 'fort', '--nodes', '2'], { stdio: 'ignore' }));
      await expect
        .poll(async () => (await scailfin(lab, 'headnode', ['status', 'fort'], { check: false })).stdout, {
          ...{ timeout: 120_000, interval: 2000 },
        })
        .toContain(`the user with the id ${bobsUid} listens at ${address} port ${port}`);
      child.kill('SIGKILL');
      expect(await sh('c2', 'root', 'cat /home/bob/heard')).toBe('');
    },
    200_000,
  );

  it('goes down and leaves nothing', async () => {
    for (const child of started) child.kill('SIGKILL');
    await sh('login', 'root', 'pkill -u bob; true');
    await sh('c2', 'root', 'pkill -u bob; true');
    expect((await lab.exec('headnode', ['scailfin', 'down', 'fort'], { timeoutMs: 150_000 })).exitCode).toBe(0);
    expect(await lab.leftovers()).toEqual([]);
  }, 200_000);
});
