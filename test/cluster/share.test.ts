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
  }, 120_000);

  it('gives a person a token and a way', async () => {
    alice = await added(name, 'alice@example.org', '--key', 'guest.pub');
    port = Number(alice.environment.REANA_SERVER_URL.split(':').at(-1));
    expect(alice.tunnel).toMatch(/^ssh -N -L (\d+):127\.0\.0\.1:\1 scail@\S+$/);
    bob = await added('bob');
    expect(bob.tunnel).toContain('YOUR-NAME@');
    expect(JSON.parse(await curl(alice.token, '/api/you')).email).toBe('alice@example.org');
    const again = await share('add', 'alice@example.org', '--yes');
    expect(again.stderr).toContain('keeps the token');
    expect(again.stdout).not.toContain(alice.token);
    const file = (await lab.exec('headnode', ['cat', `.scailfin/${name}/pool/edge/people.json`])).stdout;
    expect(file).not.toContain(alice.token);
    const [, where = ''] = /^ssh -N -L \S+ (\S+)$/.exec(alice.tunnel) ?? [];
    const argv = [
      'ssh',
      '-F',
      'none',
      '-i',
      'guest',
      '-o',
      'IdentitiesOnly=yes',
      '-N',
      '-L',
      `31443:127.0.0.1:${port}`,
    ];
    tunnels.push(lab.spawn('laptop', [...argv, where]));
    await until('the tunnel', 20_000, async () => {
      const ping = ['curl', '-sS', 'http://127.0.0.1:31443/api/ping'];
      return (await lab.exec('laptop', ping, { check: false })).stdout.includes('OK');
    });
  }, 120_000);

  attack(
    { by: 'a client with the token', on: 'headnode', what: 'uses the key of a person for more than the port of REANA' },
    async count => {
      const at = 'scail@headnode';
      const commands = ['id', '$(touch owned)', '; touch owned', 'bash -c "touch owned"', 'internal-sftp'];
      for (const command of commands) {
        count();
        expect(await ssh([at, command]), command).toEqual({ said: '', status: 1 });
      }
      const refusals: readonly (readonly [readonly string[], RegExp])[] = [
        [[at], /^(Pseudo-terminal[^\n]*\r?\n)?$/],
        [['-tt', at], /PTY allocation request failed/],
        [['-s', at, 'sftp'], /^$/],
        [['-o', 'SetEnv=BASH_ENV=/tmp/evil.sh ENV=/tmp/evil.sh LC_ALL=C', at, 'id'], /^$/],
        [['-W', '127.0.0.1:22', at], /administratively prohibited/],
        [['-W', `localhost:${port}`, at], /administratively prohibited/],
        [['-W', `headnode:${port}`, at], /administratively prohibited/],
        [['-W', `127.0.0.1:${port + 1}`, at], /administratively prohibited/],
        [['-W', `[::1]:${port}`, at], /administratively prohibited/],
        [['-W', 'login:22', at], /administratively prohibited/],
        [['-o', 'ExitOnForwardFailure=yes', '-N', '-R', '31999:127.0.0.1:22', at], /forwarding failed/],
        [['-o', 'ExitOnForwardFailure=yes', '-N', '-R', '127.0.0.1:1:127.0.0.1:22', at], /forwarding failed/],
        [['-o', 'ExitOnForwardFailure=yes', '-N', '-R', '0:127.0.0.1:22', at], /forwarding failed/],
        [['-o', 'ExitOnForwardFailure=yes', '-N', '-R', '/tmp/owned.sock:127.0.0.1:22', at], /forwarding failed/],
        [['-o', 'ExitOnForwardFailure=yes', '-N', '-w', 'any', at], /tun|Tunnel|forwarding/i],
        [['-A', at, 'ssh-add -l'], /^$/],
        [['-X', at, 'env'], /^(Warning.*\n|X11 forwarding.*\n)*$/],
      ];
      for (const [args, wanted] of refusals) {
        count();
        const { said, status } = await ssh(args, 'touch owned\n');
        expect(said, args.join(' ')).toMatch(wanted);
        expect(status, args.join(' ')).not.toBe(0);
      }
      count();
      // a socket of the account, by the way that a client's -L has to one
      const socket = lab.spawn('headnode', ['nc', '-lU', '/home/scail/private.sock']);
      const through =
        'ssh -F none -i guest -o IdentitiesOnly=yes -o BatchMode=yes -N -L 31888:/home/scail/private.sock';
      const script = `timeout 6 ${through} ${at} & sleep 2; curl -sS -m 3 http://127.0.0.1:31888/ 2>&1; wait`;
      const { stdout, stderr } = await lab.exec('laptop', ['sh', '-c', script], { check: false, timeoutMs: 30_000 });
      socket.kill('SIGKILL');
      expect(stdout + stderr).toMatch(/administratively prohibited|Empty reply|reset/);
      expect((await lab.exec('headnode', ['sh', '-c', 'ls -d owned /tmp/owned* 2>/dev/null; true'])).stdout).toBe('');
    },
    240_000,
  );

  it('divides the pool: whoever comes later does not wait for all steps of the first', async () => {
    const start = async (who: Added, runs: number, command: string) => {
      const create = `umask 077; c() { curl -sS -m 30 -H @h -X POST -H 'Content-Type: application/json' "$@"; }; cd "$(mktemp -d)" && cat >h || exit 1
        for i in $(seq ${runs}); do
          id=$(c -d '${body(command)}' "http://127.0.0.1:${port}/api/workflows?workflow_name=many" | sed 's/.*"workflow_id":"\\([^"]*\\).*/\\1/')
          c -d '{}' "http://127.0.0.1:${port}/api/workflows/$id/start" >/dev/null; echo "$id"
        done; rm -r "$PWD"`;
      const header = `Authorization: Bearer ${who.token}`;
      const ran = await lab.exec('headnode', ['sh', '-c', create], { stdin: header, user: 'bob', timeoutMs: 100_000 });
      return ran.stdout.trim().split('\n');
    };
    await start(alice, 50, 'sleep 20');
    await until('the first steps of alice', 60_000, async () => {
      const { people } = await statusOf(lab, 'laptop', name);
      return (people?.find(p => p.name === 'alice@example.org')?.running ?? 0) > 0;
    });
    const began = Date.now();
    const ids = await start(bob, 2, 'sleep 5');
    await until('the steps of bob', 100_000, async () => {
      const { steps } = JSON.parse(await curl(bob.token, `/api/edge/overview?run=${ids[0]}`));
      return steps?.[0]?.started !== undefined;
    });
    const waited = Date.now() - began;
    expect(waited).toBeLessThan(100_000);
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
  }, 240_000);

  it('ends the access of a person, by token and by key', async () => {
    const removed = JSON.parse((await share('remove', 'alice@example.org', '--json')).stdout);
    expect(removed).toMatchObject({ person: 'alice@example.org', wasThere: true });
    expect(removed.stopped).toBeGreaterThan(0);
    expect(await curl(alice.token, '/api/you')).toContain('Token not valid');
    expect((await ssh(['-N', 'scail@headnode'])).said).toContain('Permission denied');
    expect(await lab.read('headnode', keys)).toBe(before);
    for (const tunnel of tunnels.splice(0)) tunnel.kill('SIGTERM');
    await until('her steps to go', 60_000, async () => {
      const { people = [] } = await statusOf(lab, 'laptop', name);
      return !people.some(p => p.name === 'alice@example.org' && p.idle + p.running > 0);
    });
    expect((await share('remove', 'alice@example.org')).stdout).toContain('was not shared with');
    expect((await share('list')).stdout).not.toContain('alice');
  }, 120_000);

  it('takes everything away with the cluster', async () => {
    // a last line without its end stays as it is
    await lab.write('headnode', keys, `${before}# the end`, { mode: 0o600 });
    await added('carol', '--key', 'guest.pub');
    expect(await lab.read('headnode', keys)).toContain('permitopen="127.0.0.1:');
    const { exitCode, stderr } = await scailfin(lab, 'laptop', ['down', name, '--yes'], { check: false });
    expect(exitCode, stderr).toBe(0);
    expect(await lab.read('headnode', keys)).toBe(`${before}# the end`);
    await expect.poll(() => lab.leftovers(), { timeout: 10_000 }).toEqual([]);
  }, 180_000);
});
