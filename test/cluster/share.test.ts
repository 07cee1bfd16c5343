import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attack } from '../attack/attack.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { until } from '../lab/programs.js';
import { scailfin, statusOf } from './helpers/cluster.js';

const reason = labUnavailable();
const name = 'lab-slurm';
const keys = '.ssh/authorized_keys';

interface Added {
  readonly person: string;
  readonly token: string;
  readonly tunnel: string;
  readonly environment: { readonly REANA_SERVER_URL: string };
}

/** A run of one step, without a container. */
const body = (command: string) =>
  JSON.stringify({
    workflow: { type: 'serial', specification: { steps: [{ name: 'only', environment: '', commands: [command] }] } },
  });

describe.skipIf(reason !== undefined)(`a cluster with several people${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  let before: string;
  let alice: Added;
  let bob: Added;
  let port: number;
  const tunnels: ChildProcess[] = [];
  beforeAll(async () => {
    lab = await Lab.up();
    before = await lab.read('headnode', keys);
    await lab.exec('laptop', ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'alice here', '-f', 'guest']);
    await scailfin(lab, 'laptop', [
      ...['up', '--site', name, '--headnode', 'headnode', '--nodes', '1', '--walltime', '30m'],
      ...['--framework', 'reana', '--reana', 'edge'],
    ]);
  }, 240_000);
  afterAll(async () => {
    for (const tunnel of tunnels) tunnel.kill('SIGKILL');
    await lab?.down();
  });

  const share = (...args: string[]) => scailfin(lab, 'laptop', ['share', ...args], { check: false });
  const added = async (...args: string[]): Promise<Added> => {
    const { stdout, stderr } = await share('add', ...args, '--yes', '--json');
    expect(stdout, stderr).not.toBe('');
    return JSON.parse(stdout) as Added;
  };
  /** Asks the edge on the headnode. */
  const curl = async (token: string, path: string, ...more: string[]): Promise<string> => {
    const header = `Authorization: Bearer ${token}`;
    // the header comes from standard input, not from a command line that all users see
    const argv = ['curl', '-sS', '-m', '30', '-H', '@-', ...more, `http://127.0.0.1:${port}${path}`];
    return (await lab.exec('headnode', argv, { stdin: header, user: 'bob' })).stdout;
  };
  /** ssh with the key of a person, from a machine of theirs. */
  const ssh = async (args: readonly string[], stdin = '') => {
    const options = ['-F', 'none', '-i', 'guest', '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes'];
    const argv = ['timeout', '15', 'ssh', ...options, ...args];
    const ran = await lab.exec('laptop', argv, { check: false, stdin, timeoutMs: 30_000 });
    return { said: ran.stdout + ran.stderr, status: ran.exitCode };
  };

  const start = async (who: Added, runs: number, command: string) => {
    const create = `umask 077; c() { curl -sS -m 30 -H @h -X POST -H 'Content-Type: application/json' "$@"; }; cd "$(mktemp -d)" && cat >h || exit 1
        for i in $(seq ${runs}); do
          id=$(c -d '${body(command)}' "http://127.0.0.1:${port}/api/workflows?workflow_name=many" | sed 's/.*"workflow_id":"\\([^"]*\\).*/\\1/')
          c -d '{}' "http://127.0.0.1:${port}/api/workflows/$id/start" >/dev/null; echo "$id"
        done; rm -r "$PWD"`;
    const header = `Authorization: Bearer ${who.token}`;
    const ran = await lab.exec('headnode', ['sh', '-c', create], {
      stdin: header,
      user: 'bob',
      timeoutMs: 100_000,
    });
    return ran.stdout.trim().split('\n');
  };

  it('asks before it shares, and says what it means', async () => {
    const dry = await share('add', name, 'alice@example.org', '--key', 'guest.pub', '--dry-run');
    expect(dry.stdout).toMatch(/would make a token.*would add the key.*run in your account at lab-slurm/s);
    const asked = await share('add', 'alice@example.org');
    expect(asked.exitCode).toBe(2);
    expect(asked.stderr).toContain('this needs your consent');
    expect((await share('add', 'a b', '--yes')).stderr).toContain("can't be a person's name");
    expect((await share('add', 'alice', '--key', 'guest', '--yes')).stderr).toContain('is a private key');
    const own = await share('add', 'alice', '--key', '.ssh/id_ed25519.pub', '--yes');
    expect(own.stderr).toContain('can log in to scail@headnode already');
    expect(await lab.read('headnode', keys)).toBe(before);
    expect((await share('list')).stdout).toContain('is shared with nobody');
  });

  it('gives a person a token and a way', async () => {
    alice = await added(name, 'alice@example.org', '--key', 'guest.pub');
    port = Number(alice.environment.REANA_SERVER_URL.split(':').at(-1));
    expect(alice.tunnel).toMatch(/^python3 -c .*"scail@headnode"/s);
    bob = await added('bob');
    expect(bob.tunnel).toContain('YOUR-NAME@');
    expect(JSON.parse(await curl(alice.token, '/api/you')).email).toBe('alice@example.org');
    const again = await share('add', 'alice@example.org', '--yes');
    expect(again.stderr).toContain('keeps the token');
    expect(again.stdout).not.toContain(alice.token);
    const file = (await lab.exec('headnode', ['cat', `.scailfin/${name}/pool/edge/people.json`])).stdout;
    expect(file).not.toContain(alice.token);
    // as she types it, with her key and another port
    const mine = alice.tunnel.replace('"-T"', '"-T", "-F", "none", "-i", "guest"').replaceAll(String(port), '31443');
    tunnels.push(lab.spawn('laptop', ['sh', '-c', `exec ${mine}`]));
    await until('the tunnel', 60_000, async () => (await through('/api/ping')).includes('OK'));
    expect(await through('/api/you')).toContain('alice@example.org');
    expect(await through('/api/workflows')).toContain('"total":0');
  });

  /** A request of alice's, by her key. */
  const through = async (path: string): Promise<string> => {
    const argv = ['curl', '-sS', '-m', '20', '-H', '@-', `http://127.0.0.1:31443${path}`];
    const stdin = `Authorization: Bearer ${alice.token}`;
    return (await lab.exec('laptop', argv, { check: false, stdin })).stdout;
  };

  attack(
    { by: 'a client with the token', on: 'headnode', what: 'uses the key of a person for more than the port of REANA' },
    async count => {
      const at = 'scail@headnode';
      const request = 'touch owned\r\n\r\n';
      const refusal = /^HTTP\/1.1 400 Bad Request\r\n/;
      const sessions: readonly (readonly [readonly string[], RegExp])[] = [
        ...['id', '$(touch owned)', '; touch owned', 'bash -c "touch owned"'].map(c => [[at, c], refusal] as const),
        [[at], refusal],
        [['-tt', at], /^PTY allocation request failed/],
        [['-s', at, 'sftp'], refusal],
        [['-o', 'SetEnv=BASH_ENV=/tmp/evil.sh ENV=/tmp/evil.sh LC_ALL=C', at, 'id'], refusal],
        [['-A', at, 'ssh-add -l'], refusal],
        [['-X', at, 'env'], refusal],
      ];
      await lab.write('headnode', '/tmp/evil.sh', 'touch /tmp/owned\n', { user: 'bob', mode: 0o755 });
      for (const [args, wanted] of sessions) {
        count();
        const { said } = await ssh(args, request);
        expect(said.replace(/^(Pseudo-terminal|Warning|X11 forwarding)[^\n]*\n/gm, ''), args.join(' ')).toMatch(wanted);
      }
      const ports = [
        '127.0.0.1:22',
        `127.0.0.1:${port}`,
        `localhost:${port}`,
        `headnode:${port}`,
        'login:22',
        '[::1]:22',
      ];
      for (const to of ports) {
        count();
        expect((await ssh(['-W', to, at])).said, to).toContain('administratively prohibited');
      }
      const exits = ['-o', 'ExitOnForwardFailure=yes', '-N'];
      for (const from of ['31999', '0', '127.0.0.1:1', '/home/scail/owned.sock']) {
        count();
        expect((await ssh([...exits, '-R', `${from}:127.0.0.1:22`, at])).said, from).toContain('forwarding failed');
      }
      count();
      expect((await ssh([...exits, '-w', 'any', at])).status).not.toBe(0);
      count();
      // a socket of the account, such as that of an agent
      const serve = 'import socket;s=socket.socket(1);s.bind("private.sock");s.listen();s.accept()[0].send(b"reached")';
      const socket = lab.spawn('headnode', ['python3', '-c', serve]);
      const by = `ssh -F none -i guest -o IdentitiesOnly=yes -o BatchMode=yes -N -L 31888:/home/scail/private.sock ${at}`;
      const script = `timeout 6 ${by} & sleep 3; curl -sS --http0.9 -m 2 http://127.0.0.1:31888/; wait`;
      const { stdout, stderr } = await lab.exec('laptop', ['sh', '-c', script], { check: false, timeoutMs: 30_000 });
      socket.kill('SIGKILL');
      await lab.exec('headnode', ['rm', '-f', 'private.sock']);
      await lab.exec('headnode', ['rm', '/tmp/evil.sh'], { user: 'root' });
      expect(stdout + stderr).toContain('open failed');
      expect(stdout).not.toContain('reached');
      expect((await lab.exec('headnode', ['sh', '-c', 'ls -d owned* /tmp/owned* 2>/dev/null; true'])).stdout).toBe('');
    },
    240_000,
  );

  it('divides the pool: whoever comes later does not wait for all steps of the first', {
    tags: ['nightly'],
  }, async () => {
    await start(alice, 50, 'sleep 60');
    await until('the first steps of alice', 60_000, async () => {
      const { people } = await statusOf(lab, 'laptop', name);
      return (people?.find(p => p.name === 'alice@example.org')?.running ?? 0) > 0;
    });
    const began = Date.now();
    const ids = await start(bob, 2, 'sleep 5');
    await until('the steps of bob', 200_000, async () => {
      const { steps } = JSON.parse(await curl(bob.token, `/api/edge/overview?run=${ids[0]}`));
      return steps?.[0]?.started !== undefined;
    });
    const waited = Date.now() - began;
    // fifty steps of a minute on sixteen cores take longer
    expect(waited).toBeLessThan(200_000);
    const { people = [] } = await statusOf(lab, 'laptop', name);
    const of = (person: string) => people.find(p => p.name === person);
    process.stderr.write(`bob waited ${Math.round(waited / 1000)} s: ${JSON.stringify(people)}\n`);
    // those of alice still wait
    expect(of('alice@example.org')?.idle).toBeGreaterThan(5);
    const { stdout } = await scailfin(lab, 'laptop', ['status', name]);
    expect(stdout).toMatch(/alice@example\.org: \d+ idle, \d+ running/);
    expect((await share('list')).stdout).toMatch(/alice@example\.org +key +\d+ of 50/);
    const { stdout: users } = await scailfin(lab, 'laptop', ['exec', name, '--', 'condor_q', '-af', 'AcctGroupUser']);
    expect(users).toMatch(/^(alice_example_org|bob)-[0-9a-f]{8}\n/);
    expect(users).not.toMatch(/undefined|scail/);
  });

  it('ends the access of a person, by token and by key', async () => {
    await start(alice, 2, 'sleep 600');
    const open = lab.spawn('laptop', [
      'ssh',
      '-F',
      'none',
      '-i',
      'guest',
      '-o',
      'IdentitiesOnly=yes',
      '-T',
      'scail@headnode',
    ]);
    const isOpen = ['pgrep', '-f', 'share/reach.sh alice@example.org'];
    await until('a connection by the key', 60_000, async () => {
      return (await lab.exec('headnode', isOpen, { check: false })).stdout !== '';
    });
    const removed = JSON.parse((await share('remove', 'alice@example.org', '--json')).stdout);
    expect(removed).toMatchObject({ person: 'alice@example.org', wasThere: true });
    expect(removed.stopped).toBeGreaterThan(0);
    expect(await curl(alice.token, '/api/you')).toContain('Token not valid');
    expect((await ssh(['-N', 'scail@headnode'])).said).toContain('Permission denied');
    expect(await lab.read('headnode', keys)).toBe(before);
    // what her key had open is closed, too
    await until('it to close', 60_000, async () => open.exitCode !== null || open.signalCode !== null);
    for (const tunnel of tunnels.splice(0)) tunnel.kill('SIGTERM');
    await until('her steps to go', 60_000, async () => {
      const { people = [] } = await statusOf(lab, 'laptop', name);
      return !people.some(p => p.name === 'alice@example.org' && p.idle + p.running > 0);
    });
    expect((await share('remove', 'alice@example.org')).stdout).toContain('was not shared with');
    expect((await share('list')).stdout).not.toContain('alice');
  });

  it('takes everything away with the cluster', async () => {
    // a last line without its end stays as it is
    await lab.write('headnode', keys, `${before}# the end`, { mode: 0o600 });
    await added('carol', '--key', 'guest.pub');
    expect(await lab.read('headnode', keys)).toContain('/share/reach.sh carol');
    const { exitCode, stderr } = await scailfin(lab, 'laptop', ['down', name, '--yes'], { check: false });
    expect(exitCode, stderr).toBe(0);
    expect(await lab.read('headnode', keys)).toBe(`${before}# the end`);
    await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
  });
});
